"""The Rust kernel on NumPy arrays: the bits of plain Python loops, no copies of what comes in, no aliases going out."""

from __future__ import annotations

import json
import resource
import signal
import sys
import threading
import time

import numpy as np
import pytest
from spikeparity import operations
from spikeparity._rust import Layer, Network
from spikeparity.rejection import RejectedError

IF = {"model": "if", "threshold": 1.0}


def plain(layers, inputs, *, membrane=False):
    """Run (weights, bias, parameters) layers on a list of input vectors, in loops over Python floats."""
    potentials = [[parameters.get("initial_potential", 0.0)] * len(weights) for weights, _, parameters in layers]
    counts = [[0] * len(weights) for weights, _, _ in layers]
    for x in inputs:
        x = [float(value) for value in x]
        for index, (weights, bias, parameters) in enumerate(layers):
            spikes = []
            for output, row in enumerate(weights.tolist()):
                current = 0.0
                for weight, value in zip(row, x, strict=True):
                    current = current + weight * value
                if bias is not None:
                    current = current + float(bias[output])
                v = potentials[index][output]
                if "decay" in parameters:
                    v = parameters["decay"] * v
                v = v + current
                fires = v >= parameters["threshold"] and not (membrane and index == len(layers) - 1)
                if fires:
                    v = 0.0 if parameters.get("reset") == "zero" else v - parameters["threshold"]
                spikes.append(float(fires))
                counts[index][output] += fires
                potentials[index][output] = v
            x = spikes
    return counts, potentials


def plain32(layers, inputs, *, membrane=False):
    """As `plain`, every value and every operation rounded to binary32 by NumPy; loops run over all neurons at once."""
    f32 = np.float32
    potentials = [
        np.full(len(weights), parameters.get("initial_potential", 0.0), f32) for weights, _, parameters in layers
    ]
    counts = [np.zeros(len(weights), np.int64) for weights, _, _ in layers]
    for x in inputs:
        x = np.asarray(x, f32)
        for index, (weights, bias, parameters) in enumerate(layers):
            current, threshold = np.zeros(len(weights), f32), f32(parameters["threshold"])
            for column, value in zip(weights.astype(f32).T, x, strict=True):
                current = current + column * value
            if bias is not None:
                current = current + bias.astype(f32)
            v = potentials[index]
            if "decay" in parameters:
                v = f32(parameters["decay"]) * v
            v = v + current
            fires = (v >= threshold) & (not (membrane and index == len(layers) - 1))
            potentials[index] = np.where(fires, f32(0) if parameters.get("reset") == "zero" else v - threshold, v)
            counts[index] += fires
            x = fires.astype(f32)
    return counts, potentials


def two_layers(rng):
    return [
        (rng.normal(size=(45, 30)), rng.normal(size=45), {"threshold": 0.7, "decay": 0.9, "initial_potential": 0.1}),
        (rng.normal(size=(7, 45)), None, {"threshold": 1.3, "reset": "zero"}),
    ]


def network(layers, readout="spikes", profile="sequential-f64"):
    return Network(
        [
            Layer(weights, parameters["threshold"], bias=bias, **rest(parameters))
            for weights, bias, parameters in layers
        ],
        readout=readout,
        profile=profile,
    )


def rest(parameters):
    return {key: value for key, value in parameters.items() if key != "threshold"}


def assert_same(run, sample, due):
    for layer, (counts, potentials) in enumerate(zip(*due, strict=True)):
        assert run.counts[layer][sample].tolist() == counts
        assert run.potential[layer][sample].tobytes() == np.array(potentials).tobytes()


def assert_same32(run, sample, due):
    for layer, (counts, potentials) in enumerate(zip(*due, strict=True)):
        assert run.counts[layer][sample].tolist() == counts.tolist()
        assert run.potential[layer].dtype == potentials.dtype == np.float32
        assert run.potential[layer][sample].tobytes() == potentials.tobytes()


