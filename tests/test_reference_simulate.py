"""Networks and their simulation, against a scalar loop that is written here straight from the specification."""

import itertools
import math
import warnings
from typing import Any

import numpy as np
import pytest
from spikeparity.neurons import (
    Constant,
    Layer,
    Network,
    Neuron,
    Poisson,
    Spikes,
    philox4x32,
    poisson_spikes,
    simulate,
)
from spikeparity.neurons import simulate as simulate_function
from spikeparity.neurons.currents import synaptic_current
from spikeparity.neurons.simulate import integrate
from spikeparity.rejection import RejectedError

ALL = ("counts", "spikes", "potential", "trace")


def scalar_run(network: Network, presented: list[list[float]], real: Any = float) -> dict[str, Any]:
    """Run one sample, value by value; `presented` has the input of each step, `real` rounds to the format."""
    potentials = [[real(layer.neuron.initial_potential)] * len(layer.weights) for layer in network.layers]
    traces: list[Any] = [[] for _ in network.layers]
    for values in presented:
        x = list(map(real, values))
        for number, layer in enumerate(network.layers):
            fires = number < len(network.layers) - 1 or network.readout == "spikes"
            before, fired, after = [], [], []
            for i, row in enumerate(layer.weights.tolist()):
                acc = real(0.0)
                for j, weight in enumerate(row):
                    acc = acc + real(weight) * x[j]
                if layer.bias is not None:
                    acc = acc + real(layer.bias[i])
                v = potentials[number][i]
                v = v + acc if layer.neuron.model == "if" else real(layer.neuron.decay or 0.0) * v + acc
                before.append(v)
                fired.append(bool(fires and v >= real(layer.neuron.threshold)))
                if fired[-1]:
                    v = v - real(layer.neuron.threshold) if layer.neuron.reset == "subtract" else real(0.0)
                after.append(v)
            potentials[number] = after
            traces[number].append((before, fired, after))
            x = [real(spike) for spike in fired]
    return {"potential": potentials, "trace": traces}


def bits(values: Any) -> bytes:
    return np.asarray(values, dtype=np.float64).tobytes()


def assert_same_bits(
    network: Network, presented: list[list[float]], result: Any, sample: int | None = None, real: Any = float
) -> None:
    row: Any = ... if sample is None else sample
    due = scalar_run(network, presented, real)
    for number, trace in enumerate(due["trace"]):
        before, fired, after = zip(*trace, strict=True)
        assert bits(result.trace[number].before[row]) == bits(before)
        assert bits(result.trace[number].after[row]) == bits(after)
        assert result.spikes[number][row].tolist() == [list(step) for step in fired]
        assert result.counts[number][row].tolist() == np.sum(fired, axis=0, dtype=int).tolist()
        assert bits(result.potential[number][row]) == bits(due["potential"][number])


def network_of(sizes: list[int], seed: int = 0, readout: str = "spikes") -> Network:
    """Make a network of random weights, of alternating neurons, with a bias in every other layer."""
    rng = np.random.default_rng(seed)
    neurons = [
        Neuron("if", 0.7, "subtract", 0.25),
        Neuron("lif", 0.3, "zero", -0.1, decay=0.9),
        Neuron("lif", 0.5, "subtract", decay=0.75),
        Neuron("if", 0.4, "zero"),
    ]
    layers = [
        Layer(rng.normal(size=(outputs, inputs)), rng.normal(size=outputs) / 4 if k % 2 else None, neurons[k % 4])
        for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes))
    ]
    return Network(layers, readout)


@pytest.mark.parametrize("sizes", [[3, 2], [5, 4, 3], [7, 16, 20, 5, 2], [1, 1, 1, 1, 1], [3, 0, 2], [0, 2, 1]])
@pytest.mark.parametrize("readout", ["spikes", "membrane"])
def test_constant_input_gives_the_bits_of_the_scalar_loop(sizes: list[int], readout: str) -> None:
    network = network_of(sizes, seed=len(sizes), readout=readout)
    values = np.random.default_rng(1).normal(size=sizes[0]) * 2
    result = simulate(network, 25, Constant(values), ALL)
    assert_same_bits(network, [values.tolist()] * 25, result)


