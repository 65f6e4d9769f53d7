"""The system's zlib, loaded when it is first needed: inflate, deflate and CRC-32."""

from std.ffi import OwnedDLHandle

from .posix import io_failure
from .rules import Rejection

comptime LIBRARY = "libz.so.1"
# The oldest version with this interface.
comptime VERSION = "1.2.0"

comptime OK = Int32(0)
comptime STREAM_END = 1
comptime BUFFER_ERROR = -5

comptime NO_FLUSH = Int32(0)
comptime FINISH = Int32(4)
comptime DEFLATED = Int32(8)
comptime LEVEL = Int32(6)
# Negative: a raw stream, as zip files hold it.
comptime RAW_WINDOW = Int32(-15)
comptime MEMORY_LEVEL = Int32(8)

# The fields of z_stream as 64-bit words.
comptime NEXT_IN = 0
comptime AVAILABLE_IN = 1
comptime NEXT_OUT = 3
comptime AVAILABLE_OUT = 4
comptime STREAM_WORDS = 14
comptime STREAM_BYTES = Int32(112)


@fieldwise_init
struct Progress(TrivialRegisterPassable):
    """What one call of zlib has done."""

    var consumed: Int
    """Bytes of the input."""
    var produced: Int
    """Bytes of the output."""
    var code: Int
    """OK, STREAM_END, BUFFER_ERROR where nothing could be done, or a fault."""


def load_zlib() raises Rejection -> OwnedDLHandle:
    """Loads the library.

    Returns:
        The library.

    Raises:
        Rejection: There is none on this machine, an I/O failure.
    """
    try:
        return OwnedDLHandle(LIBRARY)
    except absent:
        raise io_failure(LIBRARY, String("cannot be loaded: ", absent))


struct Crc(Movable):
    """A CRC-32 in the making."""

    var library: OwnedDLHandle
    """zlib."""
    var value: UInt64
    """The checksum so far."""

    def __init__(out self) raises Rejection:
        """Starts with no bytes.

        Raises:
            Rejection: There is no zlib.
        """
        self.library = load_zlib()
        self.value = 0

    def update(mut self, data: Span[UInt8, _]) raises Rejection:
        """Takes further bytes.

        Args:
            data: The bytes, fewer than 2^32.

        Raises:
            Rejection: The library lacks the function.
        """
        # A null pointer would start anew.
        if len(data) == 0:
            return
        try:
            var crc32 = self.library.get_function[UInt64]("crc32")
            self.value = crc32(self.value, data.unsafe_ptr(), UInt32(len(data)))
        except unusable:
            raise io_failure(LIBRARY, String(unusable))


struct Stream(Movable):
    """A stream that is inflated or deflated."""

    var library: OwnedDLHandle
    """zlib."""
    var fields: List[UInt64]
    """The z_stream, which keeps its place while this value moves."""
    var inflates: Bool
    """Whether it is inflated."""

    def __init__(out self, *, inflates: Bool) raises Rejection:
        """Starts a raw stream.

        Args:
            inflates: Whether to inflate, else to deflate.

        Raises:
            Rejection: There is no zlib, or no memory.
        """
        self.library = load_zlib()
        self.fields = List[UInt64](length=STREAM_WORDS, fill=0)
        self.inflates = inflates
        var code: Int32
        try:
            code = self._start()
        except unusable:
            raise io_failure(LIBRARY, String(unusable))
        if code != OK:
            raise io_failure(LIBRARY, String("cannot start, code ", code))

    def _start(mut self) raises -> Int32:
        """Has zlib fill in the fields."""
        var version = String(VERSION)
        if self.inflates:
            return self.library.get_function[Int32]("inflateInit2_")(
                self.fields.unsafe_ptr(),
                RAW_WINDOW,
                version.as_c_string_span().ptr(),
                STREAM_BYTES,
            )
        return self.library.get_function[Int32]("deflateInit2_")(
            self.fields.unsafe_ptr(),
            LEVEL,
            DEFLATED,
            RAW_WINDOW,
            MEMORY_LEVEL,
            Int32(0),
            version.as_c_string_span().ptr(),
            STREAM_BYTES,
        )

    def __deinit__(deinit self):
        """Frees what zlib holds."""
        try:
            var end = self.library.get_function[Int32](
                "inflateEnd" if self.inflates else "deflateEnd"
            )
            _ = end(self.fields.unsafe_ptr())
        except:
            # A library that could start a stream can end it.
            pass

    def run(
        mut self,
        input: Span[UInt8, _],
        output: Span[mut=True, UInt8, _],
        last: Bool = False,
    ) raises Rejection -> Progress:
        """Goes on as far as input and output allow.

        Args:
            input: The bytes that follow, fewer than 2^32.
            output: Room for what comes out, less than 2^32 bytes.
            last: Whether the input ends here (only for deflating).

        Returns:
            What has been done.

        Raises:
            Rejection: The library lacks the function.
        """
        self.fields[NEXT_IN] = UInt64(Int(input.unsafe_ptr()))
        self.fields[AVAILABLE_IN] = UInt64(len(input))
        self.fields[NEXT_OUT] = UInt64(Int(output.unsafe_ptr()))
        self.fields[AVAILABLE_OUT] = UInt64(len(output))
        var code: Int32
        try:
            var step = self.library.get_function[Int32](
                "inflate" if self.inflates else "deflate"
            )
            code = step(self.fields.unsafe_ptr(), FINISH if last else NO_FLUSH)
        except unusable:
            raise io_failure(LIBRARY, String(unusable))
        var mask = UInt64(0xFFFFFFFF)
        return Progress(
            len(input) - Int(self.fields[AVAILABLE_IN] & mask),
            len(output) - Int(self.fields[AVAILABLE_OUT] & mask),
            Int(code),
        )
