"""The oracle's arithmetic: worked by hand, against exact fractions, and against Random123's known answers."""

import itertools
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracle import answer
from conformance.oracle.dense import Dense
from conformance.oracle.hexfloat import from_hex, to_hex
from conformance.oracle.kinds import INPUT
from conformance.oracle.network import Layer
from conformance.oracle.philox import philox4x32, spiking, words
from conformance.oracle.simulate import layer_current

ALL = ["counts", "spikes", "potential", "trace"]


def neuron(**members: Any) -> dict[str, Any]:
    return {"model": "if", "threshold": 1.0, **members}


def run(layers: list[dict[str, Any]], steps: int, input: dict[str, Any], **members: Any) -> dict[str, Any]:
    network = {"layers": layers, **{key: value for key, value in members.items() if key == "readout"}}
    request = {"network": network, "steps": steps, "input": input, "record": members.get("record", ALL)}
    return answer("simulate", request)


def one_neuron(values: list[Any], weights: list[Any], steps: int, **members: Any) -> dict[str, Any]:
    got = run([{"weights": [weights], "neuron": neuron(**members)}], steps, {"kind": "constant", "values": values})
    return dict(got["output"])


def test_the_conversation_of_protocol_md() -> None:
    layers = [{"weights": [[0.5, 0.25]], "bias": [0.1], "neuron": neuron()}]
    got = run(layers, 3, {"kind": "constant", "values": [1.0, 1.0]}, record=["counts", "spikes", "potential"])
    due = {"readout": [2], "counts": [[2]], "spikes": [[[], [0], [0]]], "potential": [["3fe1999999999998"]]}
    assert got == {"verdict": "accept", "output": due}


def test_a_tie_at_the_threshold_fires_and_one_ulp_below_does_not() -> None:
    assert one_neuron([1], [1.0], 1)["readout"] == [1]
    below = math.nextafter(1.0, 0.0)
    assert one_neuron([1], [below], 1)["readout"] == [0]
    assert one_neuron([1], [below], 1)["potential"] == [[to_hex(below)]]


def test_reset_by_subtraction_keeps_the_rest_and_to_zero_drops_it() -> None:
    assert one_neuron([1], [1.75], 2)["potential"] == [[to_hex(1.5)]]
    assert one_neuron([1], [1.75], 2, reset="zero")["potential"] == [[to_hex(0.0)]]
    assert one_neuron([1], [3.0], 2)["readout"] == [2]  # at most one spike per step


def test_the_sum_is_taken_in_ascending_input_order() -> None:
    # 1e16 + 1 + 1 rounds each 1 away; any other order keeps them
    assert one_neuron([1, 1, 1], [1e16, 1.0, 1.0], 1, threshold=1e300)["potential"] == [[to_hex(1e16)]]
    assert one_neuron([1, 1, 1], [1.0, 1.0, 1e16], 1, threshold=1e300)["potential"] == [[to_hex(1e16 + 2)]]


def test_product_and_sum_are_rounded_separately() -> None:
    x = 1.0 + 2.0**-30
    # x * x = 1 + 2^-29 + 2^-60 rounds to 1 + 2^-29; a fused multiply-add would keep 2^-60
    assert one_neuron([1, x], [-(1.0 + 2.0**-29), x], 1)["potential"] == [[to_hex(0.0)]]


def test_the_bias_is_added_after_the_sum_at_every_step() -> None:
    layers = [{"weights": [[1.0, 1.0]], "bias": [-1e16], "neuron": neuron(threshold=4.0)}]
    got = run(layers, 2, {"kind": "constant", "values": [1.0, 1e16]})["output"]
    assert got["potential"] == [[to_hex(0.0)]]  # (1 + 1e16) - 1e16, where 1 + 1e16 is a tie to even


def test_leak_multiplies_before_the_current_is_added() -> None:
    got = one_neuron([1], [0.25], 3, model="lif", decay=0.5, initial_potential=1.0)
    assert [step["before"] for step in got["trace"][0]] == [[to_hex(v)] for v in (0.75, 0.625, 0.5625)]


def test_a_zero_current_clears_the_sign_of_zero() -> None:
    assert one_neuron([0.0], [1.0], 1, initial_potential=-0.0)["potential"] == [["0000000000000000"]]
    # a sum begins with +0.0, so a single product of -0.0 is not the current
    assert one_neuron([1], [-0.0], 1, initial_potential=-0.0)["potential"] == [["0000000000000000"]]
    got = run([{"weights": [[]], "bias": [-0.0], "neuron": neuron(initial_potential=-0.0)}], 1, CONSTANT_EMPTY)
    assert got["output"]["potential"] == [["0000000000000000"]]


