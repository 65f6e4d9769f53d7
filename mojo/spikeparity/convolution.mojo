"""Convolutions, dense layers as convolutions of single elements, and pools: non-zero inputs scattered over the outputs.

Inputs come in ascending order, so that the terms of every output come in the order of the contract; outputs have lanes
of their own. Build with `--fp-mode contract=off`: product and sum are rounded separately.
"""

from std.sys import simd_width_of

from .document import Document
from .parts import LayerKind


struct Geometry(TrivialRegisterPassable):
    """How windows over a source are joined to outputs. Pairs are (height, width)."""

    var channels: Int
    """Channels of the source."""
    var height: Int
    """Its height."""
    var width: Int
    """Its width."""
    var outputs: Int
    """Channels of the output."""
    var rows: Int
    """Its height."""
    var columns: Int
    """Its width."""
    var kernel_height: Int
    """Rows under a window."""
    var kernel_width: Int
    """Columns under a window."""
    var stride_height: Int
    """Rows from a window to the next."""
    var stride_width: Int
    """Columns from a window to the next."""
    var padding_height: Int
    """Rows of zeros above and below."""
    var padding_width: Int
    """Columns of zeros on either side."""
    var dilation_height: Int
    """Rows from an element of the kernel to the next."""
    var dilation_width: Int
    """Columns from an element of the kernel to the next."""
    var groups: Int
    """Groups of channels that have nothing to do with each other."""

    def __init__(out self, channels: Int = 0, outputs: Int = 0):
        """Joins each of some single elements to each of some outputs, as a dense layer does.

        Args:
            channels: The number of elements.
            outputs: The number of outputs.
        """
        self.channels = channels
        self.height = 1
        self.width = 1
        self.outputs = outputs
        self.rows = 1
        self.columns = 1
        self.kernel_height = 1
        self.kernel_width = 1
        self.stride_height = 1
        self.stride_width = 1
        self.padding_height = 0
        self.padding_width = 0
        self.dilation_height = 1
        self.dilation_width = 1
        self.groups = 1

    def spread(mut self, channels: Int, height: Int, width: Int) -> Bool:
        """Lays the windows over a source.

        Args:
            channels: Its channels.
            height: Its height.
            width: Its width.

        Returns:
            False where not a single one fits.
        """
        self.channels = channels
        self.height = height
        self.width = width
        self.rows = windows_along(
            height + 2 * self.padding_height,
            self.dilation_height * (self.kernel_height - 1) + 1,
            self.stride_height,
        )
        self.columns = windows_along(
            width + 2 * self.padding_width,
            self.dilation_width * (self.kernel_width - 1) + 1,
            self.stride_width,
        )
        return self.rows >= 1 and self.columns >= 1

    def joins(self, inputs: Int) -> Bool:
        """Tells whether groups of so many input channels make up the source, and equal ones the outputs.

        Args:
            inputs: Input channels of a group.

        Returns:
            True where they do.
        """
        return (
            self.channels == self.groups * inputs
            and self.outputs % self.groups == 0
        )


def windows_along(length: Int, window: Int, stride: Int) -> Int:
    """Counts the windows that fit into a length, 0 where none does."""
    return (length - window) // stride + 1 if length >= window else 0


def windows(
    document: Document, node: Int, kind: Int, due: List[Int]
) -> Geometry:
    """Reads the windows of a convolution or a pool.

    Args:
        document: Holds the layer or branch.
        node: The layer or branch, its geometry checked.
        kind: CONV2D or AVGPOOL2D.
        due: The shape of the weights of a convolution.

    Returns:
        The geometry, not yet laid over a source.
    """
    var geometry = Geometry()
    if kind == LayerKind.CONV2D:
        geometry.outputs = due[0]
        geometry.kernel_height = due[2]
        geometry.kernel_width = due[3]
        var groups = document.member(node, "groups")
        if groups:
            geometry.groups = document.integer(groups.value()).or_else(1)
    else:
        var kernel = document.member(node, "kernel")
        geometry.kernel_height = entry_or(document, kernel, 0, 1)
        geometry.kernel_width = entry_or(document, kernel, 1, 1)
        geometry.stride_height = geometry.kernel_height
        geometry.stride_width = geometry.kernel_width
    var stride = document.member(node, "stride")
    geometry.stride_height = entry_or(
        document, stride, 0, geometry.stride_height
    )
    geometry.stride_width = entry_or(document, stride, 1, geometry.stride_width)
    var padding = document.member(node, "padding")
    geometry.padding_height = entry_or(document, padding, 0, 0)
    geometry.padding_width = entry_or(document, padding, 1, 0)
    var dilation = document.member(node, "dilation")
    geometry.dilation_height = entry_or(document, dilation, 0, 1)
    geometry.dilation_width = entry_or(document, dilation, 1, 1)
    return geometry


