"""The arithmetic of a layer: event-driven currents and integrate-and-fire steps, vectorised across outputs.

Every output has a lane of its own, so the order of its sums is that of the inputs whatever the width of a vector.
Build with `--fp-mode contract=off`: a fused multiply-add would round once where the contract rounds twice.
"""

from std.bit import count_trailing_zeros
from std.memory import pack_bits
from std.sys import simd_width_of

from .events import Events

comptime TILE = 4
"""Vectors of outputs whose sums stay in registers while all events pass."""

comptime WORD = 64
"""Neurons whose spikes are collected in one word, of which only the bits that are set cost time."""


def padded[dtype: DType](size: Int) -> Int:
    """Rounds a number of neurons up to whole vectors, so that kernels need no remainder loop.

    Args:
        size: The number of neurons.

    Returns:
        The next multiple of the vector width.
    """
    comptime W = simd_width_of[dtype]()
    return (size + W - 1) // W * W


def tile_width[dtype: DType](start: Int, stride: Int) -> Int:
    """Tells how many outputs the tile that begins at `start` has: four vectors, or one near the end.

    Args:
        start: The first output of the tile.
        stride: The number of outputs, padded.

    Returns:
        The number of outputs.
    """
    comptime W = simd_width_of[dtype]()
    return TILE * W if start + TILE * W <= stride else W


def packed[
    dtype: DType
](columns: List[Scalar[dtype]], stride: Int) -> List[Scalar[dtype]]:
    """Lays out weights tile by tile of outputs, and within a tile input by input.

    A tile's weights are then neighbours, and stay in the near caches while many events pass by.

    Args:
        columns: One padded column of weights per input.
        stride: The length of a column.

    Returns:
        As many weights; those of the tile that begins at output k are at k × inputs.
    """
    var weights = List[Scalar[dtype]](capacity=len(columns))
    var start = 0
    while start < stride:
        var width = tile_width[dtype](start, stride)
        for at in range(start, len(columns), stride):
            weights.extend(Span(columns)[at : at + width])
        start += width
    return weights^


def sum_events[
    dtype: DType
](
    mut currents: List[Scalar[dtype]],
    weights: List[Scalar[dtype]],
    stride: Int,
    events: Events,
):
    """Sums up the weights of inputs that fire (a product with 1 is exact), from 0 on.

    Args:
        currents: Receives for each row of the events the current of each output, padded; what it held is forgotten.
        weights: Packed by tiles.
        stride: The number of outputs, padded.
        events: The inputs that fire, each in range.
    """
    comptime W = simd_width_of[dtype]()
    # Memory that is there is used again, and not cleared before it is written.
    currents.resize(unsafe_uninit_length=len(events.ends) * stride)
    if stride == 0:
        return
    var inputs = len(weights) // stride
    var start = 0
    while start < stride:
        if tile_width[dtype](start, stride) == W:
            _sum_tile[dtype, 1](
                currents, weights, stride, events, start, inputs
            )
            start += W
        else:
            _sum_tile[dtype, TILE](
                currents, weights, stride, events, start, inputs
            )
            start += TILE * W


def _sum_tile[
    dtype: DType, vectors: Int
](
    mut currents: List[Scalar[dtype]],
    weights: List[Scalar[dtype]],
    stride: Int,
    events: Events,
    start: Int,
    inputs: Int,
):
    """Takes one tile through all rows; its sums stay in registers while the events of a row pass by."""
    comptime W = simd_width_of[dtype]()
    var tile = weights.unsafe_ptr().unsafe_offset(start * inputs)
    var indices = events.indices.unsafe_ptr()
    var event = 0
    for row in range(len(events.ends)):
        var sums = Array[SIMD[dtype, W], vectors](fill=SIMD[dtype, W](0))
        var current = currents.unsafe_ptr().unsafe_offset(row * stride + start)
        var end = events.ends[row]
        while event < end:
            var column = tile.unsafe_offset(
                Int(indices[unsafe_offset=event]) * (vectors * W)
            )
            comptime for k in range(vectors):
                sums[k] += column.unsafe_load[W](k * W)
            event += 1
        comptime for k in range(vectors):
            current.unsafe_store(k * W, sums[k])


