"""Arrays in npy files: the header by its grammar, and values of any real type as binary64."""

from std.memory import bitcast

from .rules import MAX_INTEGER, Rejection

comptime MAX_DIMENSIONS = 32
# Above every count that a rule allows, and far enough from the end of Int that 8 bytes each can be added up.
comptime SATURATED = 1 << 58
comptime EAGER_VALUES = 1 << 27


struct Array(Copyable):
    """Real values of any rank, in C order."""

    var shape: List[Int]
    """The length of each axis."""
    var values: List[Float64]
    """The values; of a Fortran-ordered array of a rank that nothing has (not 1, 2, 4) in no useful order."""
    var inexact: Optional[Int]
    """Where the first integer is that binary64 cannot hold."""

    def __init__(out self, var shape: List[Int], var values: List[Float64]):
        """Joins shape and values.

        Args:
            shape: The length of each axis.
            values: One per place, in C order.
        """
        self.shape = shape^
        self.values = values^
        self.inexact = None

    def subscripts(self, index: Int) -> String:
        """Names a place as a JSON Pointer does.

        Args:
            index: Its number in C order.

        Returns:
            A token per axis, `/1/2`.
        """
        return subscripts(self.shape, index)

    def not_finite[dtype: DType = DType.float64](self) -> Optional[Int]:
        """Looks for NaN and infinities.

        Parameters:
            dtype: The type that values are rounded to before.

        Returns:
            Where the first one is.
        """
        for i in range(len(self.values)):
            var value = Scalar[dtype](self.values[i])
            if value - value != 0:
                return i
        return None


def subscripts(shape: List[Int], index: Int) -> String:
    """Names a place of an array as a JSON Pointer does.

    Args:
        shape: The length of each axis.
        index: The number of the place in C order.

    Returns:
        A token per axis, `/1/2`.
    """
    var path = String()
    var rest = index
    for k in range(len(shape) - 1, -1, -1):
        path = String("/", rest % shape[k], path)
        rest //= shape[k]
    return path^


def elements(shape: List[Int]) -> Int:
    """Counts the places of an array.

    Args:
        shape: The length of each axis.

    Returns:
        The product, SATURATED where it would be more.
    """
    var product = 1
    for length in shape:
        if length == 0:
            return 0
        product = (
            SATURATED if product > SATURATED // length else product * length
        )
    return product


@fieldwise_init
struct NpyHeader(Copyable):
    """What the header of an npy file says."""

    var descr: String
    """The text of a type; empty where it is a structured one."""
    var fortran_order: Bool
    """Whether the first axis runs fastest."""
    var shape: List[Int]
    """The length of each axis."""


