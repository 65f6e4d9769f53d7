"""Zip archives of npy files, read strictly, so that every reader sees the same members in the same bytes."""

from std.collections import Dict, Set

from .document import shorten
from .npy import Array, ArrayReader, elements
from .posix import File
from .rules import MAX_NPY_HEADER_BYTES, Rejection
from .sha256 import Sha256
from .zlib import OK, STREAM_END, Crc, Stream

comptime CHUNK = 1 << 16
comptime END_BYTES = 22
comptime LOCATOR_BYTES = 20
comptime ZIP64_END_BYTES = 56
comptime CENTRAL_BYTES = 46
comptime LOCAL_BYTES = 30
comptime DIRECTORY_BYTES_PER_ENTRY = 1024
comptime ALL_ONES_16 = 0xFFFF
comptime ALL_ONES_32 = 0xFFFFFFFF
comptime ENCRYPTION_FLAGS = 1 << 0 | 1 << 6 | 1 << 13
comptime STORED = 0
comptime DEFLATED = 8
# Deflate makes at most 1,032 bytes out of one.
comptime MOST_PER_BYTE = 1032


def little(data: Span[UInt8, _], at: Int, size: Int) -> Int:
    """Reads a little-endian number.

    Args:
        data: The bytes.
        at: The first one.
        size: How many, at most 8.

    Returns:
        The number; Int.MAX for one of 2^63 and above.
    """
    var value = UInt64(0)
    for i in range(size):
        value |= UInt64(data[at + i]) << UInt64(8 * i)
    return Int(min(value, UInt64(Int.MAX)))


def has_signature(
    data: Span[UInt8, _], at: Int, third: UInt8, fourth: UInt8
) -> Bool:
    """Looks for `PK` and two bytes.

    Args:
        data: The bytes.
        at: Where the signature should be.
        third: The byte after `PK`.
        fourth: The last byte.

    Returns:
        True where it is there.
    """
    return (
        at + 4 <= len(data)
        and data[at] == UInt8(ord("P"))
        and data[at + 1] == UInt8(ord("K"))
        and data[at + 2] == third
        and data[at + 3] == fourth
    )


@fieldwise_init
struct Due(Copyable):
    """A member that an archive must have."""

    var name: String
    """Its name without `.npy`."""
    var shape: List[Int]
    """The shape of its array."""
    var path: String
    """What it is called in rejections."""


@fieldwise_init
struct Entry(Copyable):
    """A file inside an archive, as the central directory has it."""

    var name: String
    """Its name; any bytes."""
    var flags: Int
    """The general-purpose flags."""
    var method: Int
    """The compression."""
    var crc: Int
    """The CRC-32 of its content."""
    var compressed: Int
    """Bytes inside the archive."""
    var size: Int
    """Bytes of its content."""
    var offset: Int
    """Where its local header begins."""
    var data: Int
    """Where its data begin, once the local header has been read."""


