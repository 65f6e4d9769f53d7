"""The arithmetic of a layer: event-driven currents and integrate-and-fire steps, vectorised across outputs.

Every output has a lane of its own, so the order of its sums is that of the inputs whatever the width of a vector.
Build with `--fp-mode contract=off`: a fused multiply-add would round once where the contract rounds twice.
"""

from std.sys import simd_width_of


def padded[dtype: DType](size: Int) -> Int:
    """Rounds a number of neurons up to whole vectors, so that kernels need no remainder loop.

    Args:
        size: The number of neurons.

    Returns:
        The next multiple of the vector width.
    """
    comptime W = simd_width_of[dtype]()
    return (size + W - 1) // W * W


def add_columns[
    dtype: DType
](
    mut current: List[Scalar[dtype]],
    columns: List[Scalar[dtype]],
    active: Span[Int, _],
):
    """Adds the weights of inputs that fire (a product with 1 is exact).

    Args:
        current: The current of each output, padded.
        columns: One padded column of weights per input.
        active: The inputs that fire, ascending, each below the number of columns.
    """
    comptime TILE = 8
    comptime W = simd_width_of[dtype]()
    var at = 0
    while at + TILE * W <= len(current):
        _add_tile[dtype, TILE](current, columns, active, at)
        at += TILE * W
    while at < len(current):
        _add_tile[dtype, 1](current, columns, active, at)
        at += W


def _add_tile[
    dtype: DType, vectors: Int
](
    mut current: List[Scalar[dtype]],
    columns: List[Scalar[dtype]],
    active: Span[Int, _],
    at: Int,
):
    """Keeps a few vectors of outputs in registers while all events pass."""
    comptime W = simd_width_of[dtype]()
    var stride = len(current)
    var sums = Array[SIMD[dtype, W], vectors](fill=SIMD[dtype, W](0))
    comptime for k in range(vectors):
        sums[k] = current.unsafe_ptr().unsafe_load[W](at + k * W)
    for input in active:
        var weights = columns.unsafe_ptr().unsafe_offset(input * stride + at)
        comptime for k in range(vectors):
            sums[k] += weights.unsafe_load[W](k * W)
    comptime for k in range(vectors):
        current.unsafe_ptr().unsafe_store(at + k * W, sums[k])


def add_products[
    dtype: DType
](
    mut current: List[Scalar[dtype]],
    columns: List[Scalar[dtype]],
    values: Span[Scalar[dtype], _],
):
    """Adds weights × values, product and sum rounded separately.

    Args:
        current: The current of each output, padded.
        columns: One padded column of weights per input.
        values: The inputs, one per column; a term with the value 0 cannot change a sum and is skipped.
    """
    comptime W = simd_width_of[dtype]()
    for input in range(len(values)):
        if values[input] == 0:
            continue
        var weights = columns.unsafe_ptr().unsafe_offset(input * len(current))
        for at in range(0, len(current), W):
            var product = weights.unsafe_load[W](at) * values[input]
            current.unsafe_ptr().unsafe_store(
                at, current.unsafe_ptr().unsafe_load[W](at) + product
            )


def add[
    dtype: DType
](mut current: List[Scalar[dtype]], bias: List[Scalar[dtype]]):
    """Adds a bias.

    Args:
        current: The current of each output, padded.
        bias: One addend per output, padded alike.
    """
    comptime W = simd_width_of[dtype]()
    for at in range(0, len(current), W):
        var sum = current.unsafe_ptr().unsafe_load[W](
            at
        ) + bias.unsafe_ptr().unsafe_load[W](at)
        current.unsafe_ptr().unsafe_store(at, sum)


def integrate[
    dtype: DType
](
    mut potential: List[Scalar[dtype]],
    current: List[Scalar[dtype]],
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
    fired.clear()
    for at in range(0, len(potential), W):
        var v = potential.unsafe_ptr().unsafe_load[W](at)
        var spikes = v.ge(threshold)
        if not spikes.reduce_or():
            continue
        var reset = SIMD[dtype, W](0) if to_zero else v - threshold
        potential.unsafe_ptr().unsafe_store(at, spikes.select(reset, v))
        comptime for lane in range(W):
            if spikes[lane]:
                fired.append(at + lane)
