"""QCFS and threshold balancing in NumPy: the formulas on exact fractions, and the rules."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from spikeparity.conversion import normalize, qcfs
from spikeparity.rejection import RejectedError


def stepwise(x, theta, T):
    """QCFS by Python floats, one operation after the other."""
    steps = math.floor(((x * float(T)) / theta) + 0.5)
    return (max(0.0, min(float(steps), float(T))) * theta) / float(T)


def test_qcfs_is_its_operations_in_this_order():
    rng = np.random.default_rng(1)
    for T, theta in [(1, 1.0), (4, 0.7), (7, 3.3), (1000, 0.1), (8, 1e-300)]:
        x = np.concatenate([rng.normal(size=200) * theta * 2, np.arange(-3, T + 3)[:50] * theta / (2 * T)])
        due = np.array([stepwise(value, theta, T) for value in x.tolist()])
        assert qcfs(x, theta, T).tobytes() == due.tobytes()


def test_qcfs_rounds_half_up_and_quantises():
    # The release this replaces returned its argument unquantised.
    assert qcfs([-1.0, 0.124, 0.125, 0.3, 0.374, 0.375, 0.9, 5.0], 1.0, 4).tolist() == [
        0.0, 0.0, 0.25, 0.25, 0.25, 0.5, 1.0, 1.0,
    ]  # fmt: skip


def test_qcfs_clips_what_overflows_and_gives_no_negative_zero():
    y = qcfs([1e308, -1e308, -0.0, -5e-324], 1e-10, 1000)
    assert y.tolist() == [1e-10, 0.0, 0.0, 0.0]
    assert not np.signbit(y).any()


@pytest.mark.parametrize(
    ("x", "theta", "T", "code", "path"),
    [
        (1.0, 1.0, 4, "qcfs.input", "/x"),
        (np.zeros((2, 2)), 1.0, 4, "qcfs.input", "/x"),
        (np.array([True]), 1.0, 4, "qcfs.input", "/x"),
        ([1.0, True], 1.0, 4, "qcfs.input", "/x/1"),
        ([1.0, "Infinity", "a"], 1.0, 4, "qcfs.input", "/x/1"),
        ([1.0, "a", "Infinity"], 1.0, 4, "qcfs.input", "/x/1"),
        (np.array([0.0, np.nan]), 0.0, 4, "qcfs.input", "/x/1"),
        ([], 0.0, 0, "qcfs.theta", "/theta"),
        ([], -1.0, 4, "qcfs.theta", "/theta"),
        ([], "Infinity", 4, "qcfs.theta", "/theta"),
        ([], 1.0, 0, "qcfs.steps", "/T"),
        ([], 1.0, 1_048_577, "qcfs.steps", "/T"),
        ([], 1.0, 4.0, "qcfs.steps", "/T"),
        ([0.0, 1e308], 1e308, 4, "qcfs.non-finite", "/x/1"),
    ],
)
def test_rules_of_qcfs(x, theta, T, code, path):
    with pytest.raises(RejectedError) as caught:
        qcfs(x, theta, T)
    assert (caught.value.code, caught.value.path) == (code, path)


def rounded(value):
    return float(value)  # a Fraction to the nearest float


def test_normalize_multiplies_then_divides():
    rng = np.random.default_rng(2)
    layers = [{"weights": rng.normal(size=(3, 2)), "bias": rng.normal(size=3)}, {"weights": rng.normal(size=(2, 3))}]
    scales = [0.3, 7.1]
    scaled = normalize(layers, scales)
    before = 1.0
    for layer, parts, scale in zip(layers, scaled, scales, strict=True):
        for value, result in zip(layer["weights"].ravel().tolist(), parts["weights"].ravel().tolist(), strict=True):
            product = rounded(Fraction(value) * Fraction(before))
            assert result == rounded(Fraction(product) / Fraction(scale))
        before = scale
    # A bias is divided by its own scale, not by T, and never left as it is.
    assert scaled[0]["bias"].tolist() == [rounded(Fraction(b) / Fraction(0.3)) for b in layers[0]["bias"].tolist()]
    assert "bias" not in scaled[1]


def test_normalize_leaves_its_arguments_and_the_sign_of_zero():
    weights = np.array([[-0.0, 1.0]])
    scaled = normalize([{"weights": weights}, {"weights": []}], [1, 2])
    assert np.signbit(scaled[0]["weights"][0, 0])
    assert not np.shares_memory(scaled[0]["weights"], weights)
    assert scaled[1]["weights"].shape == (0, 0)


@pytest.mark.parametrize(
    ("layers", "scales", "code", "path"),
    [
        ([[]], [], "network.object", "/layers/0"),
        ([{"weight": 1}, {"neuron": 1}], [], "network.unknown-key", "/layers/0/weight"),
        ([{"bias": []}], [], "network.missing-key", "/layers/0/weights"),
        ([], [], "network.layers", "/layers"),
        (None, [], "network.layers", "/layers"),
        ([{"weights": [["x"]]}], [], "network.weight-type", "/layers/0/weights/0/0"),
        ([{"weights": [[1], [1, 2]]}], [], "network.weight-rank", "/layers/0/weights"),
        ([{"weights": [["NaN"]]}], [], "network.weight-finite", "/layers/0/weights/0/0"),
        ([{"weights": [[1]], "bias": None}], [], "network.bias-type", "/layers/0/bias"),
        ([{"weights": [[1]], "bias": [1, 2]}], [], "network.bias-shape", "/layers/0/bias"),
        ([{"weights": [[1]], "bias": ["NaN"]}], [], "network.bias-finite", "/layers/0/bias/0"),
        ([{"weights": [[1]]}], [], "normalize.scales", "/scales"),
        ([{"weights": [[1]]}], 1.0, "normalize.scales", "/scales"),
        ([{"weights": [[1]]}], [0.0], "normalize.scales", "/scales/0"),
        ([{"weights": [[1]]}] * 2, [1.0, "Infinity"], "normalize.scales", "/scales/1"),
        ([{"weights": [[1, 1e10]], "bias": [1e10]}], [1e-300], "normalize.non-finite", "/layers/0/weights/0/1"),
        ([{"weights": [[1]], "bias": [0, 1e10]}], [1e-300], "network.bias-shape", "/layers/0/bias"),
        ([{"weights": [[1]], "bias": [1e10]}], [1e-300], "normalize.non-finite", "/layers/0/bias/0"),
        ([{"weights": [[1]]}, {"weights": [[1e10]]}], [1e300, 1e300], "normalize.non-finite", "/layers/1/weights/0/0"),
    ],
)
def test_rules_of_normalize(layers, scales, code, path):
    with pytest.raises(RejectedError) as caught:
        normalize(layers, scales)
    assert (caught.value.code, caught.value.path) == (code, path)