struct HeaderReader[origin: ImmOrigin]:
    """A reader of the Python literal that an npy header is."""

    var text: Span[UInt8, Self.origin]
    """The header."""
    var at: Int
    """The next byte."""
    var path: String
    """The path of the member, for rejections."""

    def __init__(out self, text: Span[UInt8, Self.origin], path: String):
        """Starts at the first byte.

        Args:
            text: The header.
            path: The path of the member, for rejections.
        """
        self.text = text
        self.at = 0
        self.path = path

    def fault(self, reason: StringSpan) -> Rejection:
        """Makes a rejection of the rule npy.header.

        Args:
            reason: What was expected.

        Returns:
            The rejection.
        """
        var message = String(
            "the npy header: expected ", reason, " at byte ", self.at
        )
        return Rejection("npy.header", self.path, message^)

    def peek(self) -> UInt8:
        """Looks at the next byte.

        Returns:
            The byte; 0, which is in no header, at the end.
        """
        return self.text[self.at] if self.at < len(self.text) else 0

    def skip_space(mut self):
        """Skips white space."""
        while (
            self.peek() == 0x20
            or self.peek() == 0x09
            or self.peek() == 0x0A
            or self.peek() == 0x0D
        ):
            self.at += 1

    def takes(mut self, token: StaticString) -> Bool:
        """Skips a token, and white space after it.

        Args:
            token: The token.

        Returns:
            False, without a move, where something else is there.
        """
        var bytes = token.as_bytes()
        for i in range(len(bytes)):
            if (
                self.at + i >= len(self.text)
                or self.text[self.at + i] != bytes[i]
            ):
                return False
        self.at += len(bytes)
        self.skip_space()
        return True

    def header(mut self) raises Rejection -> NpyHeader:
        """Reads all of it.

        Returns:
            What it says.

        Raises:
            Rejection: Rule npy.header.
        """
        for byte in self.text:
            if byte >= 0x7F or (
                byte < 0x20 and byte != 0x09 and byte != 0x0A and byte != 0x0D
            ):
                raise self.fault("printable ASCII throughout")
        var descr: Optional[String] = None
        var fortran_order: Optional[Bool] = None
        var shape: Optional[List[Int]] = None
        self.skip_space()
        if not self.takes("{"):
            raise self.fault("'{'")
        while not self.takes("}"):
            var key = self.string()
            if not self.takes(":"):
                raise self.fault("':'")
            if key == "descr" and not descr:
                descr = self.type_text()
            elif key == "fortran_order" and not fortran_order:
                fortran_order = self.boolean()
            elif key == "shape" and not shape:
                shape = self.tuple()
            else:
                raise self.fault("descr, fortran_order and shape, each once,")
            if not self.takes(",") and self.peek() != UInt8(ord("}")):
                raise self.fault("',' or '}'")
        if self.at != len(self.text) or not (descr and fortran_order and shape):
            raise self.fault("all three members and then the end")
        return NpyHeader(descr.take(), fortran_order.value(), shape.take())

    def string(mut self) raises Rejection -> String:
        """Reads a string and the white space after it.

        Returns:
            What stands between its quotes.

        Raises:
            Rejection: Rule npy.header.
        """
        var quote = self.peek()
        if quote != UInt8(ord("'")) and quote != UInt8(ord('"')):
            raise self.fault("a string")
        self.at += 1
        var start = self.at
        while self.peek() != quote:
            if self.peek() == 0 or self.peek() == UInt8(ord("\\")):
                raise self.fault("a closing quote and no backslash")
            self.at += 1
        var text = String(
            StringSpan(unsafe_from_utf8=self.text[start : self.at])
        )
        self.at += 1
        self.skip_space()
        return text^

    def boolean(mut self) raises Rejection -> Bool:
        """Reads True or False.

        Returns:
            The value.

        Raises:
            Rejection: Rule npy.header.
        """
        if self.takes("True"):
            return True
        if not self.takes("False"):
            raise self.fault("True or False")
        return False

    def tuple(mut self) raises Rejection -> List[Int]:
        """Reads a tuple of lengths.

        Returns:
            The lengths.

        Raises:
            Rejection: Rule npy.header.
        """
        var lengths: List[Int] = []
        if not self.takes("("):
            raise self.fault("a tuple")
        while not self.takes(")"):
            lengths.append(self.length())
            var comma = self.takes(",")
            if not comma and (
                len(lengths) == 1 or self.peek() != UInt8(ord(")"))
            ):
                raise self.fault("','")
        if len(lengths) > MAX_DIMENSIONS:
            raise self.fault("at most 32 lengths")
        return lengths^

    def length(mut self) raises Rejection -> Int:
        """Reads the length of an axis and the white space after it.

        Returns:
            The length.

        Raises:
            Rejection: Rule npy.header.
        """
        var start = self.at
        var value = 0
        while self.peek() >= UInt8(ord("0")) and self.peek() <= UInt8(ord("9")):
            value = value * 10 + Int(self.peek()) - ord("0")
            if value > MAX_INTEGER:
                raise self.fault("a length of at most 2^53-1")
            self.at += 1
        var digits = self.at - start
        if digits == 0 or (digits > 1 and self.text[start] == UInt8(ord("0"))):
            raise self.fault("a decimal length")
        self.skip_space()
        return value

    def type_text(mut self) raises Rejection -> String:
        """Reads the type: a string, or something in brackets.

        Returns:
            The string; empty for brackets.

        Raises:
            Rejection: Rule npy.header.
        """
        if self.peek() != UInt8(ord("(")) and self.peek() != UInt8(ord("[")):
            return self.string()
        var due: List[UInt8] = []
        while True:
            var byte = self.peek()
            if byte == UInt8(ord("'")) or byte == UInt8(ord('"')):
                _ = self.string()
                continue
            if byte == UInt8(ord("(")):
                due.append(UInt8(ord(")")))
            elif byte == UInt8(ord("[")):
                due.append(UInt8(ord("]")))
            elif byte == 0:
                raise self.fault("a closing bracket")
            elif byte == UInt8(ord(")")) or byte == UInt8(ord("]")):
                if due.pop() != byte:
                    raise self.fault("the other bracket")
            self.at += 1
            if len(due) == 0:
                self.skip_space()
                return ""