@pytest.mark.parametrize("sizes", [[6, 3], [9, 30, 4]])
def test_a_batch_of_poisson_input_gives_the_bits_of_the_scalar_loop(sizes: list[int]) -> None:
    network = network_of(sizes, seed=3)
    rates = np.random.default_rng(2).random((4, sizes[0]))
    result = simulate(network, 30, Poisson(rates, seed=5, sample=8), ALL)
    for sample in range(4):
        raster = poisson_spikes(rates[sample], 5, 30, 8 + sample).astype(float).tolist()
        assert_same_bits(network, raster, result, sample)


def test_given_spikes_give_the_bits_of_the_scalar_loop() -> None:
    network = network_of([5, 20, 3], seed=4)
    raster = np.random.default_rng(3).random((2, 12, 5)) < 0.3
    result = simulate(network, 12, Spikes.from_raster(raster), ALL)
    for sample in range(2):
        assert_same_bits(network, raster[sample].astype(float).tolist(), result, sample)


def test_a_row_of_a_batch_is_what_it_is_alone() -> None:
    network = network_of([4, 6, 2], seed=6)
    values = np.random.default_rng(4).normal(size=(5, 4))
    batch = simulate(network, 10, Constant(values), ALL)
    for row in range(5):
        alone = simulate(network, 10, Constant(values[row]), ALL)
        assert batch.readout[row].tolist() == alone.readout.tolist()
        assert all(bits(b[row]) == bits(a) for b, a in zip(batch.potential, alone.potential, strict=True))


def test_a_run_of_many_blocks_is_the_run_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of([4, 16, 3], seed=7)
    stimulus = Poisson(np.full((3, 4), 0.4), seed=1)
    whole = simulate(network, 40, stimulus, ALL)
    monkeypatch.setitem(simulate_function.__globals__, "BLOCK", 3 * 16 * 7)
    parts = simulate(network, 40, stimulus, ALL)
    for layer in range(2):
        assert bits(whole.trace[layer].before) == bits(parts.trace[layer].before)
        assert whole.counts[layer].tolist() == parts.counts[layer].tolist()


def test_floats_and_arrays_of_neurons_integrate_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of([3, 5, 4], seed=9)
    small = simulate(network, 50, Constant([0.3, 0.2, 0.7]), ALL)
    monkeypatch.setitem(simulate_function.__globals__, "FEW", 0)
    large = simulate(network, 50, Constant([0.3, 0.2, 0.7]), ALL)
    for layer in range(2):
        assert bits(small.trace[layer].after) == bits(large.trace[layer].after)


def test_the_example_of_the_protocol() -> None:
    network = Network([Layer(np.array([[0.5, 0.25]]), np.array([0.1]), Neuron("if", 1.0))])
    result = simulate(network, 3, Constant([1.0, 1.0]), ["counts", "spikes", "potential"])
    assert result.readout.tolist() == [2]
    assert result.spikes is not None
    assert result.spikes[0].tolist() == [[False], [True], [True]]
    assert result.potential[0].tobytes().hex() == np.array([0x3FE1999999999998], np.uint64).tobytes().hex()


def test_the_order_of_summation_is_that_of_the_inputs() -> None:
    network = Network([Layer(np.array([[1e16, 1.0, -1e16, 1.0]]), None, Neuron("if", 1e300))])
    assert simulate(network, 1, Constant([1, 1, 1, 1])).potential[0].tolist() == [1.0]


def test_a_product_is_rounded_before_it_is_added() -> None:
    x = 1.0 + 2.0**-30
    network = Network([Layer(np.array([[-1.0, x]]), None, Neuron("if", 1e300))])
    assert simulate(network, 1, Constant([x * x, x])).potential[0].tolist() == [0.0]