@pytest.mark.parametrize("readout", ["spikes", "membrane"])
def test_constant_input_gives_the_bits_of_plain_loops(readout):
    rng = np.random.default_rng(1)
    layers = two_layers(rng)
    values = rng.normal(size=(3, 30))
    values[:, ::4] = 0.0
    run = network(layers, readout).run_constant(values, 9)
    for sample in range(3):
        assert_same(run, sample, plain(layers, [values[sample]] * 9, membrane=readout == "membrane"))
    assert run.readout is (run.potential if readout == "membrane" else run.counts)[-1]


@pytest.mark.parametrize("dtype", [bool, np.uint8])
def test_a_raster_gives_the_bits_of_plain_loops(dtype):
    rng = np.random.default_rng(2)
    layers = two_layers(rng)
    raster = (rng.random((3, 8, 30)) < 0.3).astype(dtype)
    run = network(layers).run_raster(raster)
    for sample in range(3):
        assert_same(run, sample, plain(layers, raster[sample]))


def philox(counter, key):
    """Philox4x32-10, in Python integers."""
    (a, b, c, d), (k, m) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q & 0xFFFFFFFF, (p >> 32) ^ d ^ m, p & 0xFFFFFFFF
        k, m = (k + 0x9E3779B9) & 0xFFFFFFFF, (m + 0xBB67AE85) & 0xFFFFFFFF
    return a, b, c, d


