"""Simulation of a network, a few samples and a block of steps at a time, and what is recorded of it."""

from .document import Document, subject
from .events import Events
from .kernel import add, add_products, fire, integrate, padded, sum_events
from .network import Layer, Network
from .philox import SpikeTrain
from .rules import Rejection
from .stimulus import Kinds, Stimulus


@fieldwise_init
struct Wanted(TrivialRegisterPassable):
    """Which records cost time or memory, and are kept only when they are asked for."""

    var spikes: Bool
    """The rasters."""
    var trace: Bool
    """Every potential before and after the reset."""


struct LayerState[dtype: DType](Copyable):
    """A layer while it runs, and what has been recorded of it."""

    var potential: List[Scalar[Self.dtype]]
    """The potential of each neuron, padded."""
    var fired: List[Int]
    """The neurons that fire at this step, ascending."""
    var steps: Int
    """Steps so far."""
    var counts: List[Int]
    """Spikes of each neuron so far."""
    var raster: List[Int]
    """`fired` of all steps, one after the other."""
    var ends: List[Int]
    """The end of each step within the raster."""
    var before: List[Scalar[Self.dtype]]
    """The potentials before the reset, unpadded, one step after the other."""
    var after: List[Scalar[Self.dtype]]
    """The potentials after the reset, alike."""

    def __init__(out self, layer: Layer[Self.dtype]):
        """Starts before step 0.

        Args:
            layer: The layer.
        """
        self.potential = List[Scalar[Self.dtype]](
            length=layer.outputs, fill=layer.initial_potential
        )
        self.potential.resize(padded[Self.dtype](layer.outputs), 0)
        self.fired = []
        self.steps = 0
        self.counts = List[Int](length=layer.outputs, fill=0)
        self.raster = []
        self.ends = []
        self.before = []
        self.after = []

    def step(
        mut self,
        layer: Layer[Self.dtype],
        current: Span[Scalar[Self.dtype], _],
        wanted: Wanted,
    ) -> Bool:
        """Integrates the current and fires.

        Args:
            layer: The layer.
            current: The current of each neuron, padded.
            wanted: What to record.

        Returns:
            True where every current and potential is finite.
        """
        if not integrate(self.potential, current, layer.decay):
            return False
        if wanted.trace:
            self.before.extend(Span(self.potential)[0 : layer.outputs])
        fire(self.potential, layer.threshold, layer.reset_to_zero, self.fired)
        if wanted.trace:
            self.after.extend(Span(self.potential)[0 : layer.outputs])
        for neuron in self.fired:
            self.counts[neuron] += 1
        if wanted.spikes:
            self.raster.extend(Span(self.fired))
            self.ends.append(len(self.raster))
        self.steps += 1
        return True


struct Run[dtype: DType](Copyable):
    """One sample on its way through a network."""

    var layers: List[LayerState[Self.dtype]]
    """The layers, input side first."""

    def __init__(out self, network: Network[Self.dtype]):
        """Starts before step 0.

        Args:
            network: The network.
        """
        self.layers = []
        for ref layer in network.layers:
            self.layers.append(LayerState[Self.dtype](layer))


@fieldwise_init
struct Fault(Comparable, TrivialRegisterPassable):
    """Where something is not finite."""

    var sample: Int
    """The sample."""
    var step: Int
    """The step."""
    var layer: Int
    """The layer."""

    def __lt__(self, other: Self) -> Bool:
        """Compares in the order sample, step, layer."""
        if self.sample != other.sample:
            return self.sample < other.sample
        if self.step != other.step:
            return self.step < other.step
        return self.layer < other.layer