struct Archive(Movable):
    """An open archive whose end records are sound."""

    var file: File
    """The file."""
    var size: Int
    """Its bytes."""
    var count: Int
    """Entries of the directory."""
    var directory_size: Int
    """Bytes of the directory."""
    var directory: Int
    """Where the directory begins."""
    var path: String
    """What the whole archive is called in rejections."""

    def __init__(out self, var file: File, path: String) raises Rejection:
        """Reads the end of an archive.

        Args:
            file: The file.
            path: What the whole archive is called in rejections.

        Raises:
            Rejection: A rule from archive.not-zip to archive.end-record, or the system failed.
        """
        self.size = file.status().size
        self.file = file^
        self.path = path
        self.count = 0
        self.directory_size = 0
        self.directory = 0
        self._archive_not_zip()
        var end = self._archive_truncated()
        self._archive_end_record(end)

    def fault(self, code: StaticString, reason: StringSpan) -> Rejection:
        """Makes a rejection of the whole archive.

        Args:
            code: The rule.
            reason: What is wrong.

        Returns:
            The rejection.
        """
        return Rejection(code, self.path, String("the archive: ", reason))

    def _archive_not_zip(self) raises Rejection:
        """Raises archive.not-zip unless the file begins with a local header or an end record."""
        var start: List[UInt8] = []
        _ = self.file.read_at(0, 4, start)
        if not has_signature(start, 0, 3, 4) and not has_signature(
            start, 0, 5, 6
        ):
            raise self.fault("archive.not-zip", "does not begin like a zip")

    def _archive_truncated(self) raises Rejection -> List[UInt8]:
        """Raises archive.truncated unless an end record ends the file, which is returned."""
        var end: List[UInt8] = []
        if self.size >= END_BYTES:
            self.file.read_exactly(self.size - END_BYTES, END_BYTES, end)
        if not has_signature(end, 0, 5, 6) or little(end, 20, 2) != 0:
            raise self.fault(
                "archive.truncated",
                "does not end with an end-of-central-directory record",
            )
        return end^

    def _archive_end_record(mut self, end: List[UInt8]) raises Rejection:
        """Raises archive.end-record where the end records contradict themselves or the file."""
        var records = self.size - END_BYTES
        var disks = little(end, 4, 2) + little(end, 6, 2)
        var here = little(end, 8, 2)
        self.count = little(end, 10, 2)
        self.directory_size = little(end, 12, 4)
        self.directory = little(end, 16, 4)
        if (
            here == ALL_ONES_16
            or self.count == ALL_ONES_16
            or self.directory_size == ALL_ONES_32
            or self.directory == ALL_ONES_32
        ):
            var place: List[UInt8] = []
            var zip64 = self._zip64_end(place)
            records = little(place, 8, 8)
            if little(zip64, 16, 4) != 0 or little(zip64, 20, 4) != 0:
                disks = 1
            here = little(zip64, 24, 8)
            self.count = little(zip64, 32, 8)
            self.directory_size = little(zip64, 40, 8)
            self.directory = little(zip64, 48, 8)
        if (
            disks != 0
            or here != self.count
            or self.directory > records
            or self.directory_size != records - self.directory
        ):
            raise self.fault(
                "archive.end-record",
                "its end records contradict themselves or the file",
            )

    def _zip64_end(
        self, mut locator: List[UInt8]
    ) raises Rejection -> List[UInt8]:
        """Raises archive.end-record unless there are a zip64 locator and the record that it tells of, both of which are read."""
        var at = self.size - END_BYTES - LOCATOR_BYTES
        var record: List[UInt8] = []
        if at >= ZIP64_END_BYTES:
            self.file.read_exactly(at, LOCATOR_BYTES, locator)
            if (
                has_signature(locator, 0, 6, 7)
                and little(locator, 4, 4) == 0
                and little(locator, 16, 4) == 1
                and little(locator, 8, 8) <= at - ZIP64_END_BYTES
            ):
                var start = little(locator, 8, 8)
                self.file.read_exactly(start, ZIP64_END_BYTES, record)
                if (
                    _is_zip64_end(record)
                    and little(record, 4, 8) == at - start - 12
                ):
                    return record^
        raise self.fault(
            "archive.end-record", "has no zip64 end records, but needs them"
        )

    def digest(self) raises Rejection -> String:
        """Digests the archive from its first central header to its end.

        Returns:
            The SHA-256 in 64 hexadecimal digits.

        Raises:
            Rejection: The system failed.
        """
        var digest = Sha256()
        var buffer: List[UInt8] = []
        var at = self.directory
        while at < self.size:
            var part = min(CHUNK, self.size - at)
            self.file.read_exactly(at, part, buffer)
            digest.update(buffer)
            at += part
        return digest.finish()

    def archive_digest(self, due: String) raises Rejection:
        """Raises archive.digest unless the archive has the digest.

        Args:
            due: The digest in the sidecar.

        Raises:
            Rejection: The rule, or the system failed.
        """
        if self.digest() != due:
            raise self.fault(
                "archive.digest",
                "is not the one that the sidecar is bound to",
            )

    def archive_entry_count(self, most: Int) raises Rejection:
        """Raises archive.entry-count where there are too many entries.

        Args:
            most: How many there may be.

        Raises:
            Rejection: The rule.
        """
        if self.count > most:
            raise self.fault(
                "archive.entry-count",
                String("has ", self.count, " entries, at most ", most, " due"),
            )

    def archive_directory(self) raises Rejection -> List[Entry]:
        """Raises archive.directory unless the directory is well-formed.

        Returns:
            The entries, in the order of the directory.

        Raises:
            Rejection: The rule, or the system failed.
        """
        if self.directory_size > DIRECTORY_BYTES_PER_ENTRY * self.count:
            raise self._malformed("is too long for its entries")
        var headers: List[UInt8] = []
        self.file.read_exactly(self.directory, self.directory_size, headers)
        var entries: List[Entry] = []
        var at = 0
        for _ in range(self.count):
            at = self._read_header(headers, at, entries)
        if at != len(headers):
            raise self._malformed("holds more than its entries")
        return entries^

    def _malformed(self, reason: StringSpan) -> Rejection:
        """Makes a rejection of the rule archive.directory."""
        return self.fault(
            "archive.directory", String("the central directory ", reason)
        )

    def _read_header(
        self, headers: Span[UInt8, _], at: Int, mut entries: List[Entry]
    ) raises Rejection -> Int:
        """Reads a central header and returns where the next one begins."""
        if at + CENTRAL_BYTES > len(headers) or not has_signature(
            headers, at, 1, 2
        ):
            raise self._malformed("lacks a header")
        var name = at + CENTRAL_BYTES
        var extra = name + little(headers, at + 28, 2)
        var comment = extra + little(headers, at + 30, 2)
        var end = comment + little(headers, at + 32, 2)
        if end > len(headers):
            raise self._malformed("ends inside a header")
        var sizes: List[Int] = [
            little(headers, at + 24, 4),
            little(headers, at + 20, 4),
            little(headers, at + 42, 4),
        ]
        if not fill_from_zip64(headers[extra:comment], sizes):
            raise self._malformed("lacks a zip64 size")
        if little(headers, at + 34, 2) != 0:
            raise self._malformed("tells of another disk")
        if sizes[2] > self.directory - LOCAL_BYTES:
            raise self._malformed("has an entry that begins after it")
        entries.append(
            Entry(
                String(StringSpan(unsafe_from_utf8=headers[name:extra])),
                little(headers, at + 8, 2),
                little(headers, at + 10, 2),
                little(headers, at + 16, 4),
                sizes[1],
                sizes[0],
                sizes[2],
                0,
            )
        )
        return end

    def archive_local_header(
        self, mut entry: Entry, path: String
    ) raises Rejection:
        """Raises archive.local-header unless the local header is like the central one and the data end before the directory.

        Args:
            entry: The entry; learns where its data begin.
            path: What the member is called in rejections.

        Raises:
            Rejection: The rule, or the system failed.
        """
        var header: List[UInt8] = []
        var name: List[UInt8] = []
        self.file.read_exactly(entry.offset, LOCAL_BYTES, header)
        var name_bytes = little(header, 26, 2)
        entry.data = (
            entry.offset + LOCAL_BYTES + name_bytes + little(header, 28, 2)
        )
        # A name that reaches beyond the directory is unlike the central one, or its data do not end before it.
        _ = self.file.read_at(entry.offset + LOCAL_BYTES, name_bytes, name)
        if (
            not has_signature(header, 0, 3, 4)
            or (little(header, 6, 2) ^ entry.flags) & 1 != 0
            or little(header, 8, 2) != entry.method
            or StringSpan(unsafe_from_utf8=name) != entry.name
            or entry.data > self.directory
            or entry.compressed > self.directory - entry.data
        ):
            raise member_fault(
                "archive.local-header",
                entry,
                path,
                "its local header is unlike the central one, or misplaced",
            )

    def read_array(
        self, entry: Entry, path: String, due: Optional[List[Int]], most: Int
    ) raises Rejection -> Array:
        """Reads a member.

        Args:
            entry: The entry, its local header read.
            path: What the member is called in rejections.
            due: The shape that is due, if one is.
            most: The largest size that may be declared.

        Returns:
            The array.

        Raises:
            Rejection: A rule from archive.size to npy.length, or the system failed.
        """
        if entry.size > most or (
            entry.method == STORED and entry.size != entry.compressed
        ):
            raise member_fault(
                "archive.size", entry, path, "declares an impossible size"
            )
        var room = entry.size
        if entry.compressed < Int.MAX // MOST_PER_BYTE:
            room = min(room, entry.compressed * MOST_PER_BYTE)
        var reader = ArrayReader(path, due.copy(), room)
        var crc = Crc()
        if entry.method == STORED:
            self._unpack_stored(entry, reader, crc)
        else:
            self._inflate(entry, path, reader, crc)
        if Int(crc.value) != entry.crc:
            raise member_fault(
                "archive.crc", entry, path, "has another CRC-32 than declared"
            )
        return reader.finish()

    def _unpack_stored(
        self, entry: Entry, mut reader: ArrayReader, mut crc: Crc
    ) raises Rejection:
        """Reads a stored member."""
        var buffer: List[UInt8] = []
        var done = 0
        while done < entry.size:
            var part = min(CHUNK, entry.size - done)
            self.file.read_exactly(entry.data + done, part, buffer)
            crc.update(buffer)
            reader.feed(buffer)
            done += part

    def _inflate(
        self,
        entry: Entry,
        path: String,
        mut reader: ArrayReader,
        mut crc: Crc,
    ) raises Rejection:
        """Reads a deflated member; makes at most one byte more than it declares."""
        var stream = Stream(inflates=True)
        var input: List[UInt8] = []
        var output = List[UInt8](length=CHUNK, fill=0)
        var read = 0
        var used = 0
        var made = 0
        var ended = False
        while not ended:
            if used == len(input) and read < entry.compressed:
                var part = min(CHUNK, entry.compressed - read)
                self.file.read_exactly(entry.data + read, part, input)
                read += part
                used = 0
            var room = min(CHUNK, entry.size - made + 1)
            var progress = stream.run(
                Span(input)[used : len(input)], Span(output)[0:room]
            )
            used += progress.consumed
            made += progress.produced
            if made > entry.size:
                raise member_fault(
                    "archive.size", entry, path, "has more bytes than declared"
                )
            crc.update(Span(output)[0 : progress.produced])
            reader.feed(Span(output)[0 : progress.produced])
            ended = progress.code == STREAM_END
            # Without an end, a call that moves nothing has run out of input.
            if not ended and (
                progress.code != Int(OK)
                or (progress.consumed == 0 and progress.produced == 0)
            ):
                raise _archive_data(entry, path)
        if used < len(input) or read < entry.compressed:
            raise _archive_data(entry, path)
        if made < entry.size:
            raise member_fault(
                "archive.size", entry, path, "has fewer bytes than declared"
            )


