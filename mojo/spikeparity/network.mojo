"""Networks of integrate-and-fire layers, in the layout that the kernels run on."""

from std.utils.numerics import inf

from .convolution import Geometry, by_input
from .document import Document
from .kernel import packed, padded
from .matrix import Shape
from .network_rules import check_network_of_request
from .parts import LayerKind, has_neurons
from .rules import Rejection
from .shapes import INPUT, Branch, LayerPlan, Shapes


struct Synapses[dtype: DType](Copyable):
    """What joins a layer to one source, in a network that is not of dense layers in a row."""

    var kind: Int
    """One of `LayerKind`."""
    var source: Int
    """The layer that gives the numbers, past all that only change their shape; or INPUT."""
    var geometry: Geometry
    """How source and layer are joined."""
    var weights: List[Scalar[Self.dtype]]
    """The weights, by input."""
    var factor: Scalar[Self.dtype]
    """The weight of an identity."""

    def __init__(out self, document: Document, branch: Branch, source: Int):
        """Lays out a valid branch, or layer without branches.

        Args:
            document: Holds it.
            branch: The branch, its shapes known.
            source: The layer that gives the numbers, or INPUT.
        """
        self.kind = branch.kind
        self.source = source
        self.geometry = branch.geometry
        self.weights = []
        if branch.weights:
            self.weights = by_input(
                leaves[Self.dtype](document, branch.weights.value()),
                branch.geometry,
            )
        self.factor = number_or[Self.dtype](document, branch.node, "weight", 1)


struct Layer[dtype: DType](Copyable):
    """One layer, its arrays padded with zeros to whole vectors."""

    var kind: Int
    """One of `LayerKind`."""
    var outputs: Int
    """The number of neurons; none where a layer only hands on numbers."""
    var weights: List[Scalar[Self.dtype]]
    """The weights, packed by tiles of outputs, of dense layers in a row."""
    var synapses: List[Synapses[Self.dtype]]
    """What it sums up in any other network."""
    var bias: Optional[List[Scalar[Self.dtype]]]
    """One padded addend per neuron, at every step."""
    var decay: Scalar[Self.dtype]
    """What remains of the potential after a step; 1 (which changes no bit) for the model `if`."""
    var threshold: Scalar[Self.dtype]
    """The potential at which a neuron fires; infinite for a layer that never does."""
    var reset_to_zero: Bool
    """Whether a spike leaves 0, else it takes away the threshold."""
    var initial_potential: Scalar[Self.dtype]
    """The potential before the first step."""

    def __init__(out self, document: Document, plan: LayerPlan):
        """Lays out a valid layer, without what it sums up.

        Args:
            document: Holds the layer.
            plan: The layer.
        """
        var given = plan.given()
        self.kind = plan.kind
        self.outputs = given.elements() if has_neurons(plan.kind) else 0
        self.weights = []
        self.synapses = []
        self.bias = None
        if plan.bias:
            self.bias = padded_row[Self.dtype](
                document, plan.bias.value(), given.height * given.width
            )
        var neuron = plan.neuron.or_else(plan.node)
        self.decay = number_or[Self.dtype](document, neuron, "decay", 1)
        self.threshold = number_or[Self.dtype](document, neuron, "threshold", 1)
        self.initial_potential = number_or[Self.dtype](
            document, neuron, "initial_potential", 0
        )
        var reset = document.member(neuron, "reset")
        self.reset_to_zero = Bool(reset) and document.is_text(
            reset.value(), "zero"
        )

    def __init__(
        out self,
        columns: List[Scalar[Self.dtype]],
        inputs: Int,
        outputs: Int,
        threshold: Scalar[Self.dtype],
    ):
        """Lays out a dense layer of plain neurons, for programs that use the kernels without documents.

        Args:
            columns: One column of weights per input, padded.
            inputs: The number of inputs.
            outputs: The number of neurons.
            threshold: Finite and above 0.
        """
        self.kind = LayerKind.DENSE
        self.outputs = outputs
        self.weights = packed(columns, padded[Self.dtype](outputs))
        self.synapses = []
        self.bias = None
        self.decay = 1
        self.threshold = threshold
        self.reset_to_zero = False
        self.initial_potential = 0


