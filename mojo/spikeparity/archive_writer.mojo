"""Zip archives of npy files, written: the same members give the same bytes each time."""

from std.ffi import OwnedDLHandle

from .archive import CHUNK, DEFLATED, STORED
from .npy import npy_header
from .posix import File
from .rules import Rejection
from .sha256 import sha256
from .zlib import STREAM_END, Crc, Stream, load_zlib

comptime ALIGNMENT = 64
# The extra field that Android's zipalign pads with: an alignment of 2 bytes, then zeros.
comptime PADDING_ID = 0xD935
comptime PADDING_BYTES = 6
comptime ZIP64_ID = 1
comptime PLAIN_VERSION = 20
comptime ZIP64_VERSION = 45
comptime UNIX = 3 << 8
comptime PERMISSIONS = 0o100644 << 16
comptime FIRST_OF_1980 = 1 << 5 | 1
comptime FULL_16 = 0xFFFF
comptime FULL_32 = 0xFFFFFFFF


struct NewMember(Copyable):
    """A member that is to be written."""

    var name: String
    """Its name without `.npy`."""
    var shape: List[Int]
    """The shape of its array."""
    var values: List[Float64]
    """The values in C order."""

    def __init__(
        out self,
        name: String,
        var shape: List[Int],
        var values: List[Float64],
    ):
        """Joins what makes a member.

        Args:
            name: Its name without `.npy`.
            shape: The shape of its array.
            values: The values in C order.
        """
        self.name = name
        self.shape = shape^
        self.values = values^


struct ArchiveWriter(Movable):
    """An archive while it is written."""

    var file: File
    """The file, empty at first."""
    var at: Int
    """Where the next byte goes."""
    var headers: List[UInt8]
    """The central headers of what has been written."""
    var count: Int
    """How many members that is."""
    var compress: Bool
    """Whether members are deflated."""
    var library: OwnedDLHandle
    """zlib, so that it is not loaded anew for each member."""

    def __init__(out self, var file: File, compress: Bool) raises Rejection:
        """Starts an archive.

        Args:
            file: An empty file, open for writing.
            compress: Whether to deflate the members.

        Raises:
            Rejection: There is no zlib.
        """
        self.library = load_zlib()
        self.file = file^
        self.at = 0
        self.headers = []
        self.count = 0
        self.compress = compress

    def append(mut self, bytes: Span[UInt8, _]) raises Rejection:
        """Writes at the end.

        Args:
            bytes: What to write.

        Raises:
            Rejection: The system failed.
        """
        self.file.write_at(self.at, bytes)
        self.at += len(bytes)

    def add(mut self, member: NewMember) raises Rejection:
        """Writes a member.

        Args:
            member: The member.

        Raises:
            Rejection: The system failed.
        """
        var name = member.name + ".npy"
        var header = npy_header(member.shape)
        var values = Span(
            unsafe_ptr=member.values.unsafe_ptr().unsafe_bitcast[UInt8](),
            length=8 * len(member.values),
        )
        var size = len(header) + len(values)
        var offset = self.at
        # Deflated data can be a little longer than what they stand for.
        var large = size + size // 256 + CHUNK >= FULL_32
        var extra: List[UInt8] = []
        if large:
            extra = List[UInt8](length=20, fill=0)
        var start = offset + 30 + name.byte_length() + len(extra)
        if not self.compress and start % ALIGNMENT != 0:
            pad(extra, start)
        self.at = offset + 30 + name.byte_length() + len(extra)
        start = self.at
        var crc = Crc()
        crc.update(header)
        for part in range(0, len(values), CHUNK):
            crc.update(values[part : min(part + CHUNK, len(values))])
        if self.compress:
            self._deflate(header, values)
        else:
            self.append(header)
            self.append(values)
        var fields = EntryFields(
            Int(crc.value),
            self.at - start,
            size,
            offset,
            DEFLATED if self.compress else STORED,
        )
        if large:
            zip64_extra(extra, 0, [size, fields.compressed])
        self.file.write_at(offset, local_header(fields, name, extra, large))
        central_header(self.headers, fields, name)
        self.count += 1

    def _deflate(
        mut self, header: Span[UInt8, _], values: Span[UInt8, _]
    ) raises Rejection:
        """Writes the two parts of a member as one deflate stream."""
        var stream = Stream(inflates=False)
        var output = List[UInt8](length=CHUNK, fill=0)
        self._feed(stream, header, len(values) == 0, output)
        for part in range(0, len(values), CHUNK):
            var end = min(part + CHUNK, len(values))
            self._feed(stream, values[part:end], end == len(values), output)

    def _feed(
        mut self,
        mut stream: Stream,
        input: Span[UInt8, _],
        last: Bool,
        mut output: List[UInt8],
    ) raises Rejection:
        """Deflates all of the input and writes what comes out."""
        var used = 0
        while True:
            var progress = stream.run(input[used : len(input)], output, last)
            used += progress.consumed
            self.append(Span(output)[0 : progress.produced])
            # Where there was room left, nothing more comes of this input.
            if progress.code == STREAM_END or (
                not last and progress.produced < len(output)
            ):
                return

    def finish(mut self) raises Rejection -> String:
        """Writes the directory and the end records, and waits for the disk.

        Returns:
            The digest of the archive.

        Raises:
            Rejection: The system failed.
        """
        end_records(self.headers, self.at, self.count)
        var digest = sha256(self.headers)
        self.file.write_at(self.at, self.headers)
        self.file.sync()
        return digest^