def _is_zip64_end(record: List[UInt8]) -> Bool:
    """Tells whether a zip64 end record is one, and long enough."""
    return has_signature(record, 0, 6, 6) and little(record, 4, 8) >= 44


def member_fault(
    code: StaticString, entry: Entry, path: String, reason: StringSpan
) -> Rejection:
    """Makes a rejection of a member.

    Args:
        code: The rule.
        entry: The member.
        path: What it is called in rejections.
        reason: What is wrong.

    Returns:
        The rejection.
    """
    return Rejection(code, path, String(readable(entry.name), ": ", reason))


def readable(name: StringSpan) -> String:
    """Makes a name fit for a message: it can hold any bytes, of any length.

    Args:
        name: The name of an entry.

    Returns:
        At most 60 characters, `?` where one is not printable ASCII.
    """
    var text: List[UInt8] = []
    for byte in name.as_bytes():
        var printable = byte >= 0x20 and byte < 0x7F
        text.append(byte if printable else UInt8(ord("?")))
    return shorten(StringSpan(unsafe_from_utf8=text))


def _archive_data(entry: Entry, path: String) -> Rejection:
    """Makes a rejection of the rule archive.data."""
    return member_fault(
        "archive.data",
        entry,
        path,
        "its deflate stream is invalid or does not end with its data",
    )


