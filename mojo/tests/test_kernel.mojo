"""Tests of the kernels: rounding without fused multiply-add, order of sums, resets, and both float types."""

from std.testing import TestSuite, assert_equal, assert_false, assert_true

from spikeparity.convolution import (
    Geometry,
    Signal,
    by_input,
    convolve,
    pool,
)
from spikeparity.events import Events
from spikeparity.kernel import (
    add,
    sum_events,
    add_products,
    fire,
    integrate,
    packed,
    padded,
)


def runtime(text: StringSpan) raises -> Float64:
    """Reads a number at run time, so that the compiler cannot fold what is computed with it."""
    return atof(text)


def filled(size: Int, value: Float64) -> List[Float64]:
    """Fills a padded row."""
    return List[Float64](length=padded[DType.float64](size), fill=value)


def columns_of(outputs: Int, weights: List[Float64]) -> List[Float64]:
    """Packs columns that have the same weight for every output."""
    var columns: List[Float64] = []
    for weight in weights:
        columns.extend(filled(outputs, weight))
    return packed(columns, padded[DType.float64](outputs))


def rows(lists: List[List[Int]]) -> Events:
    """Lists the events of several steps."""
    var events = Events()
    for row in lists:
        events.append(row)
    return events^


def test_products_are_rounded_before_the_sum() raises:
    # (1 + 2^-30) * (1 - 2^-30) = 1 - 2^-60 rounds to 1, so the sum with -1 is 0. A fused multiply-add, which the
    # compiler makes of it unless told `--fp-mode contract=off`, gives -2^-60.
    var up, down = runtime("1.000000000931322574615478515625"), runtime(
        "0.999999999068677425384521484375"
    )
    for outputs in range(1, 70):
        var current = filled(outputs, 0)
        add_products(
            current, columns_of(outputs, [-1.0, up]), [Float64(1), down]
        )
        for value in current:
            assert_equal(value, 0.0)


def signal(values: List[Float64]) -> Signal[DType.float64]:
    """Makes the numbers that a source gives."""
    var given = Signal[DType.float64]()
    for i in range(len(values)):
        given.append(i, values[i])
    return given^


def convolved(
    values: List[Float64], weights: List[Float64], geometry: Geometry
) -> List[Float64]:
    """Computes the currents of a convolution."""
    var current: List[Float64] = [7]
    var sums: List[Float64] = [7]
    convolve(
        current, sums, signal(values), by_input(weights, geometry), geometry
    )
    return current^


def test_convolutions_round_products_before_the_sum_and_follow_the_order() raises:
    var up, down = runtime("1.000000000931322574615478515625"), runtime(
        "0.999999999068677425384521484375"
    )
    for outputs in range(1, 20):
        var weights: List[Float64] = []
        for _ in range(outputs):
            # 2^53 takes up the second 1 only after the first, and gives neither back.
            weights.extend([-1.0, up, 9007199254740992.0, 1.0, 1.0])
        var values: List[Float64] = [1, down, 0, 0, 0]
        for current in convolved(values, weights, Geometry(5, outputs)):
            assert_equal(current, 0.0)
        values = [0, 0, 1, 1, 1]
        for current in convolved(values, weights, Geometry(5, outputs)):
            assert_equal(current, 9007199254740992.0)


def test_convolutions_have_strides_paddings_dilations_and_groups() raises:
    # Two groups of one 2 x 3 channel each; a column of padding on either side; every other column.
    var geometry = Geometry(2, 2)
    geometry.groups = 2
    geometry.kernel_width = 2
    geometry.padding_width = 1
    geometry.stride_width = 2
    geometry.dilation_width = 2
    assert_true(geometry.spread(2, 2, 3))
    assert_true(geometry.joins(1))
    assert_equal(geometry.rows, 2)
    assert_equal(geometry.columns, 2)
    assert_equal(
        convolved(
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 10, 2, 20], geometry
        ),
        [20, 2, 50, 5, 160, 16, 220, 22],
    )
    geometry.dilation_width = 5
    assert_false(geometry.spread(2, 2, 3))


def test_pools_divide_the_sum_once() raises:
    var geometry = Geometry(1, 1)
    geometry.kernel_height = 2
    geometry.kernel_width = 2
    assert_true(geometry.spread(1, 2, 3))
    var means = Signal[DType.float64]()
    var sums: List[Float64] = []
    # Windows overlap; the second one is of zeros alone.
    assert_true(pool(means, sums, signal([1, 0, 0, 2, 0, 0]), geometry))
    assert_equal(means.indices, [0])
    assert_equal(means.values, [0.75])
    assert_false(
        pool(means, sums, signal([1e308, 1e308, 0, 0, 0, 0]), geometry)
    )


def test_leaks_are_rounded_before_the_current_is_added() raises:
    var up, down = runtime("1.000000000931322574615478515625"), runtime(
        "0.999999999068677425384521484375"
    )
    for neurons in range(1, 70):
        var potential = filled(neurons, up)
        assert_true(integrate(potential, filled(neurons, -1), down))
        for value in potential:
            assert_equal(value, 0.0)