struct Network[dtype: DType](Movable):
    """A valid network."""

    var layers: List[Layer[Self.dtype]]
    """The layers, input side first."""
    var inputs: Optional[Int]
    """The number of inputs; None where there may be any."""
    var is_plain: Bool
    """Whether it is of dense layers in a row."""
    var membrane: Bool
    """Whether the answer is the potential of the last layer, which then never fires."""

    def __init__(out self, var layers: List[Layer[Self.dtype]]):
        """Joins dense layers whose sizes chain, read out by spikes.

        Args:
            layers: The layers, input side first.
        """
        self.layers = layers^
        self.inputs = None
        self.is_plain = True
        self.membrane = False

    def __init__(out self, document: Document, root: Int, shapes: Shapes):
        """Lays out a valid network.

        Args:
            document: Holds the network.
            root: The network.
            shapes: Its layers.
        """
        self.layers = []
        self.is_plain = is_plain(shapes)
        self.inputs = None
        if shapes.input:
            self.inputs = shapes.input.value().elements()
        # Of each layer the one that gives its numbers: itself, or where it flattens, its source's.
        var givers: List[Int] = []
        for l in range(len(shapes.layers)):
            ref plan = shapes.layers[l]
            givers.append(l)
            self.layers.append(Layer[Self.dtype](document, plan))
            if self.is_plain:
                ref due = plan.branches[0].due
                self.layers[l].weights = packed(
                    transposed[Self.dtype](
                        document,
                        plan.branches[0].weights.value(),
                        Shape(due[0], due[1]),
                    ),
                    padded[Self.dtype](due[0]),
                )
                continue
            for ref branch in plan.branches:
                var source = branch.source
                if source != INPUT:
                    source = givers[source]
                if plan.kind == LayerKind.FLATTEN:
                    givers[l] = source
                else:
                    self.layers[l].synapses.append(
                        Synapses[Self.dtype](document, branch, source)
                    )
        var readout = document.member(root, "readout")
        self.membrane = Bool(readout) and document.is_text(
            readout.value(), "membrane"
        )
        if self.membrane:
            self.layers[len(self.layers) - 1].threshold = inf[Self.dtype]()


def is_plain(shapes: Shapes) -> Bool:
    """Tells whether a network is of dense layers in a row."""
    for l in range(len(shapes.layers)):
        ref layer = shapes.layers[l]
        if layer.kind != LayerKind.DENSE or layer.branches[0].source != (
            l - 1 if l > 0 else INPUT
        ):
            return False
    return True


def transposed[
    dtype: DType
](document: Document, weights: Int, bounds: Shape) -> List[Scalar[dtype]]:
    """Lays out a weight matrix by columns, each padded to whole vectors."""
    var stride = padded[dtype](bounds.outputs)
    var columns = List[Scalar[dtype]](length=bounds.inputs * stride, fill=0)
    if document.is_stored(weights):
        ref values = document.stored(weights).values
        for i in range(bounds.outputs):
            for j in range(bounds.inputs):
                columns[j * stride + i] = Scalar[dtype](
                    values[i * bounds.inputs + j]
                )
        return columns^
    var output = 0
    for row in document.items(weights):
        var at = output
        for item in document.items(row):
            columns[at] = Scalar[dtype](document.number(item).or_else(0))
            at += stride
        output += 1
    return columns^


def leaves[
    dtype: DType = DType.float64
](document: Document, array: Int) -> List[Scalar[dtype]]:
    """Collects the Numbers of an array.

    Args:
        document: Holds the array.
        array: An array of Numbers, or of arrays of them, at any depth.

    Returns:
        The values in document order, rounded.
    """
    if document.is_stored(array):
        ref stored = document.stored(array).values
        var values = List[Scalar[dtype]](capacity=len(stored))
        for value in stored:
            values.append(Scalar[dtype](value))
        return values^
    var values = List[Scalar[dtype]](capacity=document.end(array) - array)
    for node in range(array, document.end(array)):
        var value = document.number(node)
        if value:
            values.append(Scalar[dtype](value.value()))
    return values^


def padded_row[
    dtype: DType
](document: Document, row: Int, repeat: Int) -> List[Scalar[dtype]]:
    """Reads a list of Numbers, each so many times, and pads it to whole vectors."""
    var values = List[Scalar[dtype]]()
    for value in leaves[dtype](document, row):
        values.resize(len(values) + repeat, value)
    values.resize(padded[dtype](len(values)), 0)
    return values^


def number_or[
    dtype: DType
](
    document: Document, parent: Int, name: StaticString, default: Float64
) -> Scalar[dtype]:
    """Reads an optional Number."""
    var node = document.member(parent, name)
    return Scalar[dtype](
        document.number(node.value()).or_else(default) if node else default
    )


def read_network[
    dtype: DType
](
    mut document: Document, root: Int, folder: Optional[String] = None
) raises Rejection -> Network[dtype]:
    """Validates a network.

    Args:
        document: Holds the network; references to files in it are replaced by arrays.
        root: The network.
        folder: Where files are, None where references are none.

    Returns:
        The network, laid out for the kernels.

    Raises:
        Rejection: The first broken rule of the stage `network`.
    """
    var shapes = check_network_of_request[dtype](document, root, folder)
    return Network[dtype](document, root, shapes)