def fill_from_zip64(extra: Span[UInt8, _], mut sizes: List[Int]) -> Bool:
    """Replaces saturated sizes by those of the zip64 extra field, which must lie wholly inside.

    Args:
        extra: The extra fields of a central header.
        sizes: Uncompressed size, compressed size, offset.

    Returns:
        False where a saturated one has no value.
    """
    var at = 0
    while at + 4 <= len(extra) and little(extra, at, 2) != 1:
        at += 4 + little(extra, at + 2, 2)
    var end = at
    if at + 4 <= len(extra):
        end = at + 4 + little(extra, at + 2, 2)
    if end > len(extra):
        end = at
    at += 4
    for i in range(3):
        if sizes[i] == ALL_ONES_32:
            if at + 8 > end:
                return False
            sizes[i] = little(extra, at, 8)
            at += 8
    return True


def archive_member_path(
    archive: Archive, entries: List[Entry]
) raises Rejection:
    """Raises archive.member-path at a name with a slash or a backslash."""
    for entry in entries:
        if "/" in entry.name or "\\" in entry.name:
            raise archive.fault(
                "archive.member-path",
                String("an entry is named ", readable(entry.name)),
            )


def archive_member_unexpected(
    archive: Archive, entries: List[Entry], dues: List[Due]
) raises Rejection:
    """Raises archive.member-unexpected at an entry that is no member due."""
    var known: Set[String] = {}
    for due in dues:
        known.add(due.name + ".npy")
    for entry in entries:
        if entry.name not in known:
            raise archive.fault(
                "archive.member-unexpected",
                String("the entry ", readable(entry.name), " is not due"),
            )


