"""Places of files below a folder: the rule file.path, with symbolic links followed."""

from .document import Document
from .posix import (
    HERE,
    MOST_LINKS,
    File,
    io_failure,
    link_target,
    open_regular,
    status_of,
)
from .rules import Rejection


@fieldwise_init
struct Folders(Copyable):
    """The folders that the runner names; None where it has not."""

    var root: Optional[String]
    """Below this one files are read."""
    var scratch: Optional[String]
    """Below this one pairs are saved."""


def file_path(document: Document, node: Int) raises Rejection -> String:
    """Raises file.path unless a value is a relative path without empty, `.` and `..` components, which is returned."""
    var valid = document.is_string(node)
    var place = String(document.text(node)) if valid else String()
    for part in place.split("/"):
        var component = String(part)
        valid = (
            valid and component != "" and component != "." and component != ".."
        )
    for byte in place.as_bytes():
        valid = valid and byte != 0 and byte != UInt8(ord("\\"))
    if not valid:
        raise document.reject(
            "file.path", node, "a relative path that stays inside its folder"
        )
    return place^


def required_folder(
    folder: Optional[String], name: StaticString
) raises Rejection -> String:
    """Finds a folder that the runner should have named.

    Args:
        folder: The folder.
        name: What the protocol calls it.

    Returns:
        Its path without links.

    Raises:
        Rejection: It has not been named, an I/O failure.
    """
    if not folder:
        raise io_failure(name, "the runner has named no such folder")
    return followed(folder.value())


def below(
    folder: String, place: String, path: String
) raises Rejection -> String:
    """Raises file.path where symbolic links lead out of the folder; else returns the place without links.

    Args:
        folder: The folder, itself without links.
        place: A path relative to it.
        path: The path of the rejection.

    Returns:
        The absolute path, of a file that need not be there.

    Raises:
        Rejection: The rule, or a loop of links.
    """
    var found = followed(folder + "/" + place)
    if found != folder and not found.startswith(
        folder + ("" if folder.endswith("/") else "/")
    ):
        raise Rejection(
            "file.path",
            path,
            String(place, ": leads out of the folder that it is relative to"),
        )
    return found^


def open_below(
    folder: String, place: String, path: String
) raises Rejection -> Optional[File]:
    """Opens a file to read it.

    Args:
        folder: The folder, without links.
        place: A path relative to it.
        path: The path of a rejection.

    Returns:
        The file, None where there is none.

    Raises:
        Rejection: Rule file.path, or the system failed.
    """
    # Whether it is there is asked first: a link that leads nowhere, inside or outside, is a missing file.
    if not status_of(HERE, folder + "/" + place, 0):
        return None
    return open_regular(below(folder, place, path))


def folder_below(
    folder: String, place: String, path: String
) raises Rejection -> String:
    """Raises file.path where the deepest folder of a place that exists is outside; else returns the place.

    Args:
        folder: The folder, without links.
        place: A path relative to it, of a folder that need not be there; empty for the folder itself.
        path: The path of the rejection.

    Returns:
        The absolute path, without links as far as there is something.

    Raises:
        Rejection: The rule, or the system failed.
    """
    var there = place
    while there != "" and not status_of(HERE, folder + "/" + there, 0):
        var above = String(there[byte = 0 : max(there.rfind("/"), 0)])
        there = above^
    var rest = String(place[byte = there.byte_length() : place.byte_length()])
    if rest != "" and not rest.startswith("/"):
        rest = "/" + rest
    return below(folder, there, path) + rest


def followed(path: String) raises Rejection -> String:
    """Follows all symbolic links as far as there is something; what comes after that stays as it is written.

    Args:
        path: An absolute path.

    Returns:
        The path without links, `.` and `..`.

    Raises:
        Rejection: There is a loop of links, an I/O failure.
    """
    var due = _components(path)
    var done: List[String] = []
    var links = 0
    while len(due) > 0:
        var component = due.pop()
        if component == "..":
            if len(done) > 0:
                _ = done.pop()
            continue
        done.append(component^)
        var target = link_target(_joined(done))
        if not target:
            continue
        links += 1
        if links > MOST_LINKS:
            raise io_failure(path, "has too many levels of symbolic links")
        _ = done.pop()
        if target.value().startswith("/"):
            done.clear()
        due.extend(_components(target.value()))
    return _joined(done)


def _components(path: String) -> List[String]:
    """Splits a path, the last component first; empty ones and `.` mean nothing."""
    var components: List[String] = []
    for part in path.split("/"):
        var component = String(part)
        if component != "" and component != ".":
            components.append(component^)
    components.reverse()
    return components^


def _joined(components: List[String]) -> String:
    """Makes an absolute path of components."""
    if len(components) == 0:
        return "/"
    var path = String()
    for component in components:
        path += "/" + component
    return path^