struct Source[dtype: DType](Copyable):
    """What one sample is shown."""

    var values: Optional[List[Scalar[Self.dtype]]]
    """Values that are presented at every step."""
    var train: Optional[SpikeTrain]
    """Random spikes."""
    var spikes: Events
    """Otherwise: the inputs that fire, one row per step."""

    def __init__(out self, var spikes: Events):
        """Shows given spikes.

        Args:
            spikes: One row per step.
        """
        self.values = None
        self.train = None
        self.spikes = spikes^

    def __init__(out self, document: Document, stimulus: Stimulus, sample: Int):
        """Reads a sample of a valid input.

        Args:
            document: Holds the input.
            stimulus: The input.
            sample: The index of the sample within the input.
        """
        self.values = None
        self.train = None
        self.spikes = Events()
        var node = stimulus.samples[sample]
        var row = sample if stimulus.is_batch else 0
        if stimulus.kind == Kinds.CONSTANT:
            self.values = numbers[Self.dtype](document, node, row)
        elif stimulus.kind == Kinds.SPIKES:
            self.spikes = listed(document, node)
        else:
            self.train = SpikeTrain(
                numbers[DType.float64](document, node, row),
                stimulus.seed,
                stimulus.first_sample + sample,
            )

    def present(self, step: Int, mut events: Events):
        """Adds the spikes of a step as a row.

        Args:
            step: The step.
            events: Receives the row.
        """
        if self.values:
            events.append(List[Int]())
        elif self.train:
            var active: List[Int] = []
            self.train.value().step(step, active)
            events.append(active)
        else:
            events.append(self.spikes.row(step))


def listed(document: Document, node: Int) -> Events:
    """Reads lists of active inputs. Those beyond 32 bits only go with a network that looks at none."""
    var events = Events()
    var active: List[Int] = []
    for step in document.items(node):
        active.clear()
        for item in document.items(step):
            active.append(document.integer(item).or_else(0))
        events.append(active)
    return events^


def numbers[
    dtype: DType
](document: Document, node: Int, row: Int = 0) -> List[Scalar[dtype]]:
    """Reads a list of Numbers, or a row of an array in a file."""
    var values = List[Scalar[dtype]](capacity=document.size(node))
    if document.is_stored(node):
        ref array = document.stored(node)
        var width = array.shape[len(array.shape) - 1]
        for i in range(row * width, (row + 1) * width):
            values.append(Scalar[dtype](array.values[i]))
    for item in document.items(node):
        values.append(Scalar[dtype](document.number(item).or_else(0)))
    return values^


comptime ROWS = 4096
"""Steps of all samples that pass at a time. Many, since the weights of a tile come from afar for each block anew, and at
random places; events and currents too many for the near caches come in order, and are fetched ahead."""

comptime CURRENTS = 1 << 20
"""The most currents at a time, for the sake of memory: wide layers get fewer rows."""