def archive_member_twice(
    archive: Archive, entries: List[Entry]
) raises Rejection -> Dict[String, Int]:
    """Raises archive.member-twice at a name that occurs twice; else returns the index of each name."""
    var indices: Dict[String, Int] = {}
    for i in range(len(entries)):
        if entries[i].name in indices:
            raise archive.fault(
                "archive.member-twice",
                String(
                    "the entry ", readable(entries[i].name), " is there twice"
                ),
            )
        indices[entries[i].name] = i
    return indices^


def archive_member_missing(
    entries: List[Entry], indices: Dict[String, Int], dues: List[Due]
) raises Rejection -> List[Entry]:
    """Raises archive.member-missing at a member due that is not there; else returns the entries in due order."""
    var members: List[Entry] = []
    for due in dues:
        var index = indices.get(due.name + ".npy")
        if not index:
            raise Rejection(
                "archive.member-missing",
                due.path,
                String("the archive: the member ", due.name, " is missing"),
            )
        members.append(entries[index.value()].copy())
    return members^


def check_members(
    archive: Archive, mut members: List[Entry], dues: List[Due]
) raises Rejection:
    """Checks the headers of members.

    Args:
        archive: The archive.
        members: The entries in due order; learn where their data begin.
        dues: The members due.

    Raises:
        Rejection: A rule from archive.encrypted to archive.local-header, or the system failed.
    """
    for i in range(len(members)):
        if members[i].flags & ENCRYPTION_FLAGS != 0:
            raise member_fault(
                "archive.encrypted", members[i], dues[i].path, "is encrypted"
            )
    for i in range(len(members)):
        if members[i].method != STORED and members[i].method != DEFLATED:
            raise member_fault(
                "archive.compression",
                members[i],
                dues[i].path,
                "is neither stored nor deflated",
            )
    var taken = Taken()
    for i in range(len(members)):
        archive.archive_local_header(members[i], dues[i].path)
        if not taken.add(
            members[i].offset, members[i].data + members[i].compressed
        ):
            raise member_fault(
                "archive.local-header",
                members[i],
                dues[i].path,
                "its bytes overlap those of an earlier member",
            )


struct Taken:
    """The parts of an archive that members have, sorted."""

    var starts: List[Int]
    """Where each part begins."""
    var ends: List[Int]
    """Where each part ends."""

    def __init__(out self):
        """Starts with nothing taken."""
        self.starts = []
        self.ends = []

    def add(mut self, start: Int, end: Int) -> Bool:
        """Takes a part.

        Args:
            start: Its first byte.
            end: The byte after its last one.

        Returns:
            False where a part of it is taken already.
        """
        var low = 0
        var high = len(self.starts)
        while low < high:
            var middle = (low + high) // 2
            if self.starts[middle] < start:
                low = middle + 1
            else:
                high = middle
        if low > 0 and self.ends[low - 1] > start:
            return False
        if low < len(self.starts) and self.starts[low] < end:
            return False
        self.starts.insert(low, start)
        self.ends.insert(low, end)
        return True


def most_bytes(shape: List[Int]) -> Int:
    """Bounds the size that a member may declare.

    Args:
        shape: The shape due.

    Returns:
        8 bytes per element and MAX_NPY_HEADER_BYTES.
    """
    return 8 * elements(shape) + MAX_NPY_HEADER_BYTES