def test_a_neuron_fires_exactly_at_its_threshold_and_once_per_step() -> None:
    network = Network([Layer(np.array([[1.0], [math.nextafter(1.0, 0.0)], [5.0]]))])
    result = simulate(network, 1, Constant([1.0]))
    assert result.counts[0].tolist() == [1, 0, 1]
    assert result.potential[0].tolist() == [0.0, math.nextafter(1.0, 0.0), 4.0]


def test_a_silent_step_turns_minus_zero_into_plus_zero() -> None:
    network = Network([Layer(np.array([[1.0]]), None, Neuron("if", 1.0, initial_potential=-0.0))])
    assert math.copysign(1, simulate(network, 1, Constant([0.0])).potential[0][0]) == 1.0


def test_a_decayed_minus_zero_becomes_plus_zero_too() -> None:
    network = Network([Layer(np.array([[1.0]]), None, Neuron("lif", 1.0, initial_potential=-1.0, decay=0.0))])
    assert math.copysign(1, simulate(network, 1, Constant([-0.0])).potential[0][0]) == 1.0


def test_subnormals_are_kept() -> None:
    network = Network([Layer(np.array([[5e-324]]), None, Neuron("if", 1.0))])
    assert simulate(network, 3, Constant([1.0])).potential[0].tolist() == [1.5e-323]


def test_a_membrane_layer_never_fires_nor_resets() -> None:
    network = Network([Layer(np.array([[1.0]]), None, Neuron("if", 1.0, initial_potential=0.5))], "membrane")
    result = simulate(network, 4, Constant([2.0]), ALL)
    assert result.readout.tolist() == [8.5]
    assert result.counts[0].tolist() == [0]
    assert result.trace is not None
    assert bits(result.trace[0].before) == bits(result.trace[0].after)


def test_a_first_layer_without_outputs_takes_any_input() -> None:
    network = Network.from_document({"layers": [{"weights": [], "neuron": {"model": "if", "threshold": 1}}]})
    assert network.inputs is None
    assert simulate(network, 2, Constant([1.0, 2.0])).readout.tolist() == []
    assert simulate(network, 1, Spikes([[0, 2**53 - 1]])).readout.tolist() == []
    assert simulate(network, 2, Poisson([[0.5], [0.5]], 1)).readout.shape == (2, 0)


def overflowing(readout: str = "membrane") -> Network:
    """Make a network whose second layer overflows at the second spike of the first."""
    return Network([Layer(np.array([[1.0]])), Layer(np.array([[1e308]]))], readout)


def test_a_potential_that_overflows_is_rejected_without_a_warning() -> None:
    with warnings.catch_warnings(), np.errstate(all="raise"), pytest.raises(RejectedError) as rejected:
        warnings.simplefilter("error")
        simulate(overflowing(), 2, Constant([1.0]))
    assert (rejected.value.code, rejected.value.path) == ("simulate.non-finite", "/network/layers/1")


def test_a_current_that_overflows_is_rejected_even_where_the_bias_would_cancel_it() -> None:
    network = Network([Layer(np.array([[1e308, 1e308]]), np.array([-1e308]))])
    with pytest.raises(RejectedError, match="layer 0"):
        simulate(network, 1, Constant([1.0, 1.0]))


def test_the_fault_of_the_first_sample_is_reported_not_the_earliest() -> None:
    network = Network([Layer(np.array([[1e308]]), None, Neuron("if", 1e308)), Layer(np.array([[1e308]]))], "membrane")
    # Sample 0 overflows layer 1 at step 1, sample 1 layer 0 at step 0.
    for values, layer in ([[1.0], [10.0]], 1), ([[10.0], [1.0]], 0):
        with pytest.raises(RejectedError) as rejected:
            simulate(network, 3, Constant(values))
        assert rejected.value.path == f"/network/layers/{layer}"


