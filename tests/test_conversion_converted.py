"""ConvertedSNN: the same bits from both kernels and any batch, what it refuses, and its pair of files."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from spikeparity import load_network, save_network
from spikeparity.conversion import ConversionError, ConvertedSNN, converted
from spikeparity.neurons import (
    AvgPool2d,
    Constant,
    Conv2d,
    Conv2dBranch,
    Flatten,
    IdentityBranch,
    Layer,
    Network,
    Neuron,
    Poisson,
    Sum,
    simulate,
)
from spikeparity.rejection import RejectedError


def network_of(readout="membrane", T=20, seed=0, reset="subtract"):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(9, 6)) / 2, rng.normal(size=(8, 9)) / 3, rng.normal(size=(4, 8))]
    biases = [rng.normal(size=9) / 5, None, rng.normal(size=4) / 5]
    return ConvertedSNN(weights, biases, [1.0, 0.7, 1.3], T, [0.5, 0.35, 0.0], readout, reset)


def inputs_of(samples, seed=1):
    return np.random.default_rng(seed).random((samples, 6))


SETTINGS = [
    (readout, encoding, reset)
    for readout in ("membrane", "spikes")
    for encoding in ("poisson", "constant")
    for reset in ("subtract", "zero")
]


@pytest.mark.parametrize("profile", ["sequential-f64", "sequential-f32"])
@pytest.mark.parametrize(("readout", "encoding", "reset"), SETTINGS)
def test_kernels_and_simulate_give_the_same_bits(readout, encoding, reset, profile):
    network, x = network_of(readout, reset=reset), inputs_of(30)
    presented = Poisson(x, 7, 100) if encoding == "poisson" else Constant(x)
    due = simulate(network.to_network(), 20, presented, profile=profile)
    assert due.counts[0].sum() > 100 and due.counts[1].sum() > 100
    for kernel in ("rust", "numpy", None):
        options = {"seed": 7, "sample_offset": 100, "encoding": encoding, "kernel": kernel, "threads": 2}
        options["profile"] = profile
        readouts = network.run(x, **options)
        assert readouts.dtype == due.readout.dtype
        assert readouts.tobytes() == due.readout.tobytes()
        counts = network.counts(x, **options)
        assert [layer.tobytes() for layer in counts] == [layer.tobytes() for layer in due.counts]


def test_the_rust_kernel_is_what_runs_by_default(monkeypatch):
    monkeypatch.setattr(converted, "simulate", None)
    assert network_of().run(inputs_of(2)).shape == (2, 4)
    monkeypatch.undo()
    monkeypatch.setattr(converted, "_rust", None)
    assert network_of().run(inputs_of(2)).shape == (2, 4)
    with pytest.raises(ImportError, match="scripts/setup"):
        network_of().run(inputs_of(2), kernel="rust")


@pytest.mark.parametrize("kernel", ["rust", "numpy"])
@pytest.mark.parametrize("encoding", ["poisson", "constant"])
def test_batches_change_nothing(kernel, encoding, monkeypatch):
    network, x = network_of(), inputs_of(11)
    options = {"seed": 3, "encoding": encoding, "kernel": kernel}
    whole = network.run(x, sample_offset=5, **options)
    assert len(np.unique(whole, axis=0)) == 11
    parts = [network.run(x[begin : begin + 4], sample_offset=5 + begin, **options) for begin in range(0, 11, 4)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    alone = [network.run(row, sample_offset=5 + number, **options) for number, row in enumerate(x)]
    assert np.array(alone).tobytes() == whole.tobytes()
    monkeypatch.setattr(converted, "ROWS", 3)  # the parts that a run makes by itself
    assert network.run(x, sample_offset=5, **options).tobytes() == whole.tobytes()
    assert [c.shape for c in network.counts(x, sample_offset=5, **options)] == [(11, 9), (11, 8), (11, 4)]


def test_seed_and_number_decide_the_spikes():
    network, x = network_of("spikes", T=50), np.full((3, 6), 0.5)
    first = network.run(x, seed=1)
    assert len(np.unique(first, axis=0)) == 3
    assert not np.array_equal(network.run(x, seed=2), first)
    assert np.array_equal(network.run(x[:2], seed=1, sample_offset=1), first[1:])
    assert np.array_equal(network.run(x), network.run(x, seed=0, sample_offset=0, encoding="poisson"))


def test_steps_can_be_others():
    network, x = network_of(T=20), inputs_of(3)
    longer = ConvertedSNN(network.weights, network.biases, network.thresholds, 33, network.initial_potential)
    assert network.run(x, T=33).tobytes() == longer.run(x).tobytes() != network.run(x).tobytes()


def test_samples_of_any_shape_are_rows():
    network, x = network_of(), inputs_of(5)
    due = network.run(x)
    for other in (x.reshape(5, 2, 3), x.reshape(5, 1, 1, 6), x.tolist(), np.asfortranarray(x), np.repeat(x, 2, 0)[::2]):
        assert network.run(other).tobytes() == due.tobytes()
    assert network.run(x[0]).shape == (4,)
    assert network.run(x.astype(np.float32)).tobytes() == network.run(x.astype(np.float32).astype(float)).tobytes()


def test_the_lowest_index_among_equals():
    network = ConvertedSNN([np.array([[0.5, 0.0], [0.0, 1.0], [1.0, 0.0]])], [None], [1.0], 4, readout="spikes")
    assert network.run([1.0, 1.0], encoding="constant").tolist() == [2, 4, 4]
    assert network.classify([1.0, 1.0], encoding="constant") == 1
    assert type(network.classify([0.0, 0.0])) is int and network.classify([0.0, 0.0]) == 0
    assert network.classify([[1.0, 1.0], [1.0, 0.0]], encoding="constant").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("x", "options", "code", "path"),
    [
        ([[0.0] * 6, [0.0] * 5 + [1.5]], {}, "input.range", "/input/rates/1/5"),
        ([0.0] * 5 + [-0.1], {}, "input.range", "/input/rates/5"),
        ([0.0] * 5 + [float("nan")], {}, "input.range", "/input/rates/5"),
        ([0.0] * 5 + [float("inf")], {"encoding": "constant"}, "input.range", "/input/values/5"),
        ([[0.0] * 6, [0.0] * 5], {}, "input.shape", "/input/rates/1"),
        (np.zeros((3, 2, 2)), {}, "input.shape", "/input/rates/0"),
        (np.zeros(6, dtype=bool), {}, "input.shape", "/input/rates"),
        (0.5, {}, "input.shape", "/input/rates"),
        ([0.5] * 6, {"seed": -1}, "input.seed", "/input/seed"),
        ([0.5] * 6, {"seed": 1.0}, "input.seed", "/input/seed"),
        ([[0.5] * 6] * 2, {"sample_offset": 2**53 - 1}, "input.sample", "/input/sample"),
        ([0.5] * 6, {"T": 0}, "simulate.steps", "/steps"),
        ([1e308] * 6, {"encoding": "constant"}, "simulate.non-finite", "/network/layers/0"),
    ],
)
@pytest.mark.parametrize("kernel", ["rust", "numpy"])
def test_input_that_is_refused(x, options, code, path, kernel):
    with pytest.raises(RejectedError) as caught:
        network_of().run(x, **options, kernel=kernel)
    assert (caught.value.code, caught.value.path) == (code, path)


@pytest.mark.parametrize("kernel", ["rust", "numpy"])
def test_a_fault_in_a_later_part_names_its_sample(kernel, monkeypatch):
    monkeypatch.setattr(converted, "ROWS", 2)
    x = inputs_of(5)
    x[3] = 1e308
    with pytest.raises(RejectedError, match=r"sample 3 of the batch.*/network/layers/0"):
        network_of().run(x, encoding="constant", kernel=kernel)


def test_values_that_binary32_cannot_hold():
    x = [1e39] + [0.0] * 5
    assert np.isfinite(network_of().run(x, encoding="constant")).all()
    for kernel in ("rust", "numpy"):
        with pytest.raises(RejectedError, match=r"input\.range.*/input/values/0"):
            network_of().run(x, encoding="constant", kernel=kernel, profile="sequential-f32")


@pytest.mark.parametrize("options", [{"encoding": "rate"}, {"kernel": "cuda"}, {"threads": 0}, {"profile": "f16"}])
def test_options_that_there_are_not(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        network_of().run(inputs_of(1), **options)


def test_numbers_of_layers_must_agree():
    for parts in ([[]], [[None, None], [1.0]], [[None], [1.0, 1.0]], [[None], [1.0], 16, [0.0, 0.0]]):
        with pytest.raises(ValueError, match="one entry per layer"):
            ConvertedSNN([np.eye(2)], *(parts if len(parts) > 1 else [[], [1.0]]))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (([np.eye(2)], [None], [0.0]), "network.threshold"),
        (([np.eye(2), np.eye(3)], [None, None], [1.0, 1.0]), "network.chain"),
        (([np.array([[np.nan]])], [None], [1.0]), "network.weight-finite"),
        (([np.eye(2)], [None], [1.0], 0), "simulate.steps"),
        (([np.eye(2)], [None], [1.0], 4, [0.0], "rate"), "network.readout"),
        (([np.eye(2)], [None], [1.0], 4, [0.0], "spikes", "none"), "network.reset"),
    ],
)
def test_rules_of_networks(arguments, code):
    with pytest.raises(RejectedError) as caught:
        ConvertedSNN(*arguments)
    assert caught.value.code == code


def assert_equal(network, other):
    assert [a.tobytes() for a in network.weights] == [a.tobytes() for a in other.weights]
    assert [a if a is None else a.tobytes() for a in network.biases] == [
        a if a is None else a.tobytes() for a in other.biases
    ]
    names = ("thresholds", "T", "initial_potential", "readout", "reset")
    assert [getattr(network, name) for name in names] == [getattr(other, name) for name in names]


@pytest.mark.parametrize("readout", ["membrane", "spikes"])
def test_a_pair_keeps_all(tmp_path, readout):
    network = network_of(readout, T=23, reset="zero")
    network.save(tmp_path / "model.v1")
    assert_equal(network, ConvertedSNN.load(tmp_path / "model.v1"))
    assert ConvertedSNN.load(tmp_path / "model.v1", T=5).T == 5
    stored = load_network(tmp_path / "model.v1")  # a pair as any other of format 2, which any language loads
    due = simulate(stored, 23, Poisson(inputs_of(4), 9))
    assert due.readout.tobytes() == network.run(inputs_of(4), seed=9).tobytes()
    assert json.loads((tmp_path / "model.v1.json").read_text())["metadata"] == {"T": 23}


def test_a_save_that_fails_leaves_the_old_pair(tmp_path, monkeypatch):
    old, new = network_of(T=3), network_of(T=4, seed=5)
    old.save(tmp_path / "model")
    import os

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    for broken in ("write", "fsync", "rename"):
        with monkeypatch.context() as patch, pytest.raises(Exception, match="No space left"):
            patch.setattr(os, broken, full)
            new.save(tmp_path / "model")
        assert_equal(old, ConvertedSNN.load(tmp_path / "model"))


def test_pairs_of_others(tmp_path):
    save_network(Network([Layer(np.eye(2), None, Neuron(threshold=2.0))]), tmp_path / "plain")
    with pytest.raises(ConversionError, match="say T="):
        ConvertedSNN.load(tmp_path / "plain")
    assert ConvertedSNN.load(tmp_path / "plain", T=4).thresholds == (2.0,)
    save_network(Network([Layer(np.eye(2), None, Neuron("lif", 1.0, decay=0.5))]), tmp_path / "leaky")
    save_network(Network([Layer(np.eye(2)), Layer(np.eye(2), None, Neuron(reset="zero"))]), tmp_path / "mixed")
    for name in ("leaky", "mixed"):
        with pytest.raises(ConversionError, match="without leak"):
            ConvertedSNN.load(tmp_path / name, T=4)


def block_of(readout="membrane", T=12):
    """A network with layers of every kind, weights drawn from a seed."""
    rng = np.random.default_rng(4)
    neuron = Neuron(initial_potential=0.25)
    first = Conv2d(rng.normal(size=(4, 2, 3, 3)) / 3, rng.normal(size=4) / 5, neuron, padding=1, name="first")
    branches = [
        Conv2dBranch(rng.normal(size=(4, 2, 3, 3)) / 3, "first", padding=1, groups=2),
        IdentityBranch("first", 0.4),
    ]
    layers = [
        first,
        Sum(branches, rng.normal(size=4) / 5, neuron),
        AvgPool2d(2),
        Flatten(),
        Layer(rng.normal(size=(5, 16))),
    ]
    return ConvertedSNN.of(Network(layers, readout, (2, 4, 4)), T)


@pytest.mark.parametrize("profile", ["sequential-f64", "sequential-f32"])
@pytest.mark.parametrize("encoding", ["poisson", "constant"])
@pytest.mark.parametrize("readout", ["membrane", "spikes"])
def test_networks_of_all_kinds_run_as_others_do(readout, encoding, profile, tmp_path, monkeypatch):
    network, x = block_of(readout), np.random.default_rng(5).random((7, 2, 4, 4))
    flat = x.reshape(7, 32)
    presented = Poisson(flat, 3, 9) if encoding == "poisson" else Constant(flat)
    due = simulate(network.to_network(), 12, presented, profile=profile)
    assert due.counts[0].sum() > 100 and due.counts[1].sum() > 100
    network.save(tmp_path / "model")
    monkeypatch.setattr(converted, "ROWS", 3)
    for other in (network, ConvertedSNN.load(tmp_path / "model"), pickle.loads(pickle.dumps(network))):
        for kernel, threads in (("rust", 1), ("rust", 3), ("numpy", 1)):
            options = {"encoding": encoding, "profile": profile, "kernel": kernel, "threads": threads}
            result = other.simulate(x, 3, 9, **options)
            assert result.readout.tobytes() == due.readout.tobytes()
            assert [layer.tobytes() for layer in result.counts] == [layer.tobytes() for layer in due.counts]
            assert network.run(flat[2], 3, 11, **options).tobytes() == due.readout[2].tobytes()


def test_what_networks_of_all_kinds_have():
    network = block_of()
    assert repr(network) == "ConvertedSNN(2x4x4-4x4x4-4x4x4-5, T=12, readout='membrane')"
    assert [None if w is None else len(w) for w in network.weights] == [4, 2, None, None, 5]
    assert network.weights[1][1] == 0.4 and network.weights[1][0].shape == (4, 2, 3, 3)
    assert [None if b is None else len(b) for b in network.biases] == [4, 4, None, None, None]
    assert network.thresholds == (1.0, 1.0, None, None, 1.0)
    assert network.initial_potential == (0.25, 0.25, None, None, 0.0)
    with pytest.raises(RejectedError, match=r"input\.shape.*/input/rates"):
        network.run(np.zeros((2, 31)))


def test_it_keeps_nobody_elses_memory():
    weights, bias = np.eye(2), np.ones(2)
    network = ConvertedSNN([weights], [bias], [1.0])
    weights[:], bias[:] = 5.0, 5.0
    assert network.weights[0].tolist() == [[1.0, 0.0], [0.0, 1.0]] and network.biases[0].tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="read-only"):
        network.weights[0][0, 0] = 2.0


def test_copies_and_names():
    network = network_of()
    network.run(inputs_of(1))
    for other in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert_equal(network, other)
        assert other.run(inputs_of(2)).tobytes() == network.run(inputs_of(2)).tobytes()
    assert repr(network) == "ConvertedSNN(6-9-8-4, T=20, readout='membrane')"


def test_progress(capsys, monkeypatch):
    monkeypatch.setattr(converted, "ROWS", 2)
    network_of().run(inputs_of(7))
    assert capsys.readouterr().err == ""  # nobody watches
    network_of().run(inputs_of(7), progress=True)
    assert "7/7" in capsys.readouterr().err
