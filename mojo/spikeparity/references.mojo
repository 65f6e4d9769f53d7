"""References in a request: arrays in files, and networks in pairs."""

from .archive import (
    Archive,
    Due,
    archive_member_missing,
    archive_member_twice,
    check_members,
)
from .document import Document
from .npy import Array
from .pair import Pair, load_pair
from .places import file_path, open_below
from .rules import (
    IO_FAILURE,
    MAX_FILE_ARRAY_BYTES,
    MAX_FILE_ARRAY_ENTRIES,
    Rejection,
)
from .posix import io_failure


def resolve(
    mut document: Document, node: Int, folder: Optional[String]
) raises Rejection:
    """Replaces a reference to an array in a file by the array; other values stay as they are.

    Args:
        document: Holds the value.
        node: The value.
        folder: Where files are, without links; None where references are none.

    Raises:
        Rejection: A rule from file.reference to npy.length, or the system failed.
    """
    if not folder or not document.member(node, "file"):
        return
    file_reference(document, node)
    var array = read_reference(document, node, folder.value())
    if not document.attach(node, array^):
        raise io_failure(
            document.pointer(node),
            "has no values, but too many rows or columns",
        )


def file_reference(document: Document, node: Int) raises Rejection:
    """Raises file.reference unless an object has the members file and member, a string, and no other."""
    var member = document.member(node, "member")
    if (
        document.size(node) != 2
        or not member
        or not document.is_string(member.value())
    ):
        raise document.reject(
            "file.reference",
            node,
            "the members file and member, a string, alone",
        )


def read_reference(
    document: Document, node: Int, folder: String
) raises Rejection -> Array:
    """Reads the array that a reference stands for.

    Args:
        document: Holds the reference.
        node: The reference, well-formed.
        folder: Where files are, without links.

    Returns:
        The array.

    Raises:
        Rejection: A rule from file.path to npy.length, or the system failed.
    """
    var path = document.pointer(node)
    var place_node = document.member(node, "file").value()
    var place = file_path(document, place_node)
    var file = open_below(folder, place, document.pointer(place_node))
    if not file:
        raise Rejection(
            "archive.missing", path, String("the archive: there is no ", place)
        )
    var archive = Archive(file.take(), path)
    archive.archive_entry_count(MAX_FILE_ARRAY_ENTRIES)
    var entries = archive.archive_directory()
    var due = Due(
        String(document.text(document.member(node, "member").value())),
        [],
        path,
    )
    # Of all entries only those of this name matter.
    for i in range(len(entries) - 1, -1, -1):
        if entries[i].name != due.name + ".npy":
            _ = entries.pop(i)
    var indices = archive_member_twice(archive, entries)
    var dues: List[Due] = [due^]
    var members = archive_member_missing(entries, indices, dues)
    check_members(archive, members, dues)
    return archive.read_array(members[0], path, None, MAX_FILE_ARRAY_BYTES)


def names_pair(document: Document, root: Int) raises Rejection -> Optional[Int]:
    """Raises network.unknown-key where there is anything beside the pair that a network is in; else returns its place.

    Args:
        document: Holds the network.
        root: The network.

    Returns:
        The place, None for a network that is not in a pair.

    Raises:
        Rejection: The rule.
    """
    var place = document.member(root, "checkpoint")
    if place:
        for key in document.keys(root):
            if key + 1 != place.value():
                raise document.reject_unknown(
                    "network.unknown-key", key, ["checkpoint"]
                )
    return place


def read_network_pair(
    document: Document, place: Int, folder: String
) raises Rejection -> Document:
    """Reads the network in a pair.

    Args:
        document: Holds the place.
        place: The place of the pair.
        folder: Where pairs are, without links.

    Returns:
        The sidecar, whose network has arrays in the place of members.

    Raises:
        Rejection: The first broken rule, always at the place; or the system failed.
    """
    var path = document.pointer(place)
    var base = file_path(document, place)
    var pair: Pair
    try:
        pair = load_pair(folder, base, path)
    except fault:
        if fault.code != IO_FAILURE:
            fault.path = path
        raise fault^
    if pair.sidecar.format_version == 1:
        raise document.reject_because(
            "network.neuron-model",
            place,
            "is a pair of format 1, which has no neurons",
        )
    return stored_network(pair^)


def stored_network(var pair: Pair) raises Rejection -> Document:
    """Puts the members of a pair in the place of what refers to them.

    Args:
        pair: A pair of format 2.

    Returns:
        The sidecar.

    Raises:
        Rejection: A matrix has no values, but too many rows or columns: an I/O failure.
    """
    var document = Document([], [])
    swap(document, pair.document)
    for i in range(len(pair.arrays)):
        var node = pair.sidecar.references[i].node
        if not document.attach(node, pair.arrays[i].copy()):
            raise io_failure(
                document.pointer(node),
                "has no values, but too many rows or columns",
            )
    return document^
