"""Simulation of networks that are not of dense layers in a row: one sample after the other, step by step."""

from .convolution import Signal, convolve, pool
from .kernel import add, padded
from .network import Layer, Network, Synapses
from .parts import LayerKind, has_neurons
from .events import Events
from .simulate import Fault, Run, Source, Wanted


struct Graph[dtype: DType](Movable):
    """What the layers of a network give while a sample passes."""

    var given: List[Signal[Self.dtype]]
    """What the sample shows at this step, and what each layer gives."""
    var currents: List[List[Scalar[Self.dtype]]]
    """The currents of each layer, padded."""
    var is_steady: List[Bool]
    """Of each layer, whether all that it takes is the same at every step."""
    var branch: List[Scalar[Self.dtype]]
    """The currents of a branch."""
    var sums: List[Scalar[Self.dtype]]
    """Memory to work in."""
    var means: Signal[Self.dtype]
    """What a pool gives."""

    def __init__(out self, network: Network[Self.dtype], is_constant: Bool):
        """Starts before step 0.

        Args:
            network: The network.
            is_constant: Whether the input is the same at every step.
        """
        self.given = [Signal[Self.dtype]()]
        self.currents = []
        self.is_steady = []
        self.branch = []
        self.sums = []
        self.means = Signal[Self.dtype]()
        for ref layer in network.layers:
            var is_steady = True
            for ref synapses in layer.synapses:
                var source = synapses.source
                # Spikes come and go; other layers hand on what they take.
                is_steady = is_steady and (
                    is_constant if source < 0 else self.is_steady[source]
                    and not has_neurons(network.layers[source].kind)
                )
            self.is_steady.append(is_steady)
            self.given.append(Signal[Self.dtype]())
            self.currents.append([])

    def present(mut self, source: Source[Self.dtype], step: Int):
        """Takes in what a sample shows.

        Args:
            source: The sample.
            step: The step.
        """
        self.given[0].clear()
        if source.values:
            for i in range(len(source.values.value())):
                self.given[0].append(i, source.values.value()[i])
            return
        var events = Events()
        source.present(step, events)
        for index in events.row(0):
            self.given[0].append(Int(index), 1)

    def step(
        mut self,
        network: Network[Self.dtype],
        mut run: Run[Self.dtype],
        step: Int,
        wanted: Wanted,
    ) -> Optional[Int]:
        """Takes all layers through a step.

        Args:
            network: The network.
            run: What is recorded of the sample.
            step: The step.
            wanted: What to record.

        Returns:
            The first layer with something that is not finite.
        """
        for l in range(len(network.layers)):
            ref layer = network.layers[l]
            var is_new = step == 0 or not self.is_steady[l]
            if layer.kind == LayerKind.AVGPOOL2D:
                if is_new and not self.pool_up(l, layer.synapses[0]):
                    return l
            elif has_neurons(layer.kind):
                if is_new:
                    self.sum_up(l, layer)
                if not run.layers[l].step(layer, self.currents[l], wanted):
                    return l
                self.given[l + 1].clear()
                for neuron in run.layers[l].fired:
                    self.given[l + 1].append(neuron, 1)
        return None

    def pool_up(mut self, l: Int, synapses: Synapses[Self.dtype]) -> Bool:
        """Computes what a pool gives; False where something is not finite."""
        var is_finite = pool(
            self.means,
            self.sums,
            self.given[synapses.source + 1],
            synapses.geometry,
        )
        swap(self.means, self.given[l + 1])
        return is_finite

    def sum_up(mut self, l: Int, layer: Layer[Self.dtype]):
        """Computes the currents of a layer: each branch completely, then their sum in listed order, then the bias."""
        var size = padded[Self.dtype](layer.outputs)
        if layer.kind == LayerKind.SUM:
            self.currents[l].clear()
            self.currents[l].resize(size, 0)
            for ref synapses in layer.synapses:
                self.add_branch(l, synapses)
        else:
            ref synapses = layer.synapses[0]
            convolve(
                self.currents[l],
                self.sums,
                self.given[synapses.source + 1],
                synapses.weights,
                synapses.geometry,
            )
            self.currents[l].resize(size, 0)
        if layer.bias:
            add(self.currents[l], layer.bias.value())

    def add_branch(mut self, l: Int, synapses: Synapses[Self.dtype]):
        """Adds the currents of a branch."""
        ref signal = self.given[synapses.source + 1]
        if synapses.kind == LayerKind.IDENTITY:
            for k in range(len(signal.indices)):
                var product = synapses.factor * signal.values[k]
                self.currents[l][signal.indices[k]] += product
            return
        convolve(
            self.branch,
            self.sums,
            signal,
            synapses.weights,
            synapses.geometry,
        )
        self.branch.resize(len(self.currents[l]), 0)
        add(self.currents[l], self.branch)


def simulate_graph[
    dtype: DType
](
    network: Network[dtype],
    sources: List[Source[dtype]],
    steps: Int,
    wanted: Wanted,
    mut runs: List[Run[dtype]],
) -> Optional[Fault]:
    """Runs all samples.

    Args:
        network: The network.
        sources: What the samples are shown.
        steps: The number of time steps.
        wanted: What to record.
        runs: Receives the finished runs.

    Returns:
        The first current, product, mean or potential, by sample, step and layer, that is not finite.
    """
    for sample in range(len(sources)):
        var graph = Graph[dtype](network, Bool(sources[sample].values))
        var run = Run[dtype](network)
        for step in range(steps):
            graph.present(sources[sample], step)
            var layer = graph.step(network, run, step, wanted)
            if layer:
                return Fault(sample, step, layer.value())
        runs.append(run^)
    return None
