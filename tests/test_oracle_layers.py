"""The oracle's layers of all kinds: worked by hand, by scattering, and as integers in any order."""

from __future__ import annotations

import itertools
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import shapes
from conformance.oracle import answer
from conformance.oracle.avgpool2d import AvgPool2d
from conformance.oracle.conv2d import Conv2d
from conformance.oracle.geometry import Geometry
from conformance.oracle.hexfloat import to_hex
from conformance.oracle.profile import DEFAULT

NEURON = {"model": "if", "threshold": 1.0}
SIDES = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def convolutions(draw: st.DrawFn, numbers: st.SearchStrategy[float]) -> tuple[Conv2d, list[float]]:
    """Draw a convolution that fits its source, and a source."""
    groups, height, width = draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    stride, dilation = draw(SIDES), draw(SIDES)
    padding = (draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    kernel = tuple(
        draw(st.integers(1, min(3, (length + 2 * padding[axis] - 1) // dilation[axis] + 1)))
        for axis, length in enumerate((height, width))
    )
    inputs, outputs = draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    geometry = Geometry((kernel[0], kernel[1]), stride, padding, dilation, groups)
    weights = [
        [[[draw(numbers) for _ in range(kernel[1])] for _ in range(kernel[0])] for _ in range(inputs)]
        for _ in range(outputs)
    ]
    source = (groups * inputs, height, width)
    x = [draw(numbers) for _ in range(math.prod(source))]
    return Conv2d(weights, geometry, source, (outputs, *geometry.size(height, width))), x


def scattered(conv: Conv2d, x: list[float]) -> list[float]:
    """Return the currents, input by input in ascending order: each is added to every output whose kernel covers it."""
    (channels, height, width), (outputs, rows, columns) = conv.source, conv.output
    currents = [0.0] * math.prod(conv.output)
    geometry = conv.geometry
    group_inputs, group_outputs = channels // geometry.groups, outputs // geometry.groups
    for c, y, z in itertools.product(range(channels), range(height), range(width)):
        for o, row, column in itertools.product(range(outputs), range(rows), range(columns)):
            i, down = divmod(y + geometry.padding[0] - row * geometry.stride[0], geometry.dilation[0])
            j, right = divmod(z + geometry.padding[1] - column * geometry.stride[1], geometry.dilation[1])
            covers = 0 <= i < geometry.kernel[0] and 0 <= j < geometry.kernel[1] and down == right == 0
            if covers and o // group_outputs == c // group_inputs:
                weight = conv.weights[o][c % group_inputs][i][j]
                currents[(o * rows + row) * columns + column] += weight * x[(c * height + y) * width + z]
    return currents


@settings(deadline=None, max_examples=60)
@given(convolutions(st.floats(-10, 10)))
def test_a_convolution_that_scatters_has_the_same_bits(drawn: tuple[Conv2d, list[float]]) -> None:
    conv, x = drawn
    due = [to_hex(value) for value in scattered(conv, x)]
    assert [to_hex(value) for value in conv.current(x, DEFAULT)] == due


@given(st.integers(1, 3), SIDES, SIDES, st.data())
def test_a_mean_is_the_sum_of_what_is_under_the_kernel(channels: int, kernel: Any, stride: Any, data: Any) -> None:
    height, width = (data.draw(st.integers(length, 5)) for length in kernel)
    geometry = Geometry(kernel, stride, (0, 0), (1, 1), 1)
    pool = AvgPool2d(geometry, (channels, height, width), (channels, *geometry.size(height, width)))
    x = [float(data.draw(st.integers(-50, 50))) for _ in range(channels * height * width)]
    for (c, row, column), mean in zip(
        itertools.product(*map(range, pool.output)), pool.current(x, DEFAULT), strict=True
    ):
        under = [
            x[(c * height + row * stride[0] + i) * width + column * stride[1] + j]
            for i in range(kernel[0])
            for j in range(kernel[1])
        ]
        assert mean == sum(under) / len(under)


def test_the_largest_windows_are_worked_out_without_rounding_towards_zero() -> None:
    geometry = Geometry((5, 1), (2, 1), (0, 0), (1, 1), 1)
    assert geometry.size(4, 1) == (0, 1)
    assert Geometry((65536, 65536), (1, 1), (65536, 0), (65536, 1), 1).size(1, 65536) == (131073 - 65536 * 65535, 1)


def test_spikes_go_through_a_pool_within_the_step() -> None:
    layers = [
        {"kind": "conv2d", "weights": [[[[1.0]]]], "neuron": NEURON},
        {"kind": "avgpool2d", "kernel": [1, 2]},
        {"kind": "flatten"},
        {"weights": [[2.0]], "neuron": NEURON},
    ]
    network = {"layers": layers, "input_shape": [1, 1, 2]}
    given_spikes = {"kind": "spikes", "indices": [[1], [], [0, 1]]}
    got = answer("simulate", {"network": network, "steps": 3, "input": given_spikes, "record": ["spikes", "trace"]})
    assert got["output"]["spikes"] == [[[1], [], [0, 1]], [], [], [[0], [], [0]]]
    assert [step["before"] for step in got["output"]["trace"][3]] == [[to_hex(v)] for v in (1.0, 0.0, 2.0)]


def test_shapes_of_requests_and_of_sidecars() -> None:
    conv = {"kind": "conv2d", "weights": [[[[1.0, 1.0]]]], "neuron": NEURON, "name": "a"}
    branches = [{"kind": "identity", "from": "a", "weight": 0.5}, {"kind": "identity", "from": "a", "weight": 1}]
    network = {"layers": [conv, {"kind": "sum", "inputs": branches, "neuron": NEURON}], "input_shape": [1, 3, 2]}
    found = shapes.of_request(network)
    assert (found.width, found.layers, found.taken) == (6, [(1, 3, 1)] * 2, [[(1, 3, 2)], [(1, 3, 1)] * 2])
    stored = {**network, "layers": [{**conv, "weights": {"member": "layer_0", "shape": [1, 1, 1, 2]}}]}
    assert shapes.of_sidecar({"layer_sizes": [[6, 3]], "network": stored}).layers == [(1, 3, 1)]
    assert shapes.place((2, 3, 4), 23) == (1, 2, 3)
    assert shapes.place((24,), 23) is None