@fieldwise_init
struct Element(TrivialRegisterPassable):
    """The type of the values of an npy file."""

    var kind: UInt8
    """The letter `f`, `i` or `u`."""
    var size: Int
    """Bytes per value."""
    var big_endian: Bool
    """Whether the highest byte comes first."""


def npy_dtype(descr: String, path: String) raises Rejection -> Element:
    """Raises npy.dtype unless a type is one of real numbers of at most 8 bytes, which is returned."""
    var text = descr.as_bytes()
    var known: List[StaticString] = [
        "f2",
        "f4",
        "f8",
        "i1",
        "i2",
        "i4",
        "i8",
        "u1",
        "u2",
        "u4",
        "u8",
    ]
    if len(text) == 3 and (
        text[0] == UInt8(ord("<"))
        or text[0] == UInt8(ord(">"))
        or text[0] == UInt8(ord("|"))
    ):
        for name in known:
            var bytes = name.as_bytes()
            if bytes[0] != text[1] or bytes[1] != text[2]:
                continue
            var size = Int(text[2]) - ord("0")
            if text[0] == UInt8(ord("|")) and size != 1:
                continue
            return Element(text[1], size, text[0] == UInt8(ord(">")))
    var named = String("'", descr, "'") if len(text) > 0 else String(
        "a structured type"
    )
    raise Rejection(
        "npy.dtype",
        path,
        String(
            "the npy header: expected real numbers of at most 8 bytes, got ",
            named,
        ),
    )


def half(bits: UInt64) -> Float64:
    """Widens a binary16.

    Args:
        bits: Its 16 bits.

    Returns:
        The same value.
    """
    var fraction = bits & 0x3FF
    var exponent = bits >> 10 & 31
    var magnitude = Float64(fraction) * 5.9604644775390625e-08
    if exponent == 31:
        magnitude = bitcast[DType.float64](UInt64(0x7FF) << 52 | fraction << 42)
    elif exponent > 0:
        magnitude = bitcast[DType.float64](
            (exponent + 1008) << 52 | fraction << 42
        )
    return -magnitude if bits >> 15 & 1 else magnitude


def is_exact(magnitude: UInt64) -> Bool:
    """Tells whether binary64 holds an integer.

    Args:
        magnitude: The integer without its sign.

    Returns:
        True where at most 53 bits stand between its highest and its lowest one.
    """
    comptime LIMIT = UInt64(1) << 53
    if magnitude <= LIMIT:
        return True
    return magnitude // (magnitude & (~magnitude + 1)) < LIMIT