struct Group[dtype: DType](Movable):
    """A few samples on their way through a network, layer by layer: a layer depends only on the layers before it."""

    var first: Int
    """The number of the first sample."""
    var runs: List[Run[Self.dtype]]
    """The samples."""
    var events: Events
    """What the layer at hand receives, one row per sample and step."""
    var sent: Events
    """What it sends."""
    var currents: List[Scalar[Self.dtype]]
    """Its currents, one padded row alike."""

    def __init__(out self):
        """Starts without samples."""
        self.first = 0
        self.runs = []
        self.events = Events()
        self.sent = Events()
        self.currents = []

    def begin(mut self, network: Network[Self.dtype], first: Int, samples: Int):
        """Begins with other samples, before step 0; memory is used again.

        Args:
            network: The network.
            first: The number of the first sample.
            samples: The number of samples.
        """
        self.first = first
        self.runs.clear()
        for _ in range(samples):
            self.runs.append(Run[Self.dtype](network))

    def advance(
        mut self,
        network: Network[Self.dtype],
        sources: List[Source[Self.dtype]],
        start: Int,
        stop: Int,
        wanted: Wanted,
    ) -> Optional[Fault]:
        """Takes all layers through a block of steps.

        Args:
            network: The network.
            sources: What all samples are shown.
            start: The first step.
            stop: The step after the last one.
            wanted: What to record.

        Returns:
            The first fault, by sample, step and layer.
        """
        self.events.clear()
        for sample in range(len(self.runs)):
            for step in range(start, stop):
                sources[self.first + sample].present(step, self.events)
        var first: Optional[Fault] = None
        for layer in range(len(network.layers)):
            self.sum_up(network.layers[layer])
            if layer == 0:
                self.sum_up_values(network.layers[0], sources, stop - start)
            # Later layers go on after a fault, as they may have one at an earlier step. What is wrong about them from
            # the fault on comes after it in the order.
            var fault = self.step(
                network.layers[layer], layer, start, stop, wanted
            )
            if fault and (not first or fault.value() < first.value()):
                first = fault
        return first

    def sum_up(mut self, layer: Layer[Self.dtype]):
        """Computes the currents that spikes cause."""
        var stride = padded[Self.dtype](layer.outputs)
        sum_events(self.currents, layer.weights, stride, self.events)
        if layer.bias:
            add(self.currents, layer.bias.value())

    def sum_up_values(
        mut self,
        layer: Layer[Self.dtype],
        sources: List[Source[Self.dtype]],
        steps: Int,
    ):
        """Computes the currents that real inputs cause, which are the same at every step."""
        var stride = padded[Self.dtype](layer.outputs)
        for sample in range(len(self.runs)):
            ref source = sources[self.first + sample]
            if not source.values:
                continue
            var current = List[Scalar[Self.dtype]](length=stride, fill=0)
            add_products(current, layer.weights, source.values.value())
            if layer.bias:
                add(current, layer.bias.value())
            for row in range(sample * steps, (sample + 1) * steps):
                for k in range(stride):
                    self.currents[row * stride + k] = current[k]

    def step(
        mut self,
        layer: Layer[Self.dtype],
        index: Int,
        start: Int,
        stop: Int,
        wanted: Wanted,
    ) -> Optional[Fault]:
        """Lets the neurons of a layer integrate and fire; returns the first sample and step with a fault."""
        var stride = padded[Self.dtype](layer.outputs)
        var first: Optional[Fault] = None
        var row = 0
        self.sent.clear()
        for sample in range(len(self.runs)):
            ref state = self.runs[sample].layers[index]
            for step in range(start, stop):
                var current = Span(self.currents)[
                    row * stride : (row + 1) * stride
                ]
                if not state.step(layer, current, wanted) and not first:
                    first = Fault(self.first + sample, step, index)
                self.sent.append(state.fired)
                row += 1
        swap(self.events, self.sent)
        return first


def block_rows[dtype: DType](network: Network[dtype]) -> Int:
    """Tells how many steps of all samples pass at a time.

    Args:
        network: The network.

    Returns:
        At least 1.
    """
    var widest = 1
    for ref layer in network.layers:
        widest = max(widest, padded[dtype](layer.outputs))
    return max(1, min(ROWS, CURRENTS // widest))


def simulate[
    dtype: DType
](
    network: Network[dtype],
    sources: List[Source[dtype]],
    first: Int,
    stop: Int,
    steps: Int,
    wanted: Wanted,
    mut runs: List[Run[dtype]],
) -> Optional[Fault]:
    """Runs some of the samples.

    Args:
        network: The network.
        sources: What all samples are shown.
        first: The first sample to run.
        stop: The sample after the last one to run.
        steps: The number of time steps.
        wanted: What to record.
        runs: Receives the finished runs.

    Returns:
        The first current or potential, by sample, step and layer, that is not finite.
    """
    var rows = block_rows(network)
    var size = max(1, rows // steps)
    var group = Group[dtype]()
    for begin in range(first, stop, size):
        group.begin(network, begin, min(size, stop - begin))
        for start in range(0, steps, rows):
            var fault = group.advance(
                network, sources, start, min(start + rows, steps), wanted
            )
            if fault:
                return fault
        for ref run in group.runs:
            runs.append(run.copy())
    return None


def simulate_non_finite(fault: Fault) -> Rejection:
    """Makes the rejection simulate.non-finite."""
    var path = String("/network/layers/", fault.layer)
    var message = String(
        subject(path),
        ": a current or membrane potential of sample ",
        fault.sample,
        " is not finite",
    )
    return Rejection("simulate.non-finite", path^, message^)
