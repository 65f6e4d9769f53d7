"""Lines of any length from a file descriptor, and whole writes to one."""

from std.ffi import external_call

from .encoding import copied

comptime CHUNK = 1 << 18
comptime NEWLINE = Int32(10)


struct LineReader:
    """Lines of a file descriptor, of any length."""

    var descriptor: Int32
    """Where to read."""
    var buffer: List[UInt8]
    """What has been read and not yet been handed out, from `start` on."""
    var start: Int
    """The first byte of the next line."""
    var searched: Int
    """Up to here there is no newline, so that a long line is searched only once."""

    def __init__(out self, descriptor: Int32):
        """Starts with an empty buffer.

        Args:
            descriptor: An open file descriptor.
        """
        self.descriptor = descriptor
        self.buffer = []
        self.start = 0
        self.searched = 0

    def buffered(mut self) -> Optional[List[UInt8]]:
        """Takes a line that is wholly in the buffer.

        Returns:
            The line without its newline, or None where more must be read first.
        """
        var rest = len(self.buffer) - self.searched
        var from_here = self.buffer.unsafe_ptr().unsafe_offset(self.searched)
        var found = external_call["memchr", Int](from_here, NEWLINE, rest)
        if found == 0:
            self.searched = len(self.buffer)
            return None
        var end = self.searched + found - Int(from_here)
        var line = copied(Span(self.buffer)[self.start : end])
        self.start = end + 1
        self.searched = self.start
        return line^

    def rest(mut self) -> List[UInt8]:
        """Takes what is left in the buffer.

        Returns:
            The bytes after the last newline.
        """
        var line = copied(Span(self.buffer)[self.start : len(self.buffer)])
        self.start = len(self.buffer)
        self.searched = self.start
        return line^

    def make_room(mut self):
        """Drops what has been handed out, and doubles a buffer that one line fills, so that a byte is copied O(1) times."""
        if self.start > 0:
            self.buffer = copied(
                Span(self.buffer)[self.start : len(self.buffer)]
            )
            self.searched -= self.start
            self.start = 0
        if self.buffer.capacity() < len(self.buffer) + CHUNK:
            self.buffer.reserve(2 * len(self.buffer) + CHUNK)

    def fill(mut self) raises -> Bool:
        """Reads once more, waiting for input.

        Returns:
            False at the end of input.

        Raises:
            Error: The descriptor cannot be read.
        """
        self.make_room()
        var old = len(self.buffer)
        self.buffer.resize(unsafe_uninit_length=old + CHUNK)
        var count = external_call["read", Int](
            self.descriptor, self.buffer.unsafe_ptr().unsafe_offset(old), CHUNK
        )
        self.buffer.shrink(old + max(count, 0))
        if count < 0:
            raise Error("reading the requests failed")
        return count > 0


def write_all(descriptor: Int32, bytes: Span[UInt8, _]) raises:
    """Writes bytes to a file descriptor.

    Args:
        descriptor: An open file descriptor.
        bytes: What to write, all of it.

    Raises:
        Error: The descriptor cannot be written to.
    """
    var at = 0
    while at < len(bytes):
        var count = external_call["write", Int](
            descriptor, bytes.unsafe_ptr().unsafe_offset(at), len(bytes) - at
        )
        if count < 0:
            raise Error("writing the answers failed")
        at += count