@pytest.mark.parametrize("sizes", [[3, 2], [7, 16, 20, 5, 2], [1, 1, 1, 1, 1], [3, 0, 2]])
@pytest.mark.parametrize("readout", ["spikes", "membrane"])
def test_binary32_gives_the_bits_of_the_scalar_loop_in_binary32(sizes: list[int], readout: str) -> None:
    network = network_of(sizes, seed=len(sizes), readout=readout)
    values = np.random.default_rng(1).normal(size=(2, sizes[0])) * 2
    result = simulate(network, 25, Constant(values), ALL, "sequential-f32")
    assert {array.dtype for array in (*result.potential, result.trace[0].before)} == {np.dtype(np.float32)}
    for sample in range(2):
        assert_same_bits(network, [values[sample].tolist()] * 25, result, sample, np.float32)
    assert network.layers[0].weights.dtype == np.float64


def test_spike_trains_do_not_depend_on_the_profile() -> None:
    words = [philox4x32((0, block, 0, 0), (3, 0)) for block in range(16)]
    rates = (np.concatenate(words) + 0.5) / 2.0**32  # each is just enough; rounded to binary32 about half are not
    network = Network([Layer(np.eye(64))])
    assert simulate(network, 1, Poisson(rates, seed=3), (), "sequential-f32").readout.tolist() == [1] * 64
    assert_same_bits(
        network_of([5, 4, 2]),
        poisson_spikes([0.3] * 5, 7, 20).astype(float).tolist(),
        simulate(network_of([5, 4, 2]), 20, Poisson([0.3] * 5, 7), ALL, "sequential-f32"),
        None,
        np.float32,
    )


LARGE = 3.4028235677973362e38  # the largest binary64 that rounds to a finite binary32
TOO_LARGE = 3.4028235677973366e38
SMALL = 7.006492321624087e-46  # the smallest binary64 that does not round to 0
TOO_SMALL = 7.006492321624085e-46


def single(layer: Layer, value: float = 0.0, steps: int = 1) -> Any:
    return simulate(Network([layer], "membrane"), steps, Constant([value]), (), "sequential-f32").readout


def test_values_are_rounded_once_and_the_last_that_fit_are_finite() -> None:
    largest = np.finfo(np.float32).max
    assert single(Layer([[LARGE]]), 1.0).tolist() == [largest]
    assert single(Layer([[0.0]], [-LARGE])).tolist() == [-largest]
    assert single(Layer([[1.0]]), LARGE).tolist() == [largest]
    assert single(Layer([[0.0]], None, Neuron(initial_potential=LARGE))).tolist() == [largest]
    assert single(Layer([[1.0]]), SMALL).tolist() == [2.0**-149]
    assert single(Layer([[1.0]], None, Neuron("lif", decay=1 - 2.0**-30, initial_potential=0.1))) == np.float32(0.1)
    network = Network([Layer([[1.0]], None, Neuron(threshold=SMALL))])
    assert simulate(network, 1, Constant([SMALL]), (), "sequential-f32").readout.tolist() == [1]


@pytest.mark.parametrize("sign", [1, -1])
def test_what_binary32_cannot_hold_is_rejected_where_it_is(sign: int) -> None:
    weight, bias = Layer([[0.0], [sign * TOO_LARGE]]), Layer([[0.0]], [sign * TOO_LARGE])
    potential = Layer([[0.0]], None, Neuron(initial_potential=sign * TOO_LARGE))
    assert rejection(single, weight) == ("network.weight-finite", "/network/layers/0/weights/1/0")
    assert rejection(single, bias) == ("network.bias-finite", "/network/layers/0/bias/0")
    where = "/network/layers/0/neuron"
    assert rejection(single, potential) == ("network.initial-potential", f"{where}/initial_potential")
    for value in (TOO_LARGE, TOO_SMALL):
        neuron = Neuron(threshold=value)
        assert rejection(single, Layer([[0.0]], None, neuron)) == ("network.threshold", f"{where}/threshold")
    assert rejection(single, Layer([[1.0]]), sign * TOO_LARGE) == ("input.range", "/input/values/0")
    layer = Layer([[1.0]])
    assert rejection(single, layer, sign * LARGE, 2) == ("simulate.non-finite", "/network/layers/0")
    assert simulate(Network([weight]), 1, Constant([1.0])).readout.tolist() == [0, max(sign, 0)]