def test_poisson_input_gives_the_bits_of_plain_loops():
    rng = np.random.default_rng(3)
    layers = two_layers(rng)
    rates = rng.random((3, 30))
    seed, first = 2**53 - 1, 2**40
    run = network(layers).run_poisson(rates, np.int64(8), seed, first)
    key = (seed % 2**32, seed // 2**32)
    for sample in range(3):
        number = first + sample
        words = [
            [philox((step, i // 4, number % 2**32, number // 2**32), key)[i % 4] for i in range(30)]
            for step in range(8)
        ]
        raster = [[word < rate * 2.0**32 for word, rate in zip(step, rates[sample], strict=True)] for step in words]
        assert_same(run, sample, plain(layers, raster))


@pytest.mark.parametrize("readout", ["spikes", "membrane"])
def test_binary32_gives_the_bits_of_numpy_in_float32(readout):
    rng = np.random.default_rng(6)
    layers, membrane = two_layers(rng), readout == "membrane"
    net, wide = network(layers, readout, "sequential-f32"), network(layers, readout)
    assert (net.profile, wide.profile) == ("sequential-f32", "sequential-f64")
    values, raster = rng.normal(size=(3, 30)), rng.random((3, 8, 30)) < 0.3
    values[:, ::4] = 0.0
    constant, spikes = net.run_constant(values, 9), net.run_raster(raster, threads=2)
    for sample in range(3):
        assert_same32(constant, sample, plain32(layers, [values[sample]] * 9, membrane=membrane))
        assert_same32(spikes, sample, plain32(layers, raster[sample], membrane=membrane))
    assert spikes.readout is (spikes.potential if membrane else spikes.counts)[-1]
    assert constant.potential[0].tolist() != wide.run_constant(values, 9).potential[0].tolist()


def test_spike_trains_are_the_same_in_binary32():
    # The words that are drawn at step 0: each is just not below its rate, and is where binary32 rounds the rate up.
    words = [philox((0, i // 4, 5, 0), (3, 0))[i % 4] for i in range(64)]
    rates = np.array(words) / 2.0**32
    assert (rates.astype(np.float32) > rates).any()
    net = network([(np.eye(64), None, {"threshold": 1.0})], profile="sequential-f32")
    assert not net.run_poisson(rates, 1, 3, 5).readout.any()
    assert net.run_poisson((np.array(words) + 1) / 2.0**32, 1, 3, 5).readout.all()


def test_the_default_profile_is_that_of_binary64_and_others_are_refused():
    layer = Layer(np.eye(2), 1.0)
    assert Network([layer]).profile == "sequential-f64"
    with pytest.raises(ValueError, match=r"profile: expected .* got .f32."):
        Network([layer], profile="f32")


def narrow(layer, readout="spikes"):
    return Network([Layer(np.eye(2), 1.0), layer], readout=readout, profile="sequential-f32")


@pytest.mark.parametrize(
    ("make", "code", "path"),
    [
        (lambda: narrow(Layer(np.array([[0.0, 1e39]]), 1.0)), "network.weight-finite", "/network/layers/1/weights/0/1"),
        (
            lambda: narrow(Layer(np.eye(2), 1.0, bias=np.array([0, -1e39]))),
            "network.bias-finite",
            "/network/layers/1/bias/1",
        ),
        (lambda: narrow(Layer(np.eye(2), 1e-46)), "network.threshold", "/network/layers/1/neuron/threshold"),
        (lambda: narrow(Layer(np.eye(2), 1e39)), "network.threshold", "/network/layers/1/neuron/threshold"),
        (lambda: narrow(Layer(np.eye(2), 1.0, decay=-1e-60)), "network.decay", "/network/layers/1/neuron/decay"),
        (lambda: narrow(Layer(np.eye(2), 1.0, decay=1 + 1e-12)), "network.decay", "/network/layers/1/neuron/decay"),
        (
            lambda: narrow(Layer(np.eye(2), 1.0, initial_potential=1e39)),
            "network.initial-potential",
            "/network/layers/1/neuron/initial_potential",
        ),
        (lambda: narrow(Layer(np.eye(2), 1.0), readout="x"), "network.readout", "/network/readout"),
        (
            lambda: narrow(Layer(np.eye(2), 1.0)).run_constant(np.array([[0, 0], [0, 1e39]]), 1),
            "input.range",
            "/input/values/1/1",
        ),
        (
            lambda: narrow(Layer(np.full((1, 2), 3e38), 1.0)).run_constant(np.ones(2), 1),
            "simulate.non-finite",
            "/network/layers/1",
        ),
    ],
)
def test_rules_hold_after_the_rounding_to_binary32(make, code, path):
    with pytest.raises(RejectedError) as error:
        make()
    assert (error.value.code, error.value.path) == (code, path)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("profile", ["sequential-f64", "sequential-f32"])
def test_a_signal_ends_a_long_run(threads, profile):
    net = Network([Layer(np.ones((64, 512)), 1e9)], profile=profile)
    begun = time.monotonic()

    def handler(number, frame):
        raise KeyboardInterrupt  # as Python's own handler of Ctrl-C does

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            net.run_poisson(np.full((4, 512), 0.5), 2**20, 1, threads=threads)  # minutes, if it is let
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - begun < 5
    assert net.run_poisson(np.full((4, 512), 0.5), 2, 1, threads=threads).readout.tolist() == [[0] * 64] * 4


def test_a_signal_whose_handler_raises_nothing_changes_nothing():
    net, rates = Network([Layer(np.ones((8, 512)), 30.0)]), np.full((4, 512), 0.5)
    due = net.run_poisson(rates, 3000, 1, threads=2)
    seen = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:
        runs = [net.run_poisson(rates, 3000, 1, threads=threads) for threads in (1, 2)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen
    for run in runs:
        assert run.readout.tolist() == due.readout.tolist()


def test_a_row_alone_gives_what_it_gives_in_a_batch():
    rng = np.random.default_rng(4)
    net = network(two_layers(rng))
    values, rates = rng.normal(size=(4, 30)), rng.random((4, 30))
    raster = rng.random((4, 6, 30)) < 0.5
    for batch, alone in [
        (net.run_constant(values, 6), [net.run_constant(row, 6) for row in values]),
        (net.run_raster(raster), [net.run_raster(sample) for sample in raster]),
        (net.run_poisson(rates, 6, 5, 2), [net.run_poisson(row, 6, 5, 2 + k) for k, row in enumerate(rates)]),
    ]:
        assert batch.readout.shape == (4, 7)
        for k, single in enumerate(alone):
            assert single.readout.shape == (7,)
            for layer in range(2):
                assert single.counts[layer].tobytes() == batch.counts[layer][k].tobytes()
                assert single.potential[layer].tobytes() == batch.potential[layer][k].tobytes()


@pytest.mark.parametrize("threads", [2, 3, 40])
def test_any_number_of_threads_gives_the_bits_of_one(threads):
    random = np.random.default_rng(8)
    layers = [Layer(random.normal(size=size), 1.0, decay=0.9) for size in [(37, 20), (5, 37)]]
    net, raster = Network(layers), random.random((17, 9, 20)) < 0.4
    one, several = net.run_raster(raster), net.run_raster(raster, threads=threads)
    assert one.counts[0].any()
    for got, due in zip(several.counts + several.potential, one.counts + one.potential, strict=True):
        assert got.tobytes() == due.tobytes()


def test_the_fault_of_the_first_sample_is_reported_whatever_the_threads():
    net = Network([Layer(np.array([[1.0]]), 1.0), Layer(np.array([[1e308]]), 1e308, reset="subtract", decay=1.0)])
    huge = Network([Layer(np.array([[1e308]]), 1e308, bias=np.array([1e308])), Layer(np.array([[1.0]]), 1.0)])
    assert net.run_constant(np.ones((4, 1)), 3, threads=2).counts[1].tolist() == [[3]] * 4
    with pytest.raises(RejectedError, match="non-finite") as caught:
        huge.run_constant(np.array([[0.0], [0.0], [1.0], [1.0]]), 9, threads=2)
    assert caught.value.path == "/network/layers/0"


def test_no_threads_are_refused():
    with pytest.raises(ValueError):
        Network([Layer(np.ones((1, 1)), 1.0)]).run_constant(np.ones(1), 1, threads=0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs the high-water mark of memory in KiB")
def test_inputs_are_not_copied():
    net = Network([Layer(np.ones((1, 16384)), 1.0)])
    # Zeros that nobody wrote take no memory, reading them neither: a copy of an input would show as 256 MiB.
    values = np.zeros((2048, 16384))
    raster = np.zeros((256, 64, 16384), dtype=bool)
    for run in (
        lambda: net.run_constant(values, 1),
        lambda: net.run_raster(raster),
        lambda: net.run_poisson(values, 1, 0),
    ):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run()
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_read_only_inputs_and_views_of_rows_are_taken_as_they_are():
    net = Network([Layer(np.eye(3), 1.0)])
    values = np.arange(12.0).reshape(4, 3)
    values.flags.writeable = False
    assert net.run_constant(values[1:3], 1).potential[0].tolist() == [[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]]


def test_outputs_share_no_memory_with_anything():
    weights, bias, values = np.eye(3), np.zeros(3), np.full(3, 0.25)
    net = Network([Layer(weights, 1.0, bias=bias)], readout="membrane")
    first, second = net.run_constant(values, 1), net.run_constant(values, 1)
    assert not np.shares_memory(first.readout, second.readout)
    first.readout[:] = 9.0
    weights[:] = 7.0
    bias[:] = 7.0
    values[:] = 0.5
    assert second.readout.tolist() == [0.25] * 3
    assert net.run_constant(values, 1).readout.tolist() == [0.5] * 3


def test_other_threads_run_meanwhile():
    net = Network([Layer(np.ones((64, 512)), 1e9)])
    rates = np.full((8, 512), 0.5)
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    before = len(ticks)
    net.run_poisson(rates, 2000, 1)
    during = len(ticks) - before
    done.set()
    thread.join()
    assert during > 3


@pytest.mark.parametrize(
    ("make", "code", "path"),
    [
        (lambda: Network([]), "network.layers", "/network/layers"),
        (lambda: Network([Layer(np.array([[np.nan]]), 1.0)]), "network.weight-finite", "/network/layers/0/weights/0/0"),
        (lambda: Network([Layer(np.eye(2), 1.0, bias=np.ones(1))]), "network.bias-shape", "/network/layers/0/bias"),
        (lambda: Network([Layer(np.eye(2), 1.0), Layer(np.eye(3), 0.0)]), "network.chain", "/network/layers/1/weights"),
        (lambda: Network([Layer(np.eye(2), 0.0)]), "network.threshold", "/network/layers/0/neuron/threshold"),
        (lambda: Layer(np.eye(2), 1.0, reset="none"), "network.reset", "/neuron/reset"),
        (lambda: Network([Layer(np.eye(2), 1.0, decay=1.5)]), "network.decay", "/network/layers/0/neuron/decay"),
        (lambda: Network([Layer(np.eye(2), 1.0)], readout="x"), "network.readout", "/network/readout"),
        (
            lambda: Network([Layer(np.eye(2), 0.0)], readout="x"),
            "network.threshold",
            "/network/layers/0/neuron/threshold",
        ),
    ],
)
def test_a_network_that_breaks_a_rule(make, code, path):
    with pytest.raises(RejectedError) as error:
        make()
    assert (error.value.code, error.value.path) == (code, path)
    assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(
    ("run", "code", "path"),
    [
        (lambda net: net.run_constant(np.zeros(2), 0), "simulate.steps", "/steps"),
        (lambda net: net.run_constant(np.zeros(3), 2**20 + 1), "simulate.steps", "/steps"),
        (lambda net: net.run_constant(np.zeros(3), 10**30), "simulate.steps", "/steps"),
        (lambda net: net.run_constant(np.zeros(3), 1), "input.shape", "/input/values"),
        (lambda net: net.run_constant(np.zeros((1, 1, 2)), 1), "input.shape", "/input/values"),
        (lambda net: net.run_constant(np.zeros(()), 1), "input.shape", "/input/values"),
        (lambda net: net.run_constant(np.array([0, np.inf]), 1), "input.range", "/input/values/1"),
        (lambda net: net.run_constant(np.array([[0, 0], [np.nan, 0]]), 1), "input.range", "/input/values/1/0"),
        (lambda net: net.run_constant(np.array([1e308, 1e308]), 2), "simulate.non-finite", "/network/layers/0"),
        (lambda net: net.run_raster(np.zeros((4, 3), dtype=bool)), "input.shape", "/input/raster"),
        (lambda net: net.run_raster(np.zeros((0, 2), dtype=bool)), "simulate.steps", "/steps"),
        (lambda net: net.run_poisson(np.zeros(2), 1, -1), "input.seed", "/input/seed"),
        (lambda net: net.run_poisson(np.zeros(2), 1, 2**53), "input.seed", "/input/seed"),
        (lambda net: net.run_poisson(np.zeros((2, 2)), 1, 0, 2**53 - 1), "input.sample", "/input/sample"),
        (lambda net: net.run_poisson(np.array([0.5, np.nextafter(1, 2)]), 1, 0), "input.range", "/input/rates/1"),
    ],
)
def test_an_input_that_breaks_a_rule(run, code, path):
    net = Network([Layer(np.ones((1, 2)), 1e308)])
    with pytest.raises(RejectedError) as error:
        run(net)
    assert (error.value.code, error.value.path) == (code, path)


@pytest.mark.parametrize(
    "run",
    [
        lambda net: net.run_constant([0.0, 0.0], 1),
        lambda net: net.run_constant(np.zeros(2, dtype=np.float32), 1),
        lambda net: net.run_constant(np.zeros((2, 4)).T[::2], 1),
        lambda net: net.run_constant(np.asfortranarray(np.zeros((3, 2))), 1),
        lambda net: net.run_constant(np.zeros(2), 1.0),
        lambda net: net.run_constant(np.zeros(2), True),
        lambda net: net.run_raster(np.zeros((1, 2))),
        lambda net: net.run_raster(np.zeros((2, 4), dtype=bool)[:, ::2]),
        lambda net: Layer(np.eye(2, dtype=np.complex128), 1.0),
        lambda net: Layer(np.eye(2), 1.0, bias=[1.0, 2.0]),
    ],
)
def test_what_would_need_a_conversion_is_a_type_error(run):
    net = Network([Layer(np.ones((1, 2)), 1.0)])
    with pytest.raises(TypeError):
        run(net)


@pytest.mark.parametrize(
    "layer", [lambda: Layer(np.zeros(2), 1.0), lambda: Layer(np.eye(2), 1.0, bias=np.zeros((2, 1)))]
)
def test_a_layer_is_made_of_a_matrix_and_a_vector(layer):
    with pytest.raises(ValueError, match="dimension"):
        layer()


def test_a_batch_without_samples_gives_empty_arrays():
    net = Network([Layer(np.ones((3, 2)), 1.0)])
    assert net.run_constant(np.zeros((0, 2)), 1).readout.shape == (0, 3)


def test_layers_without_outputs_or_inputs():
    assert Network([Layer(np.zeros((0, 2)), 1.0)]).run_constant(np.ones(2), 1).readout.shape == (0,)
    biased = Network([Layer(np.zeros((2, 0)), 1.0, bias=np.ones(2))])
    assert biased.run_raster(np.zeros((4, 0), dtype=bool)).readout.tolist() == [4, 4]


# A network of all kinds of layers, as a sidecar has it.
ALL_KINDS = {
    "input_shape": [2, 6, 5],
    "readout": "membrane",
    "layers": [
        {
            "kind": "conv2d",
            "name": "a",
            "weights": {"member": "w"},
            "bias": {"member": "b"},
            "padding": [1, 1],
            "neuron": IF,
        },
        {
            "kind": "sum",
            "inputs": [
                {"kind": "conv2d", "from": "a", "weights": {"member": "v", "shape": [4, 2, 1, 1]}, "groups": 2},
                {"kind": "identity", "from": "a", "weight": 0.3},
            ],
            "neuron": IF,
        },
        {"kind": "avgpool2d", "kernel": [2, 3]},
        {"kind": "flatten"},
        {"weights": {"member": "d"}, "neuron": IF},
    ],
}


def members(rng):
    shapes = {"w": (4, 2, 3, 3), "b": (4,), "v": (4, 2, 1, 1), "d": (3, 12)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def in_place(document, arrays):
    """Return a document with the arrays in place of references."""
    if isinstance(document, dict):
        if "member" in document:
            return arrays[document["member"]].tolist()
        return {key: in_place(value, arrays) for key, value in document.items()}
    return [in_place(item, arrays) for item in document] if isinstance(document, list) else document


@pytest.mark.parametrize("profile", ["sequential-f64", "sequential-f32"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_document_of_all_kinds_of_layers_runs_with_the_bits_of_the_reference(profile, threads):
    rng = np.random.default_rng(5)
    arrays, values = members(rng), rng.normal(size=(3, 60))
    net = Network.from_document(json.dumps(ALL_KINDS), arrays, profile=profile)
    assert (net.inputs, net.profile) == (60, profile)
    request = {
        "network": in_place(ALL_KINDS, arrays),
        "profile": profile,
        "steps": 7,
        "record": ["counts", "potential"],
    }
    request["input"] = {"kind": "constant", "values": values.tolist()}
    due = operations.run("x", "simulate", request)["output"]
    run = net.run_constant(values, 7, threads=threads)
    assert sum(counts.sum() for counts in run.counts) > 0
    for sample in range(3):
        assert [counts[sample].tolist() for counts in run.counts] == due["counts"][sample]
        assert [operations.hex_floats(layer[sample]) for layer in run.potential] == due["potential"][sample]
    assert run.readout.tobytes() == run.potential[-1].tobytes()


def test_a_long_convolution_heeds_signals():
    layer = {"kind": "conv2d", "weights": {"member": "w"}, "padding": [1, 1], "neuron": IF}
    document = {"input_shape": [16, 256, 256], "layers": [layer]}
    net = Network.from_document(json.dumps(document), {"w": np.ones((64, 16, 3, 3))})
    begun = time.monotonic()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            net.run_poisson(np.full(2**20, 0.5), 2**20, 1)  # days, if it is let
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - begun < 5


def test_documents_keep_the_rules():
    def code(document, arrays):
        with pytest.raises(RejectedError) as error:
            Network.from_document(document, arrays)
        return error.value.code, error.value.path

    arrays = members(np.random.default_rng(5))
    text = json.dumps(ALL_KINDS)
    assert code("{", arrays) == ("json.syntax", "")
    assert code(text.replace("sum", "add"), arrays) == ("network.kind", "/network/layers/1/kind")
    without = {name: array for name, array in arrays.items() if name != "d"}
    assert code(text, without) == ("network.weight-type", "/network/layers/4/weights")
    assert code(text, arrays | {"d": np.ones((3, 13))}) == ("network.chain", "/network/layers/4/weights")
    assert code(text, arrays | {"v": np.ones((4, 2))}) == ("network.weight-rank", "/network/layers/1/inputs/0/weights")
    with pytest.raises(TypeError, match="w: expected a C-contiguous NumPy array of float64"):
        Network.from_document(text, arrays | {"w": arrays["w"].astype(np.float32)})
    with pytest.raises(ValueError, match="profile"):
        Network.from_document(text, arrays, profile="float16")