def add_products[
    dtype: DType
](
    mut current: List[Scalar[dtype]],
    weights: List[Scalar[dtype]],
    values: Span[Scalar[dtype], _],
):
    """Adds weights × values, product and sum rounded separately.

    Args:
        current: The current of each output, padded.
        weights: Packed by tiles.
        values: The inputs, one per column; a term with the value 0 cannot change a sum and is skipped.
    """
    comptime W = simd_width_of[dtype]()
    var start = 0
    while start < len(current):
        var width = tile_width[dtype](start, len(current))
        for input in range(len(values)):
            if values[input] == 0:
                continue
            var column = weights.unsafe_ptr().unsafe_offset(
                start * len(values) + input * width
            )
            for at in range(0, width, W):
                var product = column.unsafe_load[W](at) * values[input]
                var lanes = current.unsafe_ptr().unsafe_offset(start + at)
                lanes.unsafe_store(0, lanes.unsafe_load[W](0) + product)
        start += width


def add[
    dtype: DType
](mut currents: List[Scalar[dtype]], bias: List[Scalar[dtype]]):
    """Adds a bias to every row.

    Args:
        currents: Rows with the current of each output, padded.
        bias: One addend per output, padded alike.
    """
    comptime W = simd_width_of[dtype]()
    if len(bias) == 0:
        return
    for row in range(0, len(currents), len(bias)):
        for at in range(0, len(bias), W):
            var sum = currents.unsafe_ptr().unsafe_load[W](
                row + at
            ) + bias.unsafe_ptr().unsafe_load[W](at)
            currents.unsafe_ptr().unsafe_store(row + at, sum)


def integrate[
    dtype: DType
](
    mut potential: List[Scalar[dtype]],
    current: Span[Scalar[dtype], _],
    decay: Scalar[dtype],
) -> Bool:
    """Takes the potentials through one step, up to the reset: v = (decay × v) + I.

    Args:
        potential: The potential of each neuron, padded.
        current: The current of each neuron, padded alike.
        decay: What remains of the potential; 1 for neurons without leak.

    Returns:
        True where every potential is finite. A current that is not makes its potential so.
    """
    comptime W = simd_width_of[dtype]()
    var zero_or_nan = SIMD[dtype, W](0)
    for at in range(0, len(potential), W):
        var leaked = potential.unsafe_ptr().unsafe_load[W](at) * decay
        var v = leaked + current.unsafe_ptr().unsafe_load[W](at)
        zero_or_nan += v - v
        potential.unsafe_ptr().unsafe_store(at, v)
    return zero_or_nan.reduce_add() == 0


def fire[
    dtype: DType
](
    mut potential: List[Scalar[dtype]],
    threshold: Scalar[dtype],
    to_zero: Bool,
    mut fired: List[Int],
):
    """Fires the neurons at or above the threshold, and resets them.

    Args:
        potential: The potential of each neuron, padded with zeros, which never fire.
        threshold: Above 0.
        to_zero: Whether a spike leaves 0, else it takes away the threshold.
        fired: Receives the indices of the neurons that fire, ascending.
    """
    comptime W = simd_width_of[dtype]()
    fired.resize(unsafe_uninit_length=len(potential))
    var count = 0
    var at = 0
    while at + WORD <= len(potential):
        var bits = UInt64(0)
        comptime for k in range(0, WORD, TILE * W):
            var spikes = _reset_lanes[TILE * W](
                potential, at + k, threshold, to_zero
            )
            bits |= UInt64(pack_bits(spikes)) << UInt64(k)
        while bits != 0:
            fired.unsafe_ptr().unsafe_store(
                count, at + Int(count_trailing_zeros(bits))
            )
            count += 1
            bits &= bits - 1
        at += WORD
    while at < len(potential):
        var spikes = _reset_lanes[W](potential, at, threshold, to_zero)
        # Every index is stored and only spikes are counted, which avoids a branch that no predictor can learn.
        comptime for lane in range(W):
            fired.unsafe_ptr().unsafe_store(count, at + lane)
            count += Int(spikes[lane])
        at += W
    fired.shrink(count)


def _reset_lanes[
    dtype: DType, //, lanes: Int
](
    mut potential: List[Scalar[dtype]],
    at: Int,
    threshold: Scalar[dtype],
    to_zero: Bool,
) -> SIMD[DType.bool, lanes]:
    """Resets the neurons of neighbouring lanes that fire, and tells which."""
    var v = potential.unsafe_ptr().unsafe_load[lanes](at)
    var spikes = v.ge(threshold)
    var reset = SIMD[dtype, lanes](0) if to_zero else v - threshold
    potential.unsafe_ptr().unsafe_store(at, spikes.select(reset, v))
    return spikes