def test_the_rules_of_binary32_keep_their_order() -> None:
    large = {"weights": [[1e39]], "neuron": {"model": "if", "threshold": 1}}
    document = {"layers": [large, {**large, "bias": ["x"]}]}
    assert rejection(Network.from_document, document) == ("network.bias-type", "/layers/1/bias/0")
    assert rejection(Network.from_document, document, np.float32) == ("network.weight-finite", "/layers/0/weights/0/0")
    network = Network([Layer([[1e39]])])
    assert rejection(simulate, network, 0, Constant([1e39]), "x", "sequential-f32")[0] == "network.weight-finite"
    assert rejection(simulate, network, 0, Constant([1e39]), "x")[0] == "simulate.steps"


def test_a_profile_that_there_is_not_is_named() -> None:
    with pytest.raises(ValueError, match="sequential-f16"):
        simulate(Network([Layer([[1.0]])]), 1, Constant([1.0]), (), "sequential-f16")


def test_kernels_keep_single_precision() -> None:
    weights = np.array([[0.1, 0.2], [0.3, 0.4]], dtype=np.float32)
    current = synaptic_current(weights, np.array([[[True, True]], [[False, True]]]))
    before, fired, after = integrate(Neuron("lif", 0.5, "zero", decay=0.9), True, weights[:1], current)
    assert [current.dtype, before.dtype, fired.dtype, after.dtype] == [np.float32, np.float32, np.bool_, np.float32]