struct ArrayReader(Movable):
    """An npy file that comes in parts; its first fault is kept, because those of the archive have precedence."""

    var path: String
    """The path of the member, for rejections."""
    var due: Optional[List[Int]]
    """The shape that is due, if one is."""
    var pending: List[UInt8]
    """What has come and is not yet a whole header or value."""
    var header: Optional[NpyHeader]
    """The header, once it is there."""
    var element: Element
    """The type of the values."""
    var count: Int
    """How many values the shape needs."""
    var room: Int
    """How many values there are at the very most, for what is really stored."""
    var values: List[Float64]
    """The values so far, as they come."""
    var surplus: Bool
    """Whether more has come than the shape needs."""
    var inexact: Optional[Int]
    """Where, in C order, the first integer so far is that binary64 cannot hold."""
    var fault: Optional[Rejection]
    """The first fault."""

    def __init__(
        out self, path: String, var due: Optional[List[Int]], room: Int
    ):
        """Starts before the first byte.

        Args:
            path: The path of the member, for rejections.
            due: The shape that is due, if one is.
            room: The most bytes that can come, so that a header alone reserves nothing.
        """
        self.path = path
        self.due = due^
        self.pending = []
        self.header = None
        self.element = Element(UInt8(ord("f")), 8, False)
        self.count = 0
        self.room = room
        self.values = []
        self.surplus = False
        self.inexact = None
        self.fault = None

    def feed(mut self, data: Span[UInt8, _]):
        """Takes the bytes that follow.

        Args:
            data: The bytes.
        """
        if self.fault:
            return
        self.pending.extend(data)
        try:
            if not self.header:
                self._open(False)
            if self.header:
                self._convert()
        except rejection:
            self.fault = rejection^
            self.pending = []
            self.values = []

    def finish(mut self) raises Rejection -> Array:
        """Ends the file.

        Returns:
            The array, its values in C order.

        Raises:
            Rejection: A rule from npy.magic to npy.length, checkpoint.weight-shape among them.
        """
        if self.fault:
            raise self.fault.take()
        if not self.header:
            self._open(True)
        self._npy_length()
        var shape = self.header.value().shape.copy()
        if self.header.value().fortran_order and len(shape) == 2:
            self.values = transposed_rows(self.values, shape[0], shape[1])
        elif self.header.value().fortran_order and len(shape) == 4:
            self.values = permuted(self.values, shape)
        var values = List[Float64]()
        swap(values, self.values)
        var array = Array(shape^, values^)
        array.inexact = self.inexact
        return array^

    def _open(mut self, at_end: Bool) raises Rejection:
        """Reads the header as soon as all of it is there; at the end it has to be."""
        var have = len(self.pending)
        if have < 8 and not at_end:
            return
        self._npy_magic()
        var digits = 2 if self.pending[6] == 1 else 4
        var start = 8 + digits
        var length = 0
        if have >= start:
            for i in range(digits):
                length |= Int(self.pending[8 + i]) << 8 * i
        if have < start or have < start + length:
            if at_end:
                raise Rejection(
                    "npy.header", self.path, "the npy header: is cut off"
                )
            return
        var reader = HeaderReader(
            Span(self.pending)[start : start + length], self.path
        )
        var header = reader.header()
        self.element = npy_dtype(header.descr, self.path)
        self._weight_shape(header.shape)
        self.count = elements(header.shape)
        var room = min(self.count, self.room // self.element.size + 1)
        self.values.reserve(min(room, EAGER_VALUES))
        self.header = header^
        self._drop(start + length)

    def _npy_magic(self) raises Rejection:
        """Raises npy.magic unless there are the magic and a known version."""
        comptime MAGIC = "NUMPY"
        var right = len(self.pending) >= 8 and self.pending[0] == 0x93
        for i in range(5):
            right = right and self.pending[1 + i] == MAGIC.as_bytes()[i]
        if (
            not right
            or self.pending[6] < 1
            or self.pending[6] > 3
            or self.pending[7] != 0
        ):
            raise Rejection(
                "npy.magic",
                self.path,
                "expected an npy file of version 1.0, 2.0 or 3.0",
            )

    def _weight_shape(self, shape: List[Int]) raises Rejection:
        """Raises checkpoint.weight-shape unless the shape is the one due."""
        if self.due and self.due.value() != shape:
            raise Rejection(
                "checkpoint.weight-shape",
                self.path,
                String(
                    "expected shape ",
                    shape_text(self.due.value()),
                    ", got ",
                    shape_text(shape),
                ),
            )

    def _npy_length(self) raises Rejection:
        """Raises npy.length unless there are as many bytes as the shape needs."""
        if (
            self.surplus
            or len(self.pending) > 0
            or len(self.values) != self.count
        ):
            raise Rejection(
                "npy.length",
                self.path,
                String(
                    "expected ",
                    self.count,
                    " values of ",
                    self.element.size,
                    " bytes, got ",
                    "more" if self.surplus else "fewer",
                ),
            )

    def _drop(mut self, count: Int):
        """Forgets the first pending bytes."""
        var rest = List[UInt8](capacity=len(self.pending) - count)
        rest.extend(Span(self.pending)[count : len(self.pending)])
        self.pending = rest^

    def _convert(mut self):
        """Converts the whole values that are pending."""
        var whole = len(self.pending) // self.element.size
        var missing = self.count - len(self.values)
        if whole > missing or (
            whole == missing and len(self.pending) > whole * self.element.size
        ):
            self.surplus = True
            whole = missing
        var kind = self.element.kind
        var size = self.element.size
        if (
            kind == UInt8(ord("f"))
            and size == 8
            and not self.element.big_endian
        ):
            self._copy(whole)
        elif size == 1:
            self._decode[1](whole)
        elif size == 2:
            self._decode[2](whole)
        elif size == 4:
            self._decode[4](whole)
        else:
            self._decode[8](whole)
        if self.surplus:
            self.pending.clear()
        else:
            self._drop(whole * size)

    def _copy(mut self, whole: Int):
        """Takes values that stand as this machine has them."""
        var old = len(self.values)
        self.values.resize(unsafe_uninit_length=old + whole)
        Span(
            unsafe_ptr=self.values.unsafe_ptr()
            .unsafe_offset(old)
            .unsafe_bitcast[UInt8](),
            length=8 * whole,
        ).copy_from(Span(self.pending)[0 : 8 * whole])

    def _decode[size: Int](mut self, whole: Int):
        """Takes values of any type, byte by byte."""
        var bytes = self.pending.unsafe_ptr()
        for i in range(whole):
            var bits = UInt64(0)
            comptime for j in range(size):
                var k = j if self.element.big_endian else size - 1 - j
                bits = bits << 8 | UInt64(bytes[unsafe_offset=i * size + k])
            self.values.append(self._value[size](bits))

    def _value[size: Int](mut self, bits: UInt64) -> Float64:
        """Converts one value; an integer that loses bits is noted."""
        if self.element.kind == UInt8(ord("f")):
            comptime if size == 2:
                return half(bits)
            elif size == 4:
                return Float64(bitcast[DType.float32](UInt32(bits)))
            return bitcast[DType.float64](bits)
        var negative = (
            self.element.kind == UInt8(ord("i"))
            and bits >> UInt64(8 * size - 1) == 1
        )
        var magnitude = bits
        if negative:
            comptime MASK = ~UInt64(0) >> UInt64(64 - 8 * size)
            magnitude = (~bits + 1) & MASK
        if not is_exact(magnitude):
            self._note_inexact(len(self.values))
        return -Float64(magnitude) if negative else Float64(magnitude)

    def _note_inexact(mut self, index: Int):
        """Keeps the lowest place in C order."""
        ref header = self.header.value()
        var place = c_index(
            header.shape, index
        ) if header.fortran_order else index
        self.inexact = min(self.inexact.or_else(place), place)


def c_index(shape: List[Int], index: Int) -> Int:
    """Converts the number of a place from Fortran to C order.

    Args:
        shape: The length of each axis.
        index: The number in Fortran order.

    Returns:
        The number in C order.
    """
    var stride = 1
    for length in shape:
        stride *= length
    var place = 0
    var rest = index
    for length in shape:
        stride //= length
        place += rest % length * stride
        rest //= length
    return place


def transposed_rows(
    values: Span[Float64, _], rows: Int, columns: Int
) -> List[Float64]:
    """Turns a matrix that runs along its columns into one that runs along its rows.

    Args:
        values: The values in Fortran order.
        rows: The length of the first axis.
        columns: The length of the second axis.

    Returns:
        The values in C order.
    """
    var result = List[Float64](capacity=len(values))
    for i in range(rows):
        for j in range(columns):
            result.append(values[j * rows + i])
    return result^


def permuted(values: Span[Float64, _], shape: List[Int]) -> List[Float64]:
    """Turns an array that runs along its first axis into one that runs along its last.

    Args:
        values: The values in Fortran order.
        shape: The length of each axis.

    Returns:
        The values in C order.
    """
    var result = List[Float64](length=len(values), fill=0)
    for i in range(len(values)):
        result[c_index(shape, i)] = values[i]
    return result^


def shape_text(shape: List[Int]) -> String:
    """Writes a shape as Python does.

    Args:
        shape: The length of each axis.

    Returns:
        The tuple, `(3, 4)`.
    """
    var text = String("(")
    for k in range(len(shape)):
        text += String(", " if k > 0 else "", shape[k])
    return text + (",)" if len(shape) == 1 else ")")


def npy_header(shape: List[Int]) -> List[UInt8]:
    """Writes magic, version 1.0 and the header of values `<f8` in C order.

    Args:
        shape: The length of each axis, at most four.

    Returns:
        A multiple of 64 bytes.
    """
    var text = String(
        "{'descr': '<f8', 'fortran_order': False, 'shape': ",
        shape_text(shape),
        ", }",
    )
    while (10 + text.byte_length() + 1) % 64 != 0:
        text += " "
    text += "\n"
    var bytes: List[UInt8] = [0x93]
    bytes.extend("NUMPY\x01\x00".as_bytes())
    bytes.append(UInt8(text.byte_length() & 0xFF))
    bytes.append(UInt8(text.byte_length() >> 8))
    bytes.extend(text.as_bytes())
    return bytes^