def entry_or(
    document: Document, pair: Optional[Int], which: Int, default: Int
) -> Int:
    """Reads an entry of a pair of Integers, where there is one."""
    if not pair:
        return default
    # The entries are the nodes after that of the array.
    return document.integer(pair.value() + 1 + which).or_else(default)


struct Signal[dtype: DType](Copyable):
    """The numbers that a source gives at a step, as far as they are not 0."""

    var indices: List[Int]
    """Which elements they are, ascending."""
    var values: List[Scalar[Self.dtype]]
    """The numbers."""

    def __init__(out self):
        """Starts with zeros alone."""
        self.indices = []
        self.values = []

    def clear(mut self):
        """Sets all elements to 0."""
        self.indices.clear()
        self.values.clear()

    def append(mut self, index: Int, value: Scalar[Self.dtype]):
        """Sets a further element.

        Args:
            index: Above those before.
            value: A zero is left out, as no sum depends on it.
        """
        if value != 0:
            self.indices.append(index)
            self.values.append(value)


def by_input[
    dtype: DType
](weights: List[Scalar[dtype]], geometry: Geometry) -> List[Scalar[dtype]]:
    """Lays out weights so that what one input is multiplied by at one place of the kernel is neighbours.

    Args:
        weights: In the order (output, input of the group, kernel row, kernel column).
        geometry: What they join.

    Returns:
        The same in the order (input, kernel row, kernel column, output of the group).
    """
    var outputs = geometry.outputs // geometry.groups
    var inputs = geometry.channels // geometry.groups
    var places = geometry.kernel_height * geometry.kernel_width
    var packed = List[Scalar[dtype]](capacity=len(weights))
    for channel in range(geometry.channels):
        var first = channel // inputs * outputs
        for place in range(places):
            for output in range(first, first + outputs):
                packed.append(
                    weights[
                        (output * inputs + channel % inputs) * places + place
                    ]
                )
    return packed^


def convolve[
    dtype: DType
](
    mut current: List[Scalar[dtype]],
    mut sums: List[Scalar[dtype]],
    signal: Signal[dtype],
    weights: List[Scalar[dtype]],
    geometry: Geometry,
):
    """Computes the currents of a convolution, without bias.

    Args:
        current: Receives one per output, in the order (channel, row, column); what it held is forgotten.
        sums: Memory to work in.
        signal: The source.
        weights: As `by_input` lays them out.
        geometry: What they join.
    """
    var plane = geometry.rows * geometry.columns
    sums.clear()
    sums.resize(plane * geometry.outputs, 0)
    if geometry.outputs > 0:
        for k in range(len(signal.indices)):
            _scatter(
                sums, signal.indices[k], signal.values[k], weights, geometry
            )
    if plane == 1:
        swap(current, sums)
        return
    current.resize(unsafe_uninit_length=len(sums))
    for place in range(plane):
        for output in range(geometry.outputs):
            current[output * plane + place] = sums[
                place * geometry.outputs + output
            ]


