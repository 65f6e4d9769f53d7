"""Answers as JSON text: objects, arrays, strings, integers, and floats as their 16 hexadecimal digits."""

from std.memory import bitcast
from std.sys import size_of

comptime HEX = "0123456789abcdef"


struct Answer(Movable):
    """A buffer of answer lines; commas are set by what stands before."""

    var bytes: List[UInt8]
    """What has been written and not yet sent."""

    def __init__(out self):
        """Starts empty."""
        self.bytes = []

    def raw(mut self, text: StringSpan):
        """Appends text as it is.

        Args:
            text: JSON punctuation or literals.
        """
        self.bytes.extend(text.as_bytes())

    def separate(mut self):
        """Appends the comma that is due before a further item or member."""
        if len(self.bytes) == 0:
            return
        var last = self.bytes[len(self.bytes) - 1]
        if (
            last != UInt8(ord("["))
            and last != UInt8(ord("{"))
            and last != UInt8(ord(":"))
            and last != UInt8(ord("\n"))
        ):
            self.bytes.append(UInt8(ord(",")))

    def open(mut self, bracket: StaticString):
        """Starts an array or object as the next item.

        Args:
            bracket: `[` or `{`.
        """
        self.separate()
        self.raw(bracket)

    def key(mut self, name: StringSpan):
        """Starts a member.

        Args:
            name: Its key.
        """
        self.string(name)
        self.raw(":")

    def string(mut self, text: StringSpan):
        """Appends a string as the next item.

        Args:
            text: The unescaped string.
        """
        self.separate()
        self.raw('"')
        for byte in text.as_bytes():
            self._character(byte)
        self.raw('"')

    def _character(mut self, byte: UInt8):
        """Appends one byte of a string, escaped where RFC 8259 demands it."""
        if byte == UInt8(ord('"')) or byte == UInt8(ord("\\")):
            self.bytes.append(UInt8(ord("\\")))
        if byte >= 0x20:
            self.bytes.append(byte)
            return
        self.raw("\\u00")
        self._digit(UInt64(byte) >> 4)
        self._digit(UInt64(byte))

    def _digit(mut self, value: UInt64):
        """Appends the hexadecimal digit of the four lowest bits."""
        self.bytes.append(HEX.as_bytes()[Int(value & 15)])

    def integer(mut self, value: Int):
        """Appends an integer as the next item.

        Args:
            value: The integer.
        """
        self.separate()
        self.raw(String(value))

    def float[dtype: DType](mut self, value: Scalar[dtype]):
        """Appends the bit pattern of a float as the next item: 16 digits of a binary64, 8 of a binary32.

        Parameters:
            dtype: Its type.

        Args:
            value: Any value.
        """
        self.separate()
        self.raw('"')
        comptime size = size_of[Scalar[dtype]]()
        comptime integral = DType.uint32 if size == 4 else DType.uint64
        var bits = UInt64(bitcast[integral](value))
        for shift in range(8 * size - 4, -1, -4):
            self._digit(bits >> UInt64(shift))
        self.raw('"')

    def integers(mut self, values: Span[Int, _]):
        """Appends an array of integers as the next item.

        Args:
            values: The integers.
        """
        self.open("[")
        for value in values:
            self.integer(value)
        self.raw("]")

    def floats[dtype: DType](mut self, values: Span[Scalar[dtype], _]):
        """Appends an array of bit patterns as the next item.

        Parameters:
            dtype: The type of the values.

        Args:
            values: The values.
        """
        self.open("[")
        for value in values:
            self.float(value)
        self.raw("]")

    def strings(mut self, values: Span[String, _]):
        """Appends an array of strings as the next item.

        Args:
            values: The strings.
        """
        self.open("[")
        for value in values:
            self.string(value)
        self.raw("]")