CONSTANT_EMPTY: dict[str, Any] = {"kind": "constant", "values": []}


def test_spikes_pass_through_all_layers_within_one_step() -> None:
    layers = [{"weights": [[1.0]], "neuron": neuron()}, {"weights": [[1.0]], "neuron": neuron(threshold=2.0)}]
    got = run(layers, 4, {"kind": "spikes", "indices": [[0], [], [0], [0]]})["output"]
    assert got["spikes"] == [[[0], [], [0], [0]], [[], [], [0], []]]
    assert got["counts"] == [[3], [1]] and got["readout"] == [1]


def test_a_membrane_readout_never_fires() -> None:
    layers = [{"weights": [[1.0]], "neuron": neuron()}, {"weights": [[3.0]], "neuron": neuron(initial_potential=0.5)}]
    got = run(layers, 2, {"kind": "constant", "values": [1.0]}, readout="membrane")["output"]
    assert got["readout"] == [to_hex(6.5)] and got["counts"] == [[2], [0]] and got["spikes"][1] == [[], []]
    assert got["trace"][1][1] == {"before": [to_hex(6.5)], "after": [to_hex(6.5)]}


@pytest.mark.parametrize(
    ("layers", "path"),
    [
        ([{"weights": [[1e308, 1e308]], "neuron": neuron()}], 0),  # the sum overflows
        ([{"weights": [[1e308, 0]], "bias": [1e308], "neuron": neuron()}], 0),  # the bias does it
        ([{"weights": [[1e308, 0]], "neuron": neuron(initial_potential=1e308)}], 0),  # the potential
        # 1e308 - 1.0 is still 1e308, so the second spike overflows the second layer
        ([{"weights": [[1, 0]], "neuron": neuron()}, {"weights": [[1e308]], "neuron": neuron()}], 1),
    ],
)
def test_an_overflow_rejects_the_run(layers: list[dict[str, Any]], path: int) -> None:
    got = run(layers, 3, {"kind": "constant", "values": [1.0, 1.0]})
    assert got == {"verdict": "reject", "code": "simulate.non-finite", "path": f"/network/layers/{path}"}


def test_the_first_overflow_by_sample_then_step_then_layer() -> None:
    layers = [{"weights": [[1e308]], "neuron": neuron(threshold=1.0)}, {"weights": [[1e308]], "neuron": neuron()}]
    batch = {"kind": "constant", "values": [[1e-308], [2.0]]}  # sample 0 overflows in layer 1, sample 1 in layer 0
    assert run(layers, 3, batch)["path"] == "/network/layers/1"
    assert run(layers, 3, {"kind": "constant", "values": [[2.0], [1e-308]]})["path"] == "/network/layers/0"


