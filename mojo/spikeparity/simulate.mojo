"""Simulation of a network on one sample after the other, and what is recorded of it."""

from .document import Document
from .kernel import add, add_columns, add_products, fire, integrate, padded
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
    var current: List[Scalar[Self.dtype]]
    """The current of each neuron at this step, padded alike."""
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
        self.current = List[Scalar[Self.dtype]](
            length=len(self.potential), fill=0
        )
        self.fired = []
        self.steps = 0
        self.counts = List[Int](length=layer.outputs, fill=0)
        self.raster = []
        self.ends = []
        self.before = []
        self.after = []

    def receive(mut self, layer: Layer[Self.dtype], active: Span[Int, _]):
        """Computes the current that spikes cause.

        Args:
            layer: The layer.
            active: The inputs that fire, ascending.
        """
        self.clear_current()
        add_columns(self.current, layer.columns, active)
        if layer.bias:
            add(self.current, layer.bias.value())

    def receive_values(
        mut self, layer: Layer[Self.dtype], values: Span[Scalar[Self.dtype], _]
    ):
        """Computes the current that real inputs cause.

        Args:
            layer: The layer.
            values: One value per input.
        """
        self.clear_current()
        add_products(self.current, layer.columns, values)
        if layer.bias:
            add(self.current, layer.bias.value())

    def clear_current(mut self):
        """Sets the current to +0.0."""
        for ref value in self.current:
            value = 0

    def step(mut self, layer: Layer[Self.dtype], wanted: Wanted) -> Bool:
        """Integrates the current and fires.

        Args:
            layer: The layer.
            wanted: What to record.

        Returns:
            True where every current and potential is finite.
        """
        if not integrate(self.potential, self.current, layer.decay):
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

    def step(
        mut self, network: Network[Self.dtype], wanted: Wanted
    ) -> Optional[Int]:
        """Takes all layers through one step; the first one has its current.

        Args:
            network: The network.
            wanted: What to record.

        Returns:
            The first layer with a current or potential that is not finite, else None.
        """
        for i in range(len(self.layers)):
            if i > 0:
                var active = self.layers[i - 1].fired.copy()
                self.layers[i].receive(network.layers[i], active)
            if not self.layers[i].step(network.layers[i], wanted):
                return i
        return None


def run_sample[
    dtype: DType
](
    document: Document,
    network: Network[dtype],
    stimulus: Stimulus,
    sample: Int,
    steps: Int,
    wanted: Wanted,
) raises Rejection -> Run[dtype]:
    """Runs one sample.

    Args:
        document: Holds network and input.
        network: The network.
        stimulus: The input.
        sample: The index of the sample within the input.
        steps: The number of time steps.
        wanted: What to record.

    Returns:
        The finished run.

    Raises:
        Rejection: Rule simulate.non-finite.
    """
    var run = Run[dtype](network)
    var node = stimulus.samples[sample]
    var faulty: Optional[Int]
    if stimulus.kind == Kinds.CONSTANT:
        faulty = run_constant(document, network, node, steps, wanted, run)
    elif stimulus.kind == Kinds.SPIKES:
        faulty = run_spikes(document, network, node, wanted, run)
    else:
        var train = SpikeTrain(
            numbers[DType.float64](document, node),
            stimulus.seed,
            stimulus.first_sample + sample,
        )
        faulty = run_train(network, train, steps, wanted, run)
    if faulty:
        raise simulate_non_finite(
            document, network.nodes[faulty.value()], sample
        )
    return run^


def simulate_non_finite(
    document: Document, layer: Int, sample: Int
) -> Rejection:
    """Makes the rejection simulate.non-finite."""
    var reason = String(
        "a current or membrane potential of sample ", sample, " is not finite"
    )
    return document.reject_because("simulate.non-finite", layer, reason)


def numbers[dtype: DType](document: Document, row: Int) -> List[Scalar[dtype]]:
    """Reads a list of Numbers."""
    var values = List[Scalar[dtype]](capacity=document.size(row))
    for item in document.items(row):
        values.append(Scalar[dtype](document.number(item).or_else(0)))
    return values^


def run_constant[
    dtype: DType
](
    document: Document,
    network: Network[dtype],
    node: Int,
    steps: Int,
    wanted: Wanted,
    mut run: Run[dtype],
) -> Optional[Int]:
    """Shows the same values at every step, so the first layer's current is computed once; returns a faulty layer."""
    run.layers[0].receive_values(
        network.layers[0], numbers[dtype](document, node)
    )
    for _ in range(steps):
        var faulty = run.step(network, wanted)
        if faulty:
            return faulty
    return None


def run_spikes[
    dtype: DType
](
    document: Document,
    network: Network[dtype],
    node: Int,
    wanted: Wanted,
    mut run: Run[dtype],
) -> Optional[Int]:
    """Shows the listed spikes; returns a faulty layer."""
    var active: List[Int] = []
    for step in document.items(node):
        active.clear()
        for item in document.items(step):
            active.append(document.integer(item).or_else(0))
        run.layers[0].receive(network.layers[0], active)
        var faulty = run.step(network, wanted)
        if faulty:
            return faulty
    return None


def run_train[
    dtype: DType
](
    network: Network[dtype],
    train: SpikeTrain,
    steps: Int,
    wanted: Wanted,
    mut run: Run[dtype],
) -> Optional[Int]:
    """Shows random spikes; returns a faulty layer."""
    var active: List[Int] = []
    for step in range(steps):
        train.step(step, active)
        run.layers[0].receive(network.layers[0], active)
        var faulty = run.step(network, wanted)
        if faulty:
            return faulty
    return None
