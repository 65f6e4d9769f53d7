"""Checkpoint pairs on disk: a sidecar and the archive that it is bound to, read."""

from std.bit import byte_swap
from std.memory import bitcast

from .archive import (
    Archive,
    Due,
    Entry,
    archive_member_missing,
    archive_member_path,
    archive_member_twice,
    archive_member_unexpected,
    check_members,
    most_bytes,
)
from .document import Document
from .json import read_json
from .npy import Array
from .places import open_below
from .posix import File, Status
from .rules import IO_FAILURE, MAX_DEPTH, MAX_SIDECAR_BYTES, Rejection
from .sha256 import Sha256
from .sidecar import Sidecar, read_sidecar
from .zlib import load_zlib

comptime DIGITS_IN_NAME = 16
comptime VALUES_PER_CHUNK = 8192


struct Pair(Movable):
    """A pair that has been read."""

    var document: Document
    """The text of the sidecar."""
    var sidecar: Sidecar
    """What it is known by."""
    var arrays: List[Array]
    """The members, in due order."""

    def __init__(
        out self,
        var document: Document,
        var sidecar: Sidecar,
        var arrays: List[Array],
    ):
        """Joins what has been read.

        Args:
            document: The text of the sidecar.
            sidecar: What it is known by.
            arrays: The members, in due order.
        """
        self.document = document^
        self.sidecar = sidecar^
        self.arrays = arrays^


struct SidecarText(Movable):
    """The bytes of a sidecar, and the file that they are from."""

    var bytes: List[UInt8]
    """The text."""
    var status: Status
    """The state of the file."""

    def __init__(out self, var bytes: List[UInt8], status: Status):
        """Joins text and state.

        Args:
            bytes: The text.
            status: The state of the file.
        """
        self.bytes = bytes^
        self.status = status


def load_pair(
    folder: String, base: String, path: String
) raises Rejection -> Pair:
    """Reads a pair.

    Args:
        folder: The folder that the place is relative to, without links.
        base: The place, without extension.
        path: The path of a rejection of that place.

    Returns:
        The pair.

    Raises:
        Rejection: The first broken rule, or the system failed.
    """
    while True:
        var text = read_sidecar_text(folder, base, path)
        var document = read_json(text.bytes.copy(), MAX_DEPTH)
        var sidecar = read_sidecar(document)
        var archive: Archive
        try:
            archive = bound_archive(folder, base, sidecar.digest, path)
        except fault:
            # A save may have come between the reading of the sidecar and of the archive.
            if (
                fault.code != IO_FAILURE
                and sidecar.digest
                and is_another(folder, base, path, text)
            ):
                continue
            raise fault^
        var arrays = read_members(archive, sidecar.dues)
        return Pair(document^, sidecar^, arrays^)


def read_sidecar_text(
    folder: String, base: String, path: String
) raises Rejection -> SidecarText:
    """Raises checkpoint.sidecar-missing or checkpoint.sidecar-size, else returns the text of the sidecar.

    Args:
        folder: The folder that the place is relative to.
        base: The place, without extension.
        path: The path of a rejection of that place.

    Returns:
        The text.

    Raises:
        Rejection: One of the rules, or the system failed.
    """
    var file = open_below(folder, base + ".json", path)
    if not file:
        raise Rejection(
            "checkpoint.sidecar-missing",
            "",
            String("the sidecar: there is no ", base, ".json"),
        )
    var status = file.value().status()
    var bytes: List[UInt8] = []
    # One byte more than allowed, so that a file that grows meanwhile is noticed.
    var most = min(status.size, MAX_SIDECAR_BYTES) + 1
    if (
        status.size > MAX_SIDECAR_BYTES
        or file.value().read_at(0, most, bytes) > MAX_SIDECAR_BYTES
    ):
        raise Rejection(
            "checkpoint.sidecar-size",
            "",
            String(
                "the sidecar: expected at most ", MAX_SIDECAR_BYTES, " bytes"
            ),
        )
    return SidecarText(bytes^, status)