@pytest.mark.parametrize(
    ("counter", "key", "due"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_known_answers_of_random123(counter: str, key: str, due: str) -> None:
    assert philox4x32(_words(counter), _words(key)) == tuple(_words(due))


def _words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def test_inputs_take_the_words_of_their_block() -> None:
    seed, sample = 3 + 5 * 2**32, 7 + 2 * 2**32
    blocks = [philox4x32((9, block, 7, 2), (3, 5)) for block in range(2)]
    assert words(seed, sample, 9, 6) == [*blocks[0], *blocks[1][:2]]


def test_rates_at_the_ends_and_beside_a_word() -> None:
    word = words(0, 0, 0, 1)[0]
    assert spiking([1.0], 0, 0, 0) == [0] and spiking([0.0], 0, 0, 0) == [] and spiking([-0.0], 0, 0, 0) == []
    assert spiking([word / 2**32], 0, 0, 0) == []
    assert spiking([(word + 1) / 2**32], 0, 0, 0) == [0]
    assert spiking([math.nextafter(word / 2**32, 1.0)], 0, 0, 0) == [0]


def test_encode_and_simulate_draw_the_same_spikes() -> None:
    rates = [0.1, 0.9, 0.5, 1.0, 0.0]
    encoded = answer("encode.poisson", {"rates": rates, "seed": 7, "steps": 20, "sample": 3})["output"]["spikes"]
    layers = [{"weights": [[float(i == j) for j in range(5)] for i in range(5)], "neuron": neuron()}]
    batch = {"kind": "poisson", "rates": [rates, rates], "seed": 7, "sample": 2}
    assert run(layers, 20, batch)["output"]["spikes"][1] == [encoded]
    assert all(3 in step and 4 not in step for step in encoded)


SMALL = st.integers(-24, 24).map(lambda n: n / 8.0)
FINITE = st.floats(-1e100, 1e100)


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    """Draw small networks of dyadic numbers, in which no operation rounds."""
    sizes = draw(st.lists(st.integers(0, 3), min_size=2, max_size=4))
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layer: dict[str, Any] = {"weights": [[draw(SMALL) for _ in range(inputs)] for _ in range(outputs)]}
        if draw(st.booleans()):
            layer["bias"] = [draw(SMALL) for _ in range(outputs)]
        model: dict[str, Any] = {"model": "lif", "decay": draw(st.sampled_from([0, 0.5, 1]))}
        if draw(st.booleans()):
            model = {"model": "if"}
        reset = draw(st.sampled_from(["subtract", "zero"]))
        layer["neuron"] = {**model, "threshold": draw(st.integers(1, 16)) / 8, "reset": reset}
        layer["neuron"]["initial_potential"] = draw(SMALL)
        layers.append(layer)
    return {"layers": layers, "readout": draw(st.sampled_from(["spikes", "membrane"]))}, sizes[0]


def exactly(network: dict[str, Any], trains: list[list[Fraction]]) -> tuple[list[list[int]], list[list[Fraction]]]:
    """Return counts and potentials of the network in exact arithmetic, written without a look at the oracle."""
    layers = network["layers"]
    v = [[Fraction(layer["neuron"]["initial_potential"])] * len(layer["weights"]) for layer in layers]
    counts = [[0] * len(layer["weights"]) for layer in layers]
    for x in trains:
        for k, layer in enumerate(layers):
            theta, alpha = Fraction(layer["neuron"]["threshold"]), Fraction(layer["neuron"].get("decay", 1))
            silent = network["readout"] == "membrane" and k == len(layers) - 1
            out = []
            for n, row in enumerate(layer["weights"]):
                bias = Fraction(layer["bias"][n]) if "bias" in layer else Fraction(0)
                v[k][n] = alpha * v[k][n] + sum((Fraction(w) * y for w, y in zip(row, x, strict=True)), bias)
                fires = v[k][n] >= theta and not silent
                if fires:
                    v[k][n] = Fraction(0) if layer["neuron"]["reset"] == "zero" else v[k][n] - theta
                counts[k][n] += fires
                out.append(Fraction(int(fires)))
            x = out
    return counts, v


@given(networks(), st.data())
def test_small_dyadic_networks_agree_with_exact_arithmetic(
    drawn: tuple[dict[str, Any], int], data: st.DataObject
) -> None:
    network, width = drawn
    values = data.draw(st.lists(SMALL, min_size=width, max_size=width))
    request = {"network": network, "steps": 6, "input": {"kind": "constant", "values": values}}
    got = answer("simulate", {**request, "record": ["counts", "potential"]})["output"]
    counts, potentials = exactly(network, [[Fraction(x) for x in values]] * 6)
    assert got["counts"] == counts
    assert [[from_hex(v) for v in layer] for layer in got["potential"]] == potentials


@given(networks(), st.data())
def test_rows_of_a_batch_are_as_if_alone(drawn: tuple[dict[str, Any], int], data: st.DataObject) -> None:
    network, width = drawn
    rates = st.lists(st.floats(0, 1), min_size=width, max_size=width)
    rows = data.draw(st.lists(rates, min_size=1, max_size=3))
    request = {"network": network, "steps": 3, "record": ALL}
    batch = answer("simulate", {**request, "input": {"kind": "poisson", "rates": rows, "seed": 11}})["output"]
    for k, row in enumerate(rows):
        alone = {"kind": "poisson", "rates": row, "seed": 11, "sample": k}
        assert answer("simulate", {**request, "input": alone})["output"] == {item: batch[item][k] for item in batch}


@given(st.data())
def test_every_operation_of_a_current_is_the_exact_result_correctly_rounded(data: st.DataObject) -> None:
    width = data.draw(st.integers(0, 6))
    row, x = (data.draw(st.lists(FINITE, min_size=width, max_size=width)) for _ in range(2))
    bias = data.draw(FINITE)
    acc = 0.0
    for w, value in zip(row, x, strict=True):  # zeros are not skipped here
        acc = float(Fraction(acc) + Fraction(float(Fraction(w) * Fraction(value))))
    acc = float(Fraction(acc) + Fraction(bias))
    layer = Layer([(INPUT, Dense([row]))], False, [bias], None, 1)
    assert layer_current(layer, {INPUT: x}, "") == [acc]
