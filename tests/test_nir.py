"""NIR: what it can carry goes through a file and keeps every count; what it cannot is refused or recorded."""

from __future__ import annotations

import itertools

import nir
import numpy as np
import pytest
from spikeparity.conversion import ConvertedSNN
from spikeparity.neurons import (
    AvgPool2d,
    Constant,
    Conv2d,
    Flatten,
    IdentityBranch,
    Layer,
    Network,
    Neuron,
    Poisson,
    Sum,
    simulate,
)
from spikeparity.nir import NIRError, from_nir, to_nir
from spikeparity.nir.errors import KEY

RNG = np.random.default_rng(3)
NEURONS = [
    Neuron(threshold=0.7, initial_potential=0.35),
    Neuron("if", 1.1, "zero"),
    Neuron("lif", 0.9, decay=0.83),
    Neuron("lif", 0.9, "zero", -0.1, 0.0),
]


def dense(neuron=NEURONS[0], readout="spikes"):
    first = Layer(RNG.normal(size=(9, 6)), RNG.normal(size=9) / 3, neuron)
    return Network([first, Layer(RNG.normal(size=(4, 9)), None, neuron)], readout)


def images(neuron=NEURONS[0], readout="membrane"):
    layers = [
        Conv2d(RNG.normal(size=(4, 1, 3, 3)), RNG.normal(size=4) / 3, neuron, (2, 1), (1, 0), (1, 2), 2),
        Conv2d(RNG.normal(size=(4, 4, 1, 1)), None, neuron),
        AvgPool2d((2, 1), (1, 1)),
        Flatten(),
        Layer(RNG.normal(size=(3, 16)), RNG.normal(size=3), neuron),
    ]
    return Network(layers, readout, (2, 6, 6))


@pytest.mark.parametrize("neuron", NEURONS)
@pytest.mark.parametrize(("make", "readout"), [(dense, "spikes"), (dense, "membrane"), (images, "membrane")])
def test_a_file_keeps_every_bit(make, readout, neuron, tmp_path):
    network = make(neuron, readout)
    nir.write(tmp_path / "network.nir", to_nir(network, semantics="metadata"))
    back = from_nir(nir.read(tmp_path / "network.nir"))
    assert (back.readout, back.input_shape) == (network.readout, network.input_shape)
    x = RNG.random((5, network.inputs))
    for presented in (Constant(x), Poisson(x, 7)):
        due, got = (simulate(each, 30, presented) for each in (network, back))
        assert due.counts[0].sum() > 30
        assert [a.tobytes() for a in (*got.counts, *got.potential)] == [
            a.tobytes() for a in (*due.counts, *due.potential)
        ]


def test_what_nir_cannot_carry_is_a_choice():
    with pytest.raises(NIRError, match=r"cannot carry the reset.*comparison.*semantics='metadata'"):
        to_nir(dense())
    snn = ConvertedSNN.of(dense(), 8)
    graph = to_nir(snn, semantics="metadata")
    for word in ('"comparison": "v >= threshold"', '"reset": "subtract"', '"initial_potential": 0.35', '"order"'):
        assert word in graph.metadata[KEY]
    graph.metadata.clear()
    with pytest.raises(NIRError, match="say reset="):
        from_nir(graph)
    other = from_nir(graph, reset="zero", initial_potential=0.25)
    assert [layer.neuron for layer in other.layers] == [Neuron("if", 0.7, "zero", 0.25)] * 2


def test_time_constants_of_others_are_eulers_steps():
    graph = to_nir(dense(Neuron("lif", 0.5, decay=0.75)), semantics="metadata")
    assert (graph.nodes["layer_0"].tau == 4.0).all() and (graph.nodes["layer_0"].r == 4.0).all()
    graph.metadata.clear()
    assert from_nir(graph, reset="subtract").layers[0].neuron == Neuron("lif", 0.5, decay=0.75)


def changed(name, **members):
    graph = to_nir(dense(), semantics="metadata")
    for key, value in members.items():
        setattr(graph.nodes[name], key, value)
    return graph


def with_nodes(*nodes):
    named = {"input": nir.Input({"input": np.array([6])})} | {str(index): node for index, node in enumerate(nodes)}
    named["output"] = nir.Output({"output": np.array([9])})
    names = list(named)
    return nir.NIRGraph(named, list(itertools.pairwise(names)), metadata={}, type_check=False)


def forked():
    graph = to_nir(dense(), semantics="metadata")
    graph.edges.append(("layer_0", "layer_1"))
    return graph


LINEAR, ONES = nir.Linear(np.ones((9, 6))), np.ones(9)

REFUSED = [
    (changed("layer_0", v_reset=ONES), "'layer_0' has v_reset = 1.0, expected 0"),
    (changed("layer_0", v_threshold=np.arange(1.0, 10.0)), "'layer_0' has v_threshold that differ"),
    (changed("layer_0", v_threshold=ONES), "has the threshold 1.0, the metadata say 0.7"),
    (changed("layer_0", r=2 * ONES), "'layer_0' has a resistance of 2.0, expected 1.0"),
    (with_nodes(LINEAR), "'0' has no IF, LIF, I or LI behind it, but a Output"),
    (with_nodes(nir.Threshold(ONES)), "'0' is a Threshold, which cannot be carried over"),
    (with_nodes(LINEAR, nir.LIF(ONES * 2, ONES * 2, ONES, ONES)), "'1' has v_leak = 1.0, expected 0"),
    (with_nodes(LINEAR, nir.I(ONES), LINEAR), "'1' never fires and is not the last"),
    (with_nodes(nir.AvgPool2d(np.ones(2), np.ones(2), np.ones(2))), "'0' has a padding"),
    (forked(), "'layer_0' does not have one node behind it"),
]  # fmt: skip


@pytest.mark.parametrize(("graph", "says"), REFUSED)
def test_graphs_that_are_refused(graph, says):
    reset = None if graph.metadata else "subtract"
    with pytest.raises(NIRError, match=says):
        from_nir(graph, reset=reset)


def test_networks_that_are_refused():
    summed = Network([Layer(np.eye(2), name="a"), Sum([IdentityBranch("a"), IdentityBranch("a")])])
    beside = Network([Layer(np.eye(2)), Layer(np.eye(2), source="input")])
    frozen = Network([Layer(np.eye(2), None, Neuron("lif", decay=1.0))])
    for network, says in ((summed, "layer 1 "), (beside, "layer 1 does not take"), (frozen, "decay of 1")):
        with pytest.raises(NIRError, match=says):
            to_nir(network, semantics="metadata")