def _scatter[
    dtype: DType
](
    mut sums: List[Scalar[dtype]],
    index: Int,
    value: Scalar[dtype],
    weights: List[Scalar[dtype]],
    geometry: Geometry,
):
    """Adds what one input gives to all outputs that it reaches, which are in the order (row, column, channel)."""
    var channel = index // (geometry.height * geometry.width)
    var y = index // geometry.width % geometry.height + geometry.padding_height
    var x = index % geometry.width + geometry.padding_width
    var outputs = geometry.outputs // geometry.groups
    var group = channel // (geometry.channels // geometry.groups)
    for i in range(geometry.kernel_height):
        var row = _window_at(
            y - i * geometry.dilation_height,
            geometry.stride_height,
            geometry.rows,
        )
        if row < 0:
            continue
        for j in range(geometry.kernel_width):
            var column = _window_at(
                x - j * geometry.dilation_width,
                geometry.stride_width,
                geometry.columns,
            )
            if column < 0:
                continue
            var kernel = (
                channel * geometry.kernel_height + i
            ) * geometry.kernel_width + j
            _add_scaled(
                sums,
                (row * geometry.columns + column) * geometry.outputs
                + group * outputs,
                weights,
                kernel * outputs,
                value,
                outputs,
            )


def _window_at(start: Int, stride: Int, count: Int) -> Int:
    """Numbers the window that starts at a place of the padded source, -1 where none does."""
    if start < 0 or start % stride != 0 or start // stride >= count:
        return -1
    return start // stride


def _add_scaled[
    dtype: DType
](
    mut sums: List[Scalar[dtype]],
    at: Int,
    weights: List[Scalar[dtype]],
    first: Int,
    value: Scalar[dtype],
    count: Int,
):
    """Adds neighbouring weights × one value to neighbouring sums, product and sum rounded separately."""
    comptime W = simd_width_of[dtype]()
    var lanes = sums.unsafe_ptr().unsafe_offset(at)
    var column = weights.unsafe_ptr().unsafe_offset(first)
    var k = 0
    while k + W <= count:
        var product = column.unsafe_load[W](k) * value
        lanes.unsafe_store(k, lanes.unsafe_load[W](k) + product)
        k += W
    while k < count:
        var product = column[unsafe_offset=k] * value
        lanes[unsafe_offset=k] += product
        k += 1


def pool[
    dtype: DType
](
    mut means: Signal[dtype],
    mut sums: List[Scalar[dtype]],
    signal: Signal[dtype],
    geometry: Geometry,
) -> Bool:
    """Computes the means under the windows of a pool.

    Args:
        means: Receives them; what it held is forgotten.
        sums: Memory to work in.
        signal: The source.
        geometry: The windows.

    Returns:
        True where every mean is finite. A sum that is not makes its mean so.
    """
    sums.clear()
    sums.resize(geometry.outputs * geometry.rows * geometry.columns, 0)
    for k in range(len(signal.indices)):
        _scatter_plain(sums, signal.indices[k], signal.values[k], geometry)
    var count = Scalar[dtype](geometry.kernel_height * geometry.kernel_width)
    var zero_or_nan = Scalar[dtype](0)
    means.clear()
    for k in range(len(sums)):
        var mean = sums[k] / count
        zero_or_nan += mean - mean
        means.append(k, mean)
    return zero_or_nan == 0


def _scatter_plain[
    dtype: DType
](
    mut sums: List[Scalar[dtype]],
    index: Int,
    value: Scalar[dtype],
    geometry: Geometry,
):
    """Adds one input to the sums of all windows that it lies under."""
    var channel = index // (geometry.height * geometry.width)
    var y = index // geometry.width % geometry.height
    var x = index % geometry.width
    for row in range(
        _first_window(y, geometry.kernel_height, geometry.stride_height),
        min(geometry.rows, y // geometry.stride_height + 1),
    ):
        for column in range(
            _first_window(x, geometry.kernel_width, geometry.stride_width),
            min(geometry.columns, x // geometry.stride_width + 1),
        ):
            sums[
                (channel * geometry.rows + row) * geometry.columns + column
            ] += value


def _first_window(at: Int, kernel: Int, stride: Int) -> Int:
    """Numbers the first window over a place: the lowest whose end, its number * stride + kernel, is above it."""
    return max(0, (at - kernel) // stride + 1)