@fieldwise_init
struct EntryFields(TrivialRegisterPassable):
    """What the headers of a member say."""

    var crc: Int
    """The CRC-32 of its content."""
    var compressed: Int
    """Bytes inside the archive."""
    var size: Int
    """Bytes of its content."""
    var offset: Int
    """Where its local header begins."""
    var method: Int
    """The compression."""


def put(mut bytes: List[UInt8], value: Int, size: Int):
    """Appends a little-endian number.

    Args:
        bytes: The bytes.
        value: The number.
        size: How many bytes it takes.
    """
    for i in range(size):
        bytes.append(UInt8(value >> 8 * i & 0xFF))


def pad(mut extra: List[UInt8], start: Int):
    """Appends an extra field after which data begin at a multiple of ALIGNMENT.

    Args:
        extra: The extra fields.
        start: Where data would begin without it.
    """
    var padding = (-(start + PADDING_BYTES)) % ALIGNMENT
    put(extra, PADDING_ID, 2)
    put(extra, 2 + padding, 2)
    put(extra, ALIGNMENT, 2)
    for _ in range(padding):
        extra.append(0)


def zip64_extra(mut extra: List[UInt8], at: Int, values: List[Int]):
    """Puts a zip64 extra field in its place.

    Args:
        extra: The extra fields, with room for it.
        at: Where it begins.
        values: Its numbers.
    """
    var field: List[UInt8] = []
    put(field, ZIP64_ID, 2)
    put(field, 8 * len(values), 2)
    for value in values:
        put(field, value, 8)
    for i in range(len(field)):
        extra[at + i] = field[i]


def local_header(
    fields: EntryFields, name: String, extra: List[UInt8], large: Bool
) -> List[UInt8]:
    """Makes a local header.

    Args:
        fields: What it says.
        name: The name of the file.
        extra: The extra fields.
        large: Whether the sizes are in the zip64 extra field.

    Returns:
        The header, name and extra fields included.
    """
    var bytes: List[UInt8] = []
    bytes.extend("PK\x03\x04".as_bytes())
    put(bytes, ZIP64_VERSION if large else PLAIN_VERSION, 2)
    common_fields(bytes, fields, name, large, large, len(extra))
    bytes.extend(name.as_bytes())
    bytes.extend(Span(extra))
    return bytes^


def common_fields(
    mut bytes: List[UInt8],
    fields: EntryFields,
    name: String,
    large_compressed: Bool,
    large_size: Bool,
    extra: Int,
):
    """Appends what local and central headers have alike, from the flags to the length of the extra fields.

    Args:
        bytes: The header so far.
        fields: What it says.
        name: The name of the file.
        large_compressed: Whether the compressed size stands elsewhere.
        large_size: Whether the uncompressed size stands elsewhere.
        extra: Bytes of the extra fields.
    """
    put(bytes, 0, 2)
    put(bytes, fields.method, 2)
    put(bytes, 0, 2)
    put(bytes, FIRST_OF_1980, 2)
    put(bytes, fields.crc, 4)
    put(bytes, FULL_32 if large_compressed else fields.compressed, 4)
    put(bytes, FULL_32 if large_size else fields.size, 4)
    put(bytes, name.byte_length(), 2)
    put(bytes, extra, 2)


def central_header(mut headers: List[UInt8], fields: EntryFields, name: String):
    """Appends a central header.

    Args:
        headers: The headers so far.
        fields: What it says.
        name: The name of the file.
    """
    var values: List[Int] = []
    for value in [fields.size, fields.compressed, fields.offset]:
        if value >= FULL_32:
            values.append(value)
    var extra: List[UInt8] = []
    if len(values) > 0:
        extra = List[UInt8](length=4 + 8 * len(values), fill=0)
        zip64_extra(extra, 0, values)
    var version = ZIP64_VERSION if len(values) > 0 else PLAIN_VERSION
    headers.extend("PK\x01\x02".as_bytes())
    put(headers, UNIX | version, 2)
    put(headers, version, 2)
    common_fields(
        headers,
        fields,
        name,
        fields.compressed >= FULL_32,
        fields.size >= FULL_32,
        len(extra),
    )
    # No comment, disk 0, no internal attributes.
    put(headers, 0, 6)
    put(headers, PERMISSIONS, 4)
    put(headers, min(fields.offset, FULL_32), 4)
    headers.extend(name.as_bytes())
    headers.extend(Span(extra))


def end_records(mut headers: List[UInt8], directory: Int, count: Int):
    """Appends the records that end an archive, zip64 ones where they are needed.

    Args:
        headers: The central headers.
        directory: Where they begin in the file.
        count: How many there are.
    """
    var size = len(headers)
    if count >= FULL_16 or size >= FULL_32 or directory >= FULL_32:
        headers.extend("PK\x06\x06".as_bytes())
        put(headers, 44, 8)
        put(headers, UNIX | ZIP64_VERSION, 2)
        put(headers, ZIP64_VERSION, 2)
        put(headers, 0, 8)
        put(headers, count, 8)
        put(headers, count, 8)
        put(headers, size, 8)
        put(headers, directory, 8)
        headers.extend("PK\x06\x07".as_bytes())
        put(headers, 0, 4)
        put(headers, directory + size, 8)
        put(headers, 1, 4)
    headers.extend("PK\x05\x06".as_bytes())
    put(headers, 0, 4)
    put(headers, min(count, FULL_16), 2)
    put(headers, min(count, FULL_16), 2)
    put(headers, min(size, FULL_32), 4)
    put(headers, min(directory, FULL_32), 4)
    put(headers, 0, 2)
