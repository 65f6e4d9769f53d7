"""References: arrays and networks of a `simulate` request that are in files (pairs.md, section 7).

A reference is found where the type of the array would be: the rule on that type asks it for its array.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spikeparity.files import MissingFileError, Place, StorageError
from spikeparity.matrix import Deferred, FloatArray
from spikeparity.neurons.network import Network
from spikeparity.rejection import RejectedError, member
from spikeparity.transfer import npy, pair, zip_archive
from spikeparity.transfer.zip_archive import Due
from spikeparity.values import FloatType, describe

BYTES = 1 << 28
ENTRIES = 1024
MEMBERS = ("file", "member")


class Reference(Deferred):
    """An array in a file, in place of the array itself.

    Attributes:
        document: `{"file": "place.npz", "member": "x"}`.
        folder: what `file` is relative to.

    """

    def __init__(self, document: Mapping[str, Any], folder: str) -> None:
        """Keep the document and the folder; nothing is read yet."""
        self.document = document
        self.folder = folder
        self._found: FloatArray | RejectedError | StorageError | None = None

    def array(self, code: str, path: str) -> FloatArray:
        """Return the array, read once; `code` is that of an integer that float64 cannot hold, `path` the reference's.

        Raises:
            RejectedError: file.reference, file.path, archive.*, npy.*, or `code`.
            StorageError: the system refused to read.

        """
        if self._found is None:
            try:
                self._found = self._read(code, path)
            except (RejectedError, StorageError) as error:
                self._found = error
        if isinstance(self._found, Exception):
            raise self._found
        return self._found

    def _read(self, code: str, path: str) -> FloatArray:
        reference(self.document, path)
        place = Place.below(self.folder, self.document["file"], f"{path}/file")
        name = self.document["member"].encode("utf-8", "surrogatepass") + b".npy"
        return npy.to_float64(_content(place, Due(name, path, BYTES)), None, npy.Leaves(path, type=code))


def reference(document: Mapping[str, Any], path: str) -> None:
    """file.reference: the members `file` and `member`, and no others; `member` is a string."""
    for key in document:
        if key not in MEMBERS:
            message = f"reference: expected the members file and member, got {key!r}"
            raise RejectedError("file.reference", path, message)
    if not isinstance(document.get("member"), str):
        got = describe(document["member"]) if "member" in document else "none"
        raise RejectedError("file.reference", path, f"member: expected a string, got {got}")


def _content(place: Place, due: Due) -> npt.NDArray[np.uint8]:
    """Return the content of a member of an archive; of its other members only the headers in the directory count."""
    try:
        file = place.open("")
    except FileNotFoundError:
        name = place.full()
        message = f"expected the archive {name}, which is absent"
        raise MissingFileError("archive.missing", due.path, message, name) from None
    with file:
        try:
            found = zip_archive.directory_of(file)
            zip_archive.entry_count(found, ENTRIES)
            entries = [entry for entry in zip_archive.directory(file, found) if entry.name == due.name]
            zip_archive.member_twice(entry.name for entry in entries)
            chosen = zip_archive.member_missing(entries, [due])
        except RejectedError as error:
            raise RejectedError(error.code, due.path, error.message) from None
        (entry,) = zip_archive.checked_members(file, found, chosen, [due])
        return zip_archive.content(file, entry, due)


def network_of(document: Any, folder: str, dtype: FloatType = np.float64) -> Network:
    """Return the network of a request, inline, in part from files, or from a pair, or raise RejectedError.

    Its values are those of binary64; it is sound in the format `dtype` too.
    """
    if not (isinstance(document, Mapping) and "checkpoint" in document):
        return Network.from_document(in_network(document, folder), dtype)
    for key in document:
        if key != "checkpoint":
            message = f"network: expected no members beside checkpoint, got {key!r}"
            raise RejectedError("network.unknown-key", member("", key), message)
    try:
        network = pair.load(Place.below(folder, document["checkpoint"], "")).network()
        network.rounded(dtype)
        return network
    except RejectedError as error:
        raise RejectedError(error.code, "/checkpoint", error.message) from None


def in_network(document: Any, folder: str) -> Any:
    """Return a network's document with references in place of what names arrays in files."""
    if not isinstance(document, Mapping) or not isinstance(document.get("layers"), (list, tuple)):
        return document
    return {**document, "layers": [_in_layer(layer, folder) for layer in document["layers"]]}


def _in_layer(layer: Any, folder: str) -> Any:
    found = _in(layer, ("weights", "bias"), folder)
    if isinstance(found, Mapping) and isinstance(found.get("inputs"), (list, tuple)):
        return {**found, "inputs": [_in(branch, ("weights",), folder) for branch in found["inputs"]]}
    return found


def in_input(document: Any, folder: str) -> Any:
    """Return an input's document with references in place of what names arrays in files."""
    return _in(document, ("values", "rates"), folder)


def _in(document: Any, keys: tuple[str, ...], folder: str) -> Any:
    if not isinstance(document, Mapping):
        return document
    return {
        key: Reference(value, folder) if key in keys and isinstance(value, Mapping) and "file" in value else value
        for key, value in document.items()
    }
