"""Networks of convolutions, pools, flattenings and sums in Python: built, run against scalar loops, stored, refused."""

from __future__ import annotations

import json
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from spikeparity import RejectedError, load_checkpoint, load_network, save_network
from spikeparity.neurons import (
    AvgPool2d,
    Constant,
    Conv2d,
    Conv2dBranch,
    DenseBranch,
    Flatten,
    IdentityBranch,
    Layer,
    Network,
    Neuron,
    Poisson,
    Simulation,
    Spikes,
    Sum,
    currents,
    poisson_spikes,
    simulate,
)
from spikeparity.neurons.layers import AnyLayer, Branch

SIMULATE = import_module("spikeparity.neurons.simulate")  # its package names the function so
Values = npt.NDArray[Any]
ALL = ("counts", "spikes", "potential", "trace")
IF = {"model": "if", "threshold": 1.0}


# ---- the arithmetic, against loops over single numbers, written here straight from networks.md ----------------------


def scalar_conv2d(part: Conv2d | Conv2dBranch, x: Values, real: Any) -> Values:
    outputs, inputs, *kernel = part.weights.shape
    size = [
        (x.shape[1 + axis] + 2 * part.padding[axis] - part.dilation[axis] * (kernel[axis] - 1) - 1) // part.stride[axis]
        + 1
        for axis in range(2)
    ]
    current = np.zeros((outputs, *size), dtype=real)
    for o, y, column in product(range(outputs), *map(range, size)):
        acc = real(0.0)
        for c, i, j in product(range(inputs), *map(range, kernel)):
            row = y * part.stride[0] + i * part.dilation[0] - part.padding[0]
            place = column * part.stride[1] + j * part.dilation[1] - part.padding[1]
            if 0 <= row < x.shape[1] and 0 <= place < x.shape[2]:
                channel = o // (outputs // part.groups) * inputs + c
                acc = acc + real(part.weights[o, c, i, j]) * real(x[channel, row, place])
        current[o, y, column] = acc
    return current