def rejection(call: Any, *arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(RejectedError) as rejected:
        call(*arguments, **named)
    return rejected.value.code, rejected.value.path


@pytest.mark.parametrize(
    ("layers", "code", "path"),
    [
        ([], "network.layers", "/layers"),
        ("layers", "network.layers", "/layers"),
        ([1], "network.object", "/layers/0"),
        ([Layer(np.ones((1, 1)), None, 5)], "network.object", "/layers/0/neuron"),
        ([Layer(np.ones((1, 1), complex))], "network.weight-type", "/layers/0/weights"),
        ([Layer(np.ones(1))], "network.weight-rank", "/layers/0/weights"),
        ([Layer(np.array([[1, np.inf]]))], "network.weight-finite", "/layers/0/weights/0/1"),
        ([Layer(np.ones((1, 1)), np.ones((1, 1)))], "network.bias-type", "/layers/0/bias"),
        ([Layer(np.ones((2, 1)), np.ones(1))], "network.bias-shape", "/layers/0/bias"),
        ([Layer(np.ones((1, 1)), np.array([np.nan]))], "network.bias-finite", "/layers/0/bias/0"),
        ([Layer(np.ones((2, 1))), Layer(np.ones((2, 3)))], "network.chain", "/layers/1/weights"),
        ([Layer(np.ones((1, 1)), None, Neuron("alif"))], "network.neuron-model", "/layers/0/neuron/model"),
        ([Layer(np.ones((1, 1)), None, Neuron("lif"))], "network.missing-key", "/layers/0/neuron/decay"),
        ([Layer(np.ones((1, 1)), None, Neuron("if", decay=0.5))], "network.unknown-key", "/layers/0/neuron/decay"),
        ([Layer(np.ones((1, 1)), None, Neuron("if", 0.0))], "network.threshold", "/layers/0/neuron/threshold"),
        ([Layer(np.ones((1, 1)), None, Neuron(reset="hard"))], "network.reset", "/layers/0/neuron/reset"),
        ([Layer(np.ones((1, 1)), None, Neuron("lif", decay=1.5))], "network.decay", "/layers/0/neuron/decay"),
        (
            [Layer(np.ones((1, 1)), None, Neuron(initial_potential=math.inf))],
            "network.initial-potential",
            "/layers/0/neuron/initial_potential",
        ),
    ],
)
def test_a_network_that_breaks_a_rule_cannot_be_made(layers: Any, code: str, path: str) -> None:
    assert rejection(Network, layers) == (code, path)


def test_a_readout_that_is_not_known_is_rejected() -> None:
    assert rejection(Network, [Layer(np.ones((1, 1)))], "votes") == ("network.readout", "/readout")


def test_a_network_owns_its_arrays_and_guards_them() -> None:
    weights = np.ones((1, 1))
    network = Network([Layer(weights)])
    weights[0, 0] = 7.0
    assert network.layers[0].weights[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        network.layers[0].weights[0, 0] = 2.0


def test_the_layers_of_a_network_make_another_one() -> None:
    network = network_of([3, 4, 2])
    again = Network(network.layers, "membrane")
    assert bits(again.layers[1].weights) == bits(network.layers[1].weights)


def test_lists_serve_as_arrays() -> None:
    network = Network([Layer([[1, 2]], [3], Neuron(threshold=np.float32(0.5)))])
    assert network.layers[0].weights.dtype == np.float64
    assert type(network.layers[0].neuron.threshold) is float


@pytest.mark.parametrize(
    ("steps", "stimulus", "record", "code", "path"),
    [
        (0, Constant([1, 2]), (), "simulate.steps", "/steps"),
        (2.0, Constant([1, 2]), (), "simulate.steps", "/steps"),
        (1, [1, 2], (), "input.kind", "/input"),
        (1, {}, (), "input.kind", "/input/kind"),
        (1, {"kind": "constant", "values": [1, 2], "seed": 1}, (), "input.unknown-key", "/input/seed"),
        (1, Constant([1]), (), "input.shape", "/input/values"),
        (1, Constant([[1, 2], [1]]), (), "input.shape", "/input/values/1"),
        (1, Constant([1, True]), (), "input.shape", "/input/values/1"),
        (1, Constant(np.array([1, 1j])), (), "input.shape", "/input/values"),
        (1, Constant(np.ones((1, 2, 2))), (), "input.shape", "/input/values/0"),
        (1, Constant([1, math.nan]), (), "input.range", "/input/values/1"),
        (2, Spikes([[0]]), (), "input.shape", "/input/indices"),
        (1, Spikes([[0, 2]]), (), "input.indices", "/input/indices/0/1"),
        (1, Spikes([[[0], [1]], [[1, 1]]]), (), "input.shape", "/input/indices/0"),
        (1, Spikes([[[1, 1]]]), (), "input.indices", "/input/indices/0/0/1"),
        (1, Spikes([[True]]), (), "input.indices", "/input/indices/0/0"),
        (1, Poisson([0.5, 2.0], 1), (), "input.range", "/input/rates/1"),
        (1, Poisson([0.5, 0.5], -1), (), "input.seed", "/input/seed"),
        (1, Constant([1, 2]), "counts", "record.kind", "/record"),
        (1, Constant([1, 2]), None, "record.kind", "/record"),
        (1, Constant([1, 2]), ["counts", "rates"], "record.kind", "/record/1"),
    ],
)
def test_a_run_that_breaks_a_rule_is_rejected(steps: Any, stimulus: Any, record: Any, code: str, path: str) -> None:
    assert rejection(simulate, Network([Layer(np.ones((1, 2)))]), steps, stimulus, record) == (code, path)


def test_what_is_no_network_is_rejected() -> None:
    assert rejection(simulate, {"layers": []}, 1, Constant([])) == ("network.object", "/network")
