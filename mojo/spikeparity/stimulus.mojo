"""What a network is shown: constant values, spikes, or Poisson rates, one sample or a batch, and their rules."""

from .document import Document
from .matrix import finite, inexact
from .references import resolve
from .rules import MAX_INTEGER, MAX_STEPS, Rejection


struct Kinds:
    """The kinds of input."""

    comptime CONSTANT = 0
    """Values that are presented at every step."""
    comptime SPIKES = 1
    """For each step the active inputs."""
    comptime POISSON = 2
    """Bernoulli spike trains of given rates."""


struct Stimulus(Movable):
    """A valid input."""

    var kind: Int
    """One of `Kinds`."""
    var is_batch: Bool
    """Whether there is a sample axis."""
    var samples: List[Int]
    """Where each sample stands in the document."""
    var seed: Int
    """Of Poisson inputs."""
    var first_sample: Int
    """The number of sample 0 of Poisson inputs."""

    def __init__(out self, kind: Int):
        """Starts without samples.

        Args:
            kind: One of `Kinds`.
        """
        self.kind = kind
        self.is_batch = False
        self.samples = []
        self.seed = 0
        self.first_sample = 0


def read_stimulus[
    dtype: DType = DType.float64
](
    mut document: Document,
    root: Int,
    steps: Int,
    width: Optional[Int],
    folder: Optional[String] = None,
) raises Rejection -> Stimulus:
    """Validates the input of a simulation.

    Parameters:
        dtype: The type that constant values are rounded to, and must be finite in.

    Args:
        document: Holds the input; a reference to a file in it is replaced by an array.
        root: The input.
        steps: The number of time steps.
        width: The input width of the first layer; None where it takes any.
        folder: Where files are, None where references are none.

    Returns:
        The input.

    Raises:
        Rejection: The first broken rule of the stage `input`.
    """
    var stimulus = Stimulus(input_kind(document, root))
    input_unknown_key(document, root, stimulus.kind)
    var data = document.member(root, data_key(stimulus.kind))
    # The number of samples decides on input.sample, but what is wrong with a file is told with the shape.
    var fault: Optional[Rejection] = None
    if data and stimulus.kind != Kinds.SPIKES:
        try:
            resolve(document, data.value(), folder)
        except rejection:
            fault = rejection^
    stimulus.is_batch = Bool(data) and is_batch(
        document, data.value(), stimulus.kind
    )
    if stimulus.kind == Kinds.POISSON:
        stimulus.seed = input_seed(document, root)
        var count = document.size(data.value()) if stimulus.is_batch else 1
        stimulus.first_sample = input_sample(document, root, count)
    if fault:
        raise fault.take()
    stimulus.samples = input_shape_root(document, root, stimulus)
    if data and document.is_stored(data.value()):
        input_shape_of_stored(document, data.value(), width)
        input_range_of_stored[dtype](document, data.value(), stimulus.kind)
    elif stimulus.kind == Kinds.SPIKES:
        input_shape_of_indices(document, stimulus, steps)
        input_indices(document, stimulus, width)
    else:
        input_shape_of_rows(document, stimulus, width)
        input_range[dtype](document, data.value(), stimulus.kind)
    return stimulus^


def data_key(kind: Int) -> StaticString:
    """Names the member that holds the data of an input."""
    if kind == Kinds.CONSTANT:
        return "values"
    return "indices" if kind == Kinds.SPIKES else "rates"


def is_batch(document: Document, data: Int, kind: Int) -> Bool:
    """Tells whether data have a sample axis: decided by element 0, or by element 0 of it."""
    if document.is_stored(data):
        return len(document.stored(data).shape) == 2 and document.size(data) > 0
    var probe = document.first(data)
    if kind == Kinds.SPIKES and probe:
        probe = document.first(probe.value())
    return Bool(probe) and document.is_array(probe.value())


def simulate_steps(document: Document, root: Int) raises Rejection -> Int:
    """Raises simulate.steps unless steps is an Integer within 1 and MAX_STEPS, which is returned."""
    var node = document.member(root, "steps")
    if not node:
        raise document.reject_missing("simulate.steps", root, "steps")
    var steps = document.integer(node.value()).or_else(0)
    if steps < 1 or steps > MAX_STEPS:
        raise document.reject(
            "simulate.steps",
            node.value(),
            String("an Integer within 1 and ", MAX_STEPS),
        )
    return steps


def input_kind(document: Document, root: Int) raises Rejection -> Int:
    """Raises input.kind unless the input is an object with a known kind, which is returned."""
    if not document.is_object(root):
        raise document.reject("input.kind", root, "an object")
    var kind = document.member(root, "kind")
    if not kind:
        raise document.reject_missing("input.kind", root, "kind")
    if document.is_text(kind.value(), "constant"):
        return Kinds.CONSTANT
    if document.is_text(kind.value(), "spikes"):
        return Kinds.SPIKES
    if document.is_text(kind.value(), "poisson"):
        return Kinds.POISSON
    raise document.reject(
        "input.kind", kind.value(), '"constant", "spikes" or "poisson"'
    )


def input_unknown_key(
    document: Document, root: Int, kind: Int
) raises Rejection:
    """Raises input.unknown-key at a member that this kind of input does not have."""
    var known: List[StaticString] = ["kind", data_key(kind)]
    if kind == Kinds.POISSON:
        known.extend(["seed", "sample"])
    for key in document.keys(root):
        if not document.is_one_of(key, known):
            raise document.reject_unknown("input.unknown-key", key, known)