def is_another(
    folder: String, base: String, path: String, text: SidecarText
) -> Bool:
    """Looks at the sidecar again.

    Args:
        folder: The folder that the place is relative to.
        base: The place, without extension.
        path: The path of a rejection of that place.
        text: The sidecar as it was.

    Returns:
        True where it is another file or another text by now.
    """
    try:
        var now = read_sidecar_text(folder, base, path)
        return now.status != text.status or now.bytes != text.bytes
    except:
        # It cannot be read any more; the next attempt says why.
        return True


def bound_archive(
    folder: String, base: String, digest: Optional[String], path: String
) raises Rejection -> Archive:
    """Opens the archive of a pair.

    Args:
        folder: The folder that the place is relative to.
        base: The place, without extension.
        digest: The digest that the archive must have, if the sidecar has one.
        path: The path of a rejection of the place.

    Returns:
        The archive.

    Raises:
        Rejection: A rule from archive.missing to archive.digest, of the first file that is there; or the system failed.
    """
    var names: List[String] = [base + ".npz"]
    if digest:
        names.append(base + ".npz." + digest.value()[byte=0:DIGITS_IN_NAME])
        # Once more, because a save may have given the second one the first name between the two looks.
        names.append(base + ".npz")
    var first_fault: Optional[Rejection] = None
    for name in names:
        var file = open_below(folder, name, path)
        if not file:
            continue
        try:
            var archive = Archive(file.take(), "")
            if digest:
                archive.archive_digest(digest.value())
            return archive^
        except fault:
            if fault.code == IO_FAILURE:
                raise fault^
            if not first_fault:
                first_fault = fault^
    if first_fault:
        raise first_fault.take()
    raise Rejection(
        "archive.missing", "", String("the archive: there is no ", base, ".npz")
    )


def read_members(
    archive: Archive, dues: List[Due]
) raises Rejection -> List[Array]:
    """Reads all members of the archive of a pair.

    Args:
        archive: The archive.
        dues: The members due.

    Returns:
        Their arrays, in due order.

    Raises:
        Rejection: A rule from archive.entry-count to checkpoint.weight-finite, or the system failed.
    """
    archive.archive_entry_count(len(dues))
    var entries = archive.archive_directory()
    archive_member_path(archive, entries)
    archive_member_unexpected(archive, entries, dues)
    var indices = archive_member_twice(archive, entries)
    var members = archive_member_missing(entries, indices, dues)
    check_members(archive, members, dues)
    var arrays = List[Array](capacity=len(dues))
    # Held, so that it is not loaded anew for each member.
    var library = load_zlib()
    for i in range(len(dues)):
        var array = archive.read_array(
            members[i],
            dues[i].path,
            dues[i].shape.copy(),
            most_bytes(dues[i].shape),
        )
        check_values(array, dues[i].path)
        arrays.append(array^)
    _ = library^
    return arrays^


def check_values(array: Array, path: String) raises Rejection:
    """Raises checkpoint.weight-type at an integer that binary64 cannot hold, checkpoint.weight-finite at NaN or an infinity.

    Args:
        array: The array.
        path: Its path.

    Raises:
        Rejection: One of the rules.
    """
    if array.inexact:
        raise Rejection(
            "checkpoint.weight-type",
            path + array.subscripts(array.inexact.value()),
            "expected an integer that binary64 can hold",
        )
    var place = array.not_finite()
    if place:
        raise Rejection(
            "checkpoint.weight-finite",
            path + array.subscripts(place.value()),
            "expected a finite value",
        )


def value_digest(values: Span[Float64, _]) -> String:
    """Digests values as big-endian binary64.

    Args:
        values: The values in C order.

    Returns:
        The SHA-256 in 64 hexadecimal digits.
    """
    var digest = Sha256()
    var chunk = List[UInt64](capacity=VALUES_PER_CHUNK)
    for i in range(len(values)):
        chunk.append(byte_swap(bitcast[DType.uint64](values[i])))
        if len(chunk) == VALUES_PER_CHUNK or i + 1 == len(values):
            digest.update(
                Span(
                    unsafe_ptr=chunk.unsafe_ptr().unsafe_bitcast[UInt8](),
                    length=8 * len(chunk),
                )
            )
            chunk.clear()
    return digest.finish()