def scalar_pool(layer: AvgPool2d, x: Values, real: Any) -> Values:
    stride = layer.stride or layer.kernel
    size = [(x.shape[1 + axis] - layer.kernel[axis]) // stride[axis] + 1 for axis in range(2)]
    means = np.zeros((len(x), *size), dtype=real)
    for c, y, column in product(range(len(x)), *map(range, size)):
        acc = real(0.0)
        for i, j in product(*map(range, layer.kernel)):
            acc = acc + real(x[c, y * stride[0] + i, column * stride[1] + j])
        means[c, y, column] = acc / real(layer.kernel[0] * layer.kernel[1])
    return means


def scalar_dense(weights: Values, x: Values, real: Any) -> Values:
    current = np.zeros(len(weights), dtype=real)
    for o, row in enumerate(weights):
        acc = real(0.0)
        for weight, value in zip(row, x, strict=True):
            acc = acc + real(weight) * real(value)
        current[o] = acc
    return current


def scalar_part(part: AnyLayer | Branch, x: Values, real: Any) -> Values:
    if isinstance(part, IdentityBranch):
        return np.array([real(part.weight) * real(value) for value in x.ravel()], dtype=real).reshape(x.shape)
    if isinstance(part, (Conv2d, Conv2dBranch)):
        return scalar_conv2d(part, x, real)
    if isinstance(part, AvgPool2d):
        return scalar_pool(part, x, real)
    if isinstance(part, Flatten):
        return x.ravel()
    assert isinstance(part, (Layer, DenseBranch))
    return scalar_dense(part.weights, x, real)


def scalar_run(network: Network, presented: list[Values], real: Any) -> tuple[list[Values], list[list[Values]]]:
    """Run one sample; return the potentials at the end and the spikes of each layer and step."""
    potentials: list[Any] = [None] * len(network.layers)
    spikes: list[list[Values]] = [[] for _ in network.layers]
    for values in presented:
        given = {-1: values.reshape(network.input_shape or values.shape)}
        for index, layer in enumerate(network.layers):
            taken = [given[source] for source in network.sources[index]]
            if isinstance(layer, (AvgPool2d, Flatten)):
                given[index] = scalar_part(layer, taken[0], real)
                continue
            if isinstance(layer, Sum):
                current = np.zeros(network.shapes[index], dtype=real)
                for branch, x in zip(layer.inputs, taken, strict=True):
                    current = current + scalar_part(branch, x, real)
            else:
                current = scalar_part(layer, taken[0], real)
            if layer.bias is not None:
                bias = layer.bias.astype(real)
                current = current + (bias[:, None, None] if current.ndim == 3 else bias)
            neuron = layer.neuron
            v = (
                potentials[index]
                if potentials[index] is not None
                else np.full(current.shape, neuron.initial_potential, real)
            )
            v = (v if neuron.decay is None else real(neuron.decay) * v) + current
            fired = (v >= real(neuron.threshold)) & (index < len(network.layers) - 1 or network.readout == "spikes")
            down = v - real(neuron.threshold) if neuron.reset == "subtract" else np.zeros_like(v)
            potentials[index] = np.where(fired, down, v)
            spikes[index].append(fired)
            given[index] = fired
    return potentials, spikes


def assert_runs_as_scalar(network: Network, given: Simulation, presented: list[list[Values]], real: Any) -> None:
    assert given.spikes is not None
    for sample, steps in enumerate(presented):
        potentials, spikes = scalar_run(network, steps, real)
        for index, layer in enumerate(network.layers):
            if isinstance(layer, (AvgPool2d, Flatten)):
                assert given.potential[index][sample].shape == (0,)
                assert given.spikes[index][sample].shape == (0, 0)
                continue
            due = np.array(potentials[index], dtype=real).ravel()
            assert given.potential[index][sample].tobytes() == due.tobytes(), (sample, index)
            fired = np.array(spikes[index]).reshape(len(steps), -1)
            assert given.spikes[index][sample].tolist() == fired.tolist()
            assert given.counts[index][sample].tolist() == fired.sum(axis=0).tolist()


def residual(random: np.random.Generator, **options: Any) -> Network:
    """Return a network that has every kind of layer and branch, with geometry that is nowhere the same twice."""
    lif = Neuron("lif", 0.7, "zero", 0.25, 0.9)
    return Network(
        [
            Conv2d(random.normal(size=(4, 1, 3, 2)), random.normal(size=4), lif, (2, 1), (1, 2), (1, 2), 2, "stem"),
            Sum(
                [
                    IdentityBranch("stem", 0.3),
                    Conv2dBranch(random.normal(size=(4, 4, 3, 3)), "stem", padding=(1, 1)),
                    Conv2dBranch(random.normal(size=(4, 1, 3, 2)), "input", (2, 1), (1, 2), (1, 2), 2),
                    IdentityBranch("stem", -0.3),
                ],
                random.normal(size=4),
                Neuron(threshold=0.5),
                "block",
            ),
            AvgPool2d((2, 3), (1, 2), name="pool"),
            Conv2d(random.normal(size=(3, 4, 1, 2)), neuron=Neuron(threshold=0.4)),
            Flatten("flat"),
            Flatten("skip", "pool"),
            Sum(
                [
                    DenseBranch(random.normal(size=(5, 6)), "flat"),
                    DenseBranch(random.normal(size=(5, 16)), "skip"),
                ],
                random.normal(size=5),
                Neuron(threshold=0.5),
            ),
            Layer(random.normal(size=(3, 5)), random.normal(size=3)),
        ],
        input_shape=(2, 5, 4),
        **options,
    )


@pytest.mark.parametrize(("profile", "real"), [("sequential-f64", np.float64), ("sequential-f32", np.float32)])
@pytest.mark.parametrize("readout", ["spikes", "membrane"])
def test_every_kind_of_layer_gives_the_bits_of_the_scalar_loops(profile: str, real: Any, readout: str) -> None:
    random = np.random.default_rng(5)
    network, steps = residual(random, readout=readout), 4
    values = np.where(random.random((3, 40)) < 0.2, 0.0, random.normal(size=(3, 40)))
    rates = random.random((3, 40))
    raster = poisson_spikes(rates, 7, steps)
    for source, presented in (
        (Constant(values), [[row.astype(real)] * steps for row in values]),
        (Poisson(rates, 7), [list(sample) for sample in raster]),
        (Spikes.from_raster(raster), [list(sample) for sample in raster]),
    ):
        given = simulate(network, steps, source, ALL, profile)
        assert_runs_as_scalar(network, given, presented, real)
        assert sum(int(counts.sum()) for counts in given.counts) > 20


def test_blocks_of_steps_of_samples_and_of_patches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(6)
    network = residual(random)
    sources = (Constant(random.normal(size=(5, 40))), Poisson(random.random((5, 40)), 3, 10))
    whole = [simulate(network, 7, source, ALL) for source in sources]
    monkeypatch.setattr(SIMULATE, "SAMPLES", 100)
    monkeypatch.setattr(SIMULATE, "BLOCK", 300)
    monkeypatch.setattr(currents, "PATCHES", 500)
    for source, due in zip(sources, whole, strict=True):
        given = simulate(network, 7, source, ALL)
        assert given.readout.tolist() == due.readout.tolist()
        for mine, other in ((given.counts, due.counts), (given.potential, due.potential), (given.spikes, due.spikes)):
            assert all(a.tobytes() == b.tobytes() for a, b in zip(mine or [], other or [], strict=True))
        for trace, other_trace in zip(given.trace or [], due.trace or [], strict=True):
            assert trace.before.tobytes() == other_trace.before.tobytes()
            assert trace.after.tobytes() == other_trace.after.tobytes()


def test_a_sample_of_a_batch_is_what_it_is_alone() -> None:
    random = np.random.default_rng(8)
    network, rates = residual(random, readout="membrane"), random.random((4, 40))
    batch = simulate(network, 5, Poisson(rates, 1, 30), ALL)
    for row in range(4):
        alone = simulate(network, 5, Poisson(rates[row], 1, 30 + row), ALL)
        assert alone.readout.tobytes() == batch.readout[row].tobytes()
        assert [layer.tolist() for layer in alone.spikes or []] == [layer[row].tolist() for layer in batch.spikes or []]


@pytest.mark.parametrize("geometry", [{}, {"stride": (2, 3)}, {"padding": (2, 1)}, {"dilation": (2, 1)}, {"groups": 2}])
def test_a_convolution_is_that_of_torch(geometry: dict[str, Any]) -> None:
    random = np.random.default_rng(9)
    channels = 4 // geometry.get("groups", 1)
    weights, bias = random.normal(size=(6, channels, 3, 2)), random.normal(size=6)
    network = Network([Conv2d(weights, bias, **geometry)], "membrane", (4, 7, 8))
    x = random.normal(size=(2, 4, 7, 8))
    got = simulate(network, 1, Constant(x.reshape(2, -1))).readout
    due = torch.nn.functional.conv2d(*map(torch.from_numpy, (x, weights, bias)), **geometry)
    assert network.shapes == (tuple(due.shape[1:]),)
    np.testing.assert_allclose(got, due.numpy().reshape(2, -1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("kernel", "stride"), [((2, 2), None), ((3, 2), (1, 2)), ((2, 5), (3, 1))])
def test_a_pool_is_that_of_torch(kernel: tuple[int, int], stride: tuple[int, int] | None) -> None:
    x = np.random.default_rng(10).normal(size=(2, 3, 7, 6))
    due = torch.nn.functional.avg_pool2d(torch.from_numpy(x), kernel, stride).numpy().reshape(2, -1)
    pool = [AvgPool2d(kernel, stride), Flatten(), Layer(np.eye(due.shape[1]))]
    got = simulate(Network(pool, "membrane", (3, 7, 6)), 1, Constant(x.reshape(2, -1))).readout
    np.testing.assert_allclose(got, due, rtol=1e-12, atol=1e-12)


def test_a_padding_far_wider_than_the_image_costs_nothing() -> None:
    conv = Conv2d(np.ones((1, 1, 1, 1)), stride=(65536, 65536), padding=(65536, 65536))
    network = Network([conv], "membrane", (1, 1, 1))
    assert network.shapes == ((1, 3, 3),)
    assert simulate(network, 1, Constant([2.0])).readout.tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0]


@pytest.mark.parametrize("profile", ["sequential-f64", "sequential-f32"])
def test_a_pool_that_overflows_is_at_fault_itself(profile: str) -> None:
    largest = float(np.finfo(np.float32 if profile.endswith("32") else np.float64).max)
    network = Network([AvgPool2d((1, 2)), Flatten(), Layer(np.zeros((1, 1)))], "membrane", (1, 1, 2))
    simulate(network, 2, Constant([largest, 0.0]), profile=profile)
    with pytest.raises(RejectedError, match="sample 1 at step 0") as caught:
        simulate(network, 2, Constant([[0.0, 0.0], [largest, largest]]), profile=profile)
    assert (caught.value.code, caught.value.path) == ("simulate.non-finite", "/network/layers/0")


def test_branches_that_overflow_are_at_fault_also_where_they_cancel() -> None:
    branches = [IdentityBranch("input", weight) for weight in (1e308, -1e308)]
    network = Network([Sum(branches)], input_shape=(1, 1, 1))
    simulate(network, 1, Constant([1.0]))
    with pytest.raises(RejectedError) as caught:
        simulate(network, 1, Constant([10.0]))
    assert (caught.value.code, caught.value.path) == ("simulate.non-finite", "/network/layers/0")


# ---- networks as documents and as pairs ------------------------------------------------------------------------------


def same(first: Network, second: Network) -> bool:
    """Tell whether two networks are the same, array for array, bit for bit."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return (value.shape, value.tobytes())
        if isinstance(value, dict):
            return {key: plain(entry) for key, entry in value.items()}
        return list(map(plain, value)) if isinstance(value, list) else value

    facts = [(n.readout, n.input_shape, n.inputs, n.shapes, n.sources, plain(n.document())) for n in (first, second)]
    return bool(facts[0] == facts[1])


def test_a_network_comes_back_from_its_document() -> None:
    network = residual(np.random.default_rng(11), readout="membrane")
    document = json.loads(json.dumps(network.to_document()))
    assert same(Network.from_document(document), network)
    assert [layer.get("kind", "dense") for layer in document["layers"]] == [layer.kind for layer in network.layers]
    assert "from" not in document["layers"][1]


@pytest.mark.parametrize("mmap", [False, True])
def test_a_network_comes_back_from_its_pair(tmp_path: Path, mmap: bool) -> None:
    network = residual(np.random.default_rng(12))
    save_network(network, tmp_path / "n", compress=not mmap)
    loaded = load_network(tmp_path / "n", mmap=mmap)
    assert same(loaded, network)
    sidecar = json.loads((tmp_path / "n.json").read_text())
    with np.load(tmp_path / "n.npz") as archive:
        members = archive.files
        assert sidecar["total_params"] == sum(archive[name].size for name in members)
    assert members == ["layer_0", "bias_0", "layer_1_1", "layer_1_2", "bias_1", "layer_3", *members[6:]]
    assert members[6:] == ["layer_6_0", "layer_6_1", "bias_6", "layer_7", "bias_7"]
    assert sidecar["layer_sizes"] == [[40, 72], [256, 72], [72, 16], [16, 6], [6, 6], [16, 16], [22, 5], [5, 3]]
    assert sidecar["neuron_types"] == ["lif", "if", "avgpool2d", "if", "flatten", "flatten", "if", "if"]
    assert sidecar["network"]["layers"][1]["inputs"][1]["weights"] == {"member": "layer_1_1", "shape": [4, 4, 3, 3]}
    assert sidecar["network"]["layers"][7]["weights"] == {"member": "layer_7"}


def test_a_network_with_a_layer_that_is_not_dense_is_no_checkpoint(tmp_path: Path) -> None:
    save_network(Network([Layer(np.eye(2)), Flatten(), Layer(np.eye(2))]), tmp_path / "n")
    with pytest.raises(RejectedError, match="load_network") as caught:
        load_checkpoint(tmp_path / "n")
    assert (caught.value.code, caught.value.path) == ("checkpoint.network", "/network/layers/1/kind")
    assert len(load_network(tmp_path / "n").layers) == 3


def test_a_branch_without_outputs_keeps_the_width_of_its_source(tmp_path: Path) -> None:
    branches = [{"from": "input", "weights": []}, {"from": "input", "weights": [[]] * 0}]
    document = {"layers": [{"kind": "sum", "inputs": branches, "neuron": IF}, {"weights": [[], []], "neuron": IF}]}
    network = Network.from_document(document)
    assert network.inputs is None
    assert simulate(network, 2, Constant([1.0, 2.0, 3.0])).readout.tolist() == [0, 0]
    save_network(network, tmp_path / "n")
    assert load_network(tmp_path / "n").inputs == 0
    document["layers"][0]["inputs"].append({"from": "input", "weights": np.zeros((0, 5))})  # type: ignore[index]
    assert Network.from_document(document).inputs == 5


# ---- what people write -----------------------------------------------------------------------------------------------


def test_tensors_one_number_for_two_and_tuples_are_taken() -> None:
    conv = Conv2d(torch.ones(2, 1, 3, 3), torch.zeros(2), stride=2, padding=1, dilation=np.int64(1))  # type: ignore[arg-type]
    network = Network((conv, AvgPool2d(2), Flatten(), Layer(torch.ones(1, 8))), input_shape=np.array([1, 8, 8]))  # type: ignore[arg-type]
    assert network.shapes == ((2, 4, 4), (2, 2, 2), (8,), (1,))
    assert (network.input_shape, network.inputs) == ((1, 8, 8), 64)
    first, pool = network.layers[:2]
    assert isinstance(first, Conv2d)
    assert isinstance(pool, AvgPool2d)
    assert (first.stride, first.padding, first.dilation, pool.kernel) == ((2, 2), (1, 1), (1, 1), (2, 2))
    assert first.weights.dtype == np.float64
    assert not first.weights.flags.writeable


def test_weights_are_copied() -> None:
    weights = np.ones((1, 1, 1, 1))
    network = Network([Sum([Conv2dBranch(weights, "input")])], input_shape=(1, 1, 1))
    weights[:] = 7
    assert simulate(network, 3, Constant([1.0])).readout.tolist() == [3]


KERNEL = np.ones((1, 1, 1, 1))
DENSE = Layer(np.eye(4))


@pytest.mark.parametrize(
    ("layers", "code", "path", "message"),
    [
        ([Conv2d(KERNEL), DENSE], "chain", "/layers/1/weights", "flatten it"),
        ([DENSE, Conv2d(KERNEL)], "chain", "/layers/0/weights", "flatten it"),
        ([Conv2d(np.ones((1, 2, 1, 1)))], "chain", "/layers/0/weights", "expected 1 input channels in 1 groups, got 2"),
        ([Conv2d(np.ones((3, 1, 3, 3)))], "chain", "/layers/0/weights", "no window"),
        ([Conv2d(np.ones((4, 4)))], "weight-rank", "/layers/0/weights", "4 dimensions"),
        ([Layer(KERNEL)], "weight-rank", "/layers/0/weights", "array of rows"),
        ([Conv2d(KERNEL, stride=0)], "geometry", "/layers/0/stride", "integers in 1 … 65536, got \\[0, 0\\]"),
        ([Conv2d(KERNEL, padding="same")], "geometry", "/layers/0/padding", "got the string 'same'"),
        ([Conv2d(KERNEL, groups=2.0)], "geometry", "/layers/0/groups", "got 2.0"),
        ([AvgPool2d(3)], "chain", "/layers/0", "a kernel that fits"),
        ([AvgPool2d(None)], "geometry", "/layers/0/kernel", "got null"),
        ([Flatten()], "output", "/layers/0", "dense, conv2d, sum"),
        ([Flatten("a"), Layer(np.eye(4), name="a")], "name", "/layers/1/name", "the name of the layer at /layers/0"),
        ([Flatten("input")], "name", "/layers/0/name", "'input', the name of the input"),
        (
            [Flatten(source="later"), Flatten("later")],
            "from",
            "/layers/0/from",
            "earlier layer, got the string 'later'",
        ),
        ([Sum([])], "inputs", "/layers/0/inputs", "1 to 64 branches, got an array of 0"),
        (
            [Sum([DENSE])],
            "unknown-key",
            "/layers/0/inputs/0/neuron",
            "dense branch: expected one of kind, from, weights",
        ),
        ([Sum([{"weights": []}])], "missing-key", "/layers/0/inputs/0/from", "dense branch: expected from"),
        ([Sum([IdentityBranch("input", "1")])], "weight-type", "/layers/0/inputs/0/weight", "got the string '1'"),
        ([Sum([IdentityBranch("input", np.nan)])], "weight-finite", "/layers/0/inputs/0/weight", "finite"),
        (
            [Sum([IdentityBranch("input"), Conv2dBranch(KERNEL, "input", (2, 2))])],
            "chain",
            "/layers/0/inputs/1",
            "shape of branch 0, \\(1, 2, 2\\), got \\(1, 1, 1\\)",
        ),
        ([Sum([IdentityBranch("input")], [0.0] * 4)], "chain", "/layers/0/bias", "one entry per channel, 1, got 4"),
        ([Conv2d(KERNEL, [0.0] * 4)], "bias-shape", "/layers/0/bias", "one entry per output, 1, got 4"),
        ([{"kind": "maxpool2d"}], "kind", "/layers/0/kind", "dense, conv2d, sum, avgpool2d, flatten"),
        ([7], "object", "/layers/0", "got 7"),
    ],
)
def test_what_does_not_fit_is_named(layers: list[Any], code: str, path: str, message: str) -> None:
    with pytest.raises(RejectedError, match=message) as caught:
        Network(layers, input_shape=(1, 2, 2))
    assert (caught.value.code, caught.value.path) == (f"network.{code}", path)


@pytest.mark.parametrize("shape", [(1, 2), (1, 2, 0), (1, 4096, 4097), "abc", (1.0, 2, 2)])
def test_an_input_shape_is_three_integers_of_bounded_product(shape: Any) -> None:
    with pytest.raises(RejectedError, match="three integers of 1 or more") as caught:
        Network([Flatten(), DENSE], input_shape=shape)
    assert (caught.value.code, caught.value.path) == ("network.input-shape", "/input_shape")


def test_an_output_of_too_many_elements_is_refused_before_it_is_made() -> None:
    with pytest.raises(RejectedError, match="at most 16777216 elements") as caught:
        Network([Conv2d(np.ones((2, 1, 1, 1)), padding=(0, 65536), stride=(1, 1))], input_shape=(1, 128, 1))
    assert (caught.value.code, caught.value.path) == ("network.elements", "/layers/0")


def test_without_input_shape_only_dense_takers_say_how_wide_the_input_is() -> None:
    for layer, path in (
        (Conv2d(KERNEL), "/layers/0/weights"),
        (AvgPool2d(1), "/layers/0"),
        (Sum([IdentityBranch("input")]), "/layers/0/inputs/0"),
    ):
        with pytest.raises(RejectedError, match="input_shape") as caught:
            Network([layer, DENSE])
        assert (caught.value.code, caught.value.path) == ("network.chain", path)
    branches = [DenseBranch(np.ones((2, width)), "input") for width in (3, 4)]
    with pytest.raises(RejectedError, match="expected 3 inputs") as caught:
        Network([Sum(branches)])
    assert (caught.value.code, caught.value.path) == ("network.chain", "/layers/0/inputs/1/weights")