def input_seed(document: Document, root: Int) raises Rejection -> Int:
    """Raises input.seed unless seed is a non-negative Integer, which is returned."""
    var node = document.member(root, "seed")
    if not node:
        raise document.reject_missing("input.seed", root, "seed")
    var seed = document.integer(node.value()).or_else(-1)
    if seed < 0:
        raise document.reject(
            "input.seed", node.value(), "an Integer within 0 and 2^53-1"
        )
    return seed


def input_sample(
    document: Document, root: Int, count: Int
) raises Rejection -> Int:
    """Raises input.sample unless the numbers of the first and the last of `count` samples are non-negative Integers."""
    var node = document.member(root, "sample")
    if not node:
        return 0
    var sample = document.integer(node.value()).or_else(-1)
    if sample < 0:
        raise document.reject(
            "input.sample", node.value(), "an Integer within 0 and 2^53-1"
        )
    if sample + count - 1 > MAX_INTEGER:
        raise document.reject(
            "input.sample",
            node.value(),
            String("room for ", count, " samples up to 2^53-1"),
        )
    return sample


def input_shape_root(
    document: Document, root: Int, stimulus: Stimulus
) raises Rejection -> List[Int]:
    """Raises input.shape unless the data are there, an array; returns the samples."""
    var name = data_key(stimulus.kind)
    var data = document.member(root, name)
    if not data:
        raise document.reject_missing("input.shape", root, name)
    if document.is_stored(data.value()):
        var count = document.size(data.value()) if stimulus.is_batch else 1
        return List[Int](length=count, fill=data.value())
    if not document.is_array(data.value()):
        raise document.reject("input.shape", data.value(), "an array")
    if not stimulus.is_batch:
        return [data.value()]
    var samples: List[Int] = []
    for sample in document.items(data.value()):
        samples.append(sample)
    return samples^


def input_shape_of_rows(
    document: Document, stimulus: Stimulus, width: Optional[Int]
) raises Rejection:
    """Raises input.shape unless each sample is a row of Numbers, as wide as the first layer or else as row 0."""
    var due = width.or_else(document.size(stimulus.samples[0]))
    for row in stimulus.samples:
        input_shape_of_row(document, row, due)


def input_shape_of_row(
    document: Document, row: Int, width: Int
) raises Rejection:
    """Raises input.shape unless a value is a list of so many Numbers."""
    if not document.is_array(row):
        raise document.reject("input.shape", row, "an array")
    for item in document.items(row):
        if not document.number(item):
            raise document.reject("input.shape", item, "a Number")
    if document.size(row) != width:
        raise document.reject(
            "input.shape",
            row,
            String("one Number for each of ", width, " inputs"),
        )


def input_shape_of_stored(
    document: Document, data: Int, width: Optional[Int]
) raises Rejection:
    """Raises input.shape unless an array in a file is one row or a batch of rows, all of Numbers, as wide as the first layer."""
    ref array = document.stored(data)
    var rank = len(array.shape)
    if (rank != 1 and rank != 2) or (rank == 2 and array.shape[0] == 0):
        raise document.reject("input.shape", data, "one row or a batch of rows")
    var got = array.shape[rank - 1]
    var due = width.or_else(got)
    # Row by row, each Number before the length of its row.
    if array.inexact and (got == due or array.inexact.value() < got):
        return inexact(document, data, "input.shape")
    if got != due:
        raise Rejection(
            "input.shape",
            document.pointer(data) + ("/0" if rank == 2 else ""),
            String(
                "input: expected one Number for each of ",
                due,
                " inputs, got ",
                got,
            ),
        )


def input_range_of_stored[
    dtype: DType
](document: Document, data: Int, kind: Int) raises Rejection:
    """Raises input.range as `input_range` does, for an array in a file."""
    if kind == Kinds.CONSTANT:
        return finite[dtype](document, data, "input.range")
    ref values = document.stored(data).values
    for i in range(len(values)):
        if not (values[i] >= 0 and values[i] <= 1):
            raise document.reject_stored(
                "input.range", data, i, "a rate within 0 and 1"
            )


def input_shape_of_indices(
    document: Document, stimulus: Stimulus, steps: Int
) raises Rejection:
    """Raises input.shape unless each sample holds one array per step."""
    for sample in stimulus.samples:
        if not document.is_array(sample) or document.size(sample) != steps:
            raise document.reject(
                "input.shape",
                sample,
                String("an array for each of ", steps, " steps"),
            )
        for step in document.items(sample):
            if not document.is_array(step):
                raise document.reject(
                    "input.shape", step, "an array of indices"
                )


def input_indices(
    document: Document, stimulus: Stimulus, width: Optional[Int]
) raises Rejection:
    """Raises input.indices at an index that is no Integer, out of range, or not greater than the one before."""
    var limit = width.or_else(MAX_INTEGER + 1)
    for sample in stimulus.samples:
        for step in document.items(sample):
            var previous = -1
            for item in document.items(step):
                var index = document.integer(item).or_else(-1)
                if index <= previous or index >= limit:
                    raise document.reject(
                        "input.indices",
                        item,
                        String("an ascending index below ", limit),
                    )
                previous = index


def input_range[
    dtype: DType = DType.float64
](document: Document, data: Int, kind: Int) raises Rejection:
    """Raises input.range at a value that is not finite, or a rate that is not within 0 and 1."""
    if kind == Kinds.CONSTANT:
        return finite[dtype](document, data, "input.range")
    for node in range(data, document.end(data)):
        var rate = document.number(node)
        if rate and not (rate.value() >= 0 and rate.value() <= 1):
            raise document.reject("input.range", node, "a rate within 0 and 1")