def test_sums_follow_the_order_of_the_inputs() raises:
    # From left to right 2^53 swallows each 1; any other order keeps a 2.
    var big = runtime("9007199254740992")
    for outputs in range(1, 140):
        var current = filled(outputs, 0)
        sum_events(
            current,
            columns_of(outputs, [big, 1.0, 1.0, -big]),
            len(current),
            rows([[0, 1, 2, 3]]),
        )
        var other = filled(outputs, 0)
        add_products(
            other,
            columns_of(outputs, [big, 1.0, 1.0, -big]),
            [Float64(1), 1, 1, 1],
        )
        for i in range(len(current)):
            assert_equal(current[i], 0.0)
            assert_equal(other[i], 0.0)


def test_only_active_columns_are_added_each_to_its_output() raises:
    for outputs in range(1, 140):
        var stride = padded[DType.float64](outputs)
        var columns = List[Float64](length=3 * stride, fill=0)
        for i in range(3 * stride):
            columns[i] = Float64(i)
        # What was there before, more of it or less, is forgotten.
        var currents = List[Float64](length=outputs, fill=0.5)
        var weights = packed(columns, stride)
        sum_events(currents, weights, stride, rows([[0, 2], [], [1]]))
        for i in range(outputs):
            assert_equal(currents[i], Float64(i + (2 * stride + i)))
            assert_equal(currents[stride + i], 0.0)
            assert_equal(currents[2 * stride + i], Float64(stride + i))


def test_zero_values_are_skipped_and_bias_is_added() raises:
    var current = filled(3, 0)
    add_products(current, columns_of(3, [1e308, 2.0]), [Float64(-0.0), 1.5])
    current.extend(Span(current.copy()))
    add(current, filled(3, 0.25))
    assert_equal(current[2], 3.25)
    assert_equal(current[len(current) // 2 + 2], 3.25)


def test_a_sum_clears_negative_zero() raises:
    var potential = filled(1, -0.0)
    assert_true(integrate(potential, filled(1, 0), 1))
    assert_equal(1 / potential[0] > 0, True)


def test_non_finite_potentials_are_seen_in_every_lane() raises:
    for lane in range(20):
        var current = filled(20, 1)
        current[lane] = runtime("1e308") * 10
        var potential = filled(20, 1)
        assert_false(integrate(potential, current, 1))
    var largest = filled(20, runtime("1.7976931348623157e308"))
    assert_true(integrate(largest, filled(20, 0), 1))
    assert_false(integrate(largest, filled(20, runtime("1e308")), 1))


def test_neurons_fire_at_the_threshold_and_reset() raises:
    var potential: List[Float64] = [
        0.5,
        1.0,
        0.9999999999999999,
        2.5,
        0,
        0,
        0,
        0,
    ]
    potential.resize(padded[DType.float64](8), 0)
    var zeroed = potential.copy()
    var fired: List[Int] = [99]
    fire(potential, 1.0, False, fired)
    assert_equal(fired, [1, 3])
    assert_equal(
        Span(potential)[0:4], Span([0.5, 0.0, 0.9999999999999999, 1.5])
    )
    fire(zeroed, 1.0, True, fired)
    assert_equal(Span(zeroed)[0:4], Span([0.5, 0.0, 0.9999999999999999, 0.0]))


def test_every_neuron_of_whole_words_and_beyond_fires_by_itself() raises:
    for neurons in [63, 64, 65, 128, 200]:
        var silent = filled(neurons, 0.0)
        var fired: List[Int] = []
        fire(silent, 1.0, False, fired)
        assert_equal(len(fired), 0)
        var potential = filled(neurons, 0.0)
        var due: List[Int] = []
        for neuron in range(neurons):
            var alone = filled(neurons, 0.0)
            alone[neuron] = 1.5
            fire(alone, 1.0, False, fired)
            assert_equal(fired, [neuron])
            assert_equal(alone[neuron], 0.5)
            if neuron % 3 == 0:
                potential[neuron] = 1.0
                due.append(neuron)
        fire(potential, 1.0, False, fired)
        assert_equal(fired, due)


def test_the_kernels_take_single_precision_too() raises:
    # 2^24 swallows a 1 in binary32.
    var stride = padded[DType.float32](5)
    var columns = List[Float32](length=2 * stride, fill=1)
    for i in range(stride):
        columns[i] = 16777216
    var current = List[Float32](length=stride, fill=0)
    sum_events(current, packed(columns, stride), stride, rows([[0, 1]]))
    var potential = List[Float32](length=stride, fill=0)
    assert_true(integrate(potential, current, 1))
    var fired: List[Int] = []
    fire(potential, 16777216, False, fired)
    assert_equal(len(fired), stride)
    assert_equal(potential[4], 0)


def main() raises:
    TestSuite.discover_tests[__functions_in_module()]().run()
