"""Checkpoint pairs on disk: `BASE.json`, the sidecar, and `BASE.npz`, the weight archive (pairs.md).

A pair that is saved replaces the old one whole or not at all, whatever happens meanwhile, and a reader sees the old one
or the new one.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from spikeparity import matrix
from spikeparity.files import CHUNK, File, MissingFileError, Place, Storage, StorageError
from spikeparity.matrix import FloatArray
from spikeparity.neurons.kinds import DENSE, kind_of
from spikeparity.neurons.network import Network
from spikeparity.rejection import RejectedError
from spikeparity.transfer import checkpoint as checkpoints
from spikeparity.transfer import fine_tune, npy, sidecar, zip_archive
from spikeparity.transfer.checkpoint import SNNCheckpoint
from spikeparity.transfer.sidecar import Member
from spikeparity.transfer.zip_archive import STORED, Directory, Due
from spikeparity.transfer.zip_writer import Writer
from spikeparity.values import describe

# Bytes that a member may have beside 8 for each element: the longest header of version 1.0, and what is before it.
HEADER_BYTES = 65_548

# How often a load starts afresh because of a pair saved meanwhile: each time takes somebody a whole save.
FRESH_STARTS = 1000

# How deep metadata may nest: in a sidecar they are one level deeper, and a JSON text has at most 64.
METADATA_DEPTH = 63

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
CREATED = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

SIDECAR, ARCHIVE = ".json", ".npz"
TEMPORARY = ".tmp"
DIGITS = 16

# What is saved: the sidecar's document without the digest, and the arrays of its members in due order.
Contents = tuple[dict[str, Any], Sequence[FloatArray]]


@dataclass(frozen=True)
class Pair:
    """What is in a pair: the sidecar's document, and the members with their arrays in due order."""

    document: Any
    members: list[Member]
    arrays: list[FloatArray]

    def checkpoint(self) -> SNNCheckpoint:
        """Return the layers without what only a network has; the arrays are not copied.

        Raises:
            RejectedError: checkpoint.network, where a layer of the network is not dense.

        """
        for index, layer in enumerate(self.document.get("network", {"layers": ()})["layers"]):
            if kind_of(layer) != DENSE:
                message = f"expected dense layers alone, got the kind {kind_of(layer)}; load_network takes all kinds"
                raise RejectedError("checkpoint.network", f"/network/layers/{index}/kind", message)
        weights = [array for part, array in zip(self.members, self.arrays, strict=True) if part.name[0] == "l"]
        return SNNCheckpoint.of_checked({**self.document, "weights": weights})

    def network(self) -> Network:
        """Return the network; raises RejectedError (network.neuron-model) where the pair is a mere checkpoint."""
        if sidecar.version(self.document) != sidecar.NETWORK:
            message = "expected a network (format 2), got a checkpoint (format 1), which has no neurons"
            raise RejectedError("network.neuron-model", "", message)
        arrays = {part.name: array for part, array in zip(self.members, self.arrays, strict=True)}
        return Network.of_checked(sidecar.with_arrays(self.document, arrays))


def save_checkpoint(checkpoint: SNNCheckpoint, path: Any, *, compress: bool = True, durable: bool = True) -> None:
    """Save a checkpoint as the pair `path`.json, `path`.npz, in place of the one that is there.

    Whatever happens meanwhile, the old pair or the new one is left, whole. Several writers wait for each other.

    Args:
        checkpoint: what to save; its arrays are not changed.
        path: str or os.PathLike, without extension (`model.v1` keeps its dot); folders are created.
        compress: deflate the arrays of 32 KiB and more that become smaller by about a tenth or more; weights of full
            precision do not. All others are stored in such a way that `load_checkpoint` can map them into memory.
        durable: see to it that the pair is on the disk, so that it survives a loss of power too.

    Raises:
        RejectedError: the checkpoint was changed by hand and breaks a rule (path below `/checkpoint`), or its metadata
            nest too deep for a sidecar.
        StorageError: the system refused; the old pair is still there.

    """
    fine_tune.checked(checkpoint)
    contents = of_checkpoint(checkpoint)
    with locked(Place.of(path), durable=durable) as saving:
        saving.run(contents, compress=compress)


def save_network(network: Network, path: Any, *, compress: bool = True, durable: bool = True) -> None:
    """Save a network, biases and neurons included, as a pair of format 2; otherwise as `save_checkpoint`."""
    if not isinstance(network, Network):
        raise RejectedError("network.object", "/network", f"network: expected a Network, got {describe(network)}")
    with locked(Place.of(path), durable=durable) as saving:
        saving.run(of_network(network), compress=compress)


def load_checkpoint(path: Any, *, mmap: bool = False) -> SNNCheckpoint:
    """Load the checkpoint of the pair `path`.json, `path`.npz.

    Of a network of dense layers (format 2) it has their weights, names and sizes; `load_network` gives any network.

    Args:
        path: str or os.PathLike, without extension (`model.v1` keeps its dot).
        mmap: map arrays that are stored uncompressed into memory, read-only, instead of reading them. Their checksums
            and that they are finite are then left to `verify`.

    Raises:
        RejectedError: the pair breaks a rule (pairs.md, sections 2 to 4), or (checkpoint.network) is a network of which
            a layer is not dense.
        MissingFileError: a RejectedError too, where one of the files is not there.
        StorageError: the system refused to read, or the file is none.

    """
    return load(Place.of(path), mapped=mmap).checkpoint()


def load_network(path: Any, *, mmap: bool = False) -> Network:
    """Load the network of a pair of format 2; otherwise as `load_checkpoint`.

    Raises:
        RejectedError: as `load_checkpoint`; `network.neuron-model` where the pair is a mere checkpoint.
        MissingFileError: as `load_checkpoint`.
        StorageError: as `load_checkpoint`.

    """
    return load(Place.of(path), mapped=mmap).network()


def verify(path: Any) -> None:
    """Check a pair whole, checksums and finite values included, as is not done where it is mapped into memory.

    Raises:
        RejectedError: as `load_checkpoint`, of either format.
        MissingFileError: as `load_checkpoint`.
        StorageError: as `load_checkpoint`.

    """
    with opened(Place.of(path)) as (document, file, found):
        for part, array in _arrays(document, file, found, mapped=True, verified=True):
            del part, array


def load(place: Place, *, mapped: bool = False) -> Pair:
    """Load a pair; raises RejectedError, StorageError."""
    with opened(place) as (document, file, found):
        members, arrays = [], []
        for part, array in _arrays(document, file, found, mapped=mapped, verified=not mapped):
            members.append(part)
            arrays.append(array)
        return Pair(document, members, arrays)


@contextmanager
def opened(place: Place) -> Iterator[tuple[Any, File, Directory]]:
    """Open a pair: give the sidecar's document, the archive that belongs to it, and where its directory is."""
    with Storage(place.full()):
        for _ in range(FRESH_STARTS):
            with _sidecar(place) as source:
                document = sidecar.parse(source)
                archive = _archive(place, document, source)
            if archive is not None:
                with archive[0]:
                    yield document, *archive
                return
        raise StorageError(errno.EAGAIN, "the pair is saved faster than it can be read", place.full())


def _sidecar(place: Place) -> File:
    """checkpoint.sidecar-missing: there is a sidecar; returns it."""
    try:
        return place.open(SIDECAR)
    except FileNotFoundError:
        name = place.full(SIDECAR)
        message = f"expected the sidecar {name}, which is absent"
        raise MissingFileError("checkpoint.sidecar-missing", "", message, name) from None


def _archive(place: Place, document: Any, source: File) -> tuple[File, Directory] | None:
    """Return the archive that belongs to a sidecar, or None where a pair has been saved since that was opened."""
    due = document.get("archive_digest")
    if due is None:
        return _bound(place, ARCHIVE, None)
    fault: RejectedError | None = None
    # The third step of a save may come between the first look and the second; then the third look finds the archive.
    for suffix in (ARCHIVE, f"{ARCHIVE}.{due[:DIGITS]}", ARCHIVE):
        try:
            return _bound(place, suffix, due)
        except MissingFileError as error:
            fault = fault or error  # whatever is wrong with the other one says more
        except RejectedError as error:
            if error.code == "file.path":
                raise
            fault = error
    if _changed(place, source):
        return None
    assert fault is not None
    raise fault


def _bound(place: Place, suffix: str, due: str | None) -> tuple[File, Directory]:
    """Open an archive and find its directory; with `due`, its digest must be that."""
    file = _opened_archive(place, suffix)
    try:
        found = zip_archive.directory_of(file)
        if due is not None:
            digest(zip_archive.digest(file, found), due)
    except BaseException:
        file.close()
        raise
    return file, found


def _opened_archive(place: Place, suffix: str) -> File:
    """archive.missing: there is an archive; returns it."""
    try:
        return place.open(suffix)
    except FileNotFoundError:
        name = place.full(suffix)
        raise MissingFileError("archive.missing", "", f"expected the archive {name}, which is absent", name) from None


def digest(found: str, due: str) -> None:
    """archive.digest: the archive is the one that the sidecar is bound to."""
    if found != due:
        message = f"expected the archive that the sidecar was saved with, of digest {due}, got one of {found}"
        raise RejectedError("archive.digest", "", message)


def _changed(place: Place, source: File) -> bool:
    """Tell whether the sidecar is another file now; `source` is still open, so no other file has its inode."""
    try:
        with place.open(SIDECAR) as now:
            return now.identity != source.identity
    except FileNotFoundError:
        return True


def _arrays(
    document: Any, file: File, found: Directory, *, mapped: bool, verified: bool
) -> Iterator[tuple[Member, FloatArray]]:
    """Give each member due and its array."""
    parts = sidecar.members(document)
    due = [_due(part) for part in parts]
    mapping = _map(file) if mapped and file.size else None
    for part, wanted, entry in zip(parts, due, zip_archive.members(file, found, due), strict=True):
        if mapping is None:
            content = zip_archive.content(file, entry, wanted)
        else:
            content = zip_archive.mapped(file, mapping, entry, wanted)
            if verified and entry.method == STORED:
                zip_archive.crc(_checksum(content), entry, part.path)
        array = npy.to_float64(content, part.shape, npy.Leaves(part.path))
        if verified:
            matrix.finite("checkpoint.weight-finite", array, part.path)
        yield part, array


def _due(part: Member) -> Due:
    elements = 1
    for size in part.shape:
        elements *= size
    return Due(f"{part.name}.npy".encode(), part.path, 8 * elements + HEADER_BYTES)


def _map(file: File) -> mmap.mmap:
    with Storage(file.path):
        return mmap.mmap(file.descriptor, 0, access=mmap.ACCESS_READ)


def _checksum(content: zip_archive.Content) -> int:
    value = 0
    for begin in range(0, len(content), CHUNK):
        value = zlib.crc32(content[begin : begin + CHUNK].data, value)
    return value


def of_checkpoint(checkpoint: SNNCheckpoint) -> Contents:
    """Return what a checked checkpoint is saved as; raises RejectedError where its metadata nest too deep."""
    weights = [
        matrix.as_array(array, inputs)
        for array, (inputs, _) in zip(checkpoint.weights, checkpoint.layer_sizes, strict=True)
    ]
    try:
        checkpoints.metadata_depth(checkpoint.metadata, METADATA_DEPTH)
    except RejectedError as error:  # nothing in them is at fault alone
        message = f"metadata: expected at most {METADATA_DEPTH} nested objects and arrays, which a sidecar can hold"
        raise RejectedError(error.code, "/checkpoint/metadata", message) from None
    return sidecar.of_checkpoint(checkpoint), weights


def of_network(network: Network) -> Contents:
    """Return what a network is saved as."""
    return sidecar.of_network(network)


@contextmanager
def locked(place: Place, *, durable: bool = True) -> Iterator[Saving]:
    """Create the folder of a place, and keep other writers out of it until the end of the context.

    Raises:
        RejectedError: file.path, where links lead outside of the place's folder.
        StorageError: the system refused.

    """
    parent = place.parent()
    with Storage(place.full()):
        try:
            folder = os.open(parent, FOLDER)
        except FileNotFoundError:
            make_folder(parent, durable)
            folder = os.open(parent, FOLDER)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield Saving(folder, os.path.basename(place.name), durable)
        finally:
            os.close(folder)  # and with it the lock


class Saving:
    """The steps of a save (pairs.md, section 6), in a folder that is open and locked."""

    def __init__(self, folder: int, base: str, durable: bool) -> None:
        self.folder = folder
        self.base = base
        self.durable = durable
        self.undo: list[str] = []

    def run(self, contents: Contents, *, compress: bool = True) -> None:
        """Save a pair in place of the one that is there, if there is one."""
        document, arrays = contents
        archive, note = self.base + ARCHIVE, self.base + SIDECAR
        try:
            digest = self.write_archive(archive + TEMPORARY, document, arrays, compress)
            named = f"{archive}.{digest[:DIGITS]}"
            self.rename(archive + TEMPORARY, named, undo=not self.exists(named))
            self.write_sidecar(note + TEMPORARY, {**document, "archive_digest": digest})
            os.rename(note + TEMPORARY, note, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        except BaseException:
            self.clear(self.undo)
            raise
        self.sync(self.folder)
        self.rename(named, archive)
        left = [name for name in os.listdir(self.folder) if self.is_left(name)]
        if self.clear(left):
            self.sync(self.folder)

    def write_archive(self, name: str, document: Any, arrays: Sequence[FloatArray], compress: bool) -> str:
        """Write the archive under a name; return its digest."""
        with self.created(name) as descriptor:
            writer = Writer(descriptor)
            for part, array in zip(sidecar.members(document), arrays, strict=True):
                contents: list[bytes | memoryview] = [npy.header_bytes(part.shape), npy.data_bytes(array)]
                writer.add(f"{part.name}.npy".encode(), contents, compress=compress)
            writer.finish()
        return writer.digest

    def write_sidecar(self, name: str, document: Any) -> None:
        """Write the sidecar under a name."""
        data = sidecar.text(document)
        if len(data) > sidecar.BYTES:
            raise StorageError(errno.EFBIG, f"a sidecar of {len(data)} bytes is more than anybody reads", name)
        with self.created(name) as descriptor:
            done = 0
            while done < len(data):
                done += os.write(descriptor, data[done:])

    @contextmanager
    def created(self, name: str) -> Iterator[int]:
        """Create a file in place of what an interrupted save left, and never through a link."""
        self.undo.append(name)
        try:
            descriptor = os.open(name, CREATED, 0o666, dir_fd=self.folder)
        except FileExistsError:
            os.unlink(name, dir_fd=self.folder)
            descriptor = os.open(name, CREATED, 0o666, dir_fd=self.folder)
        try:
            yield descriptor
            self.sync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str, *, undo: bool = False) -> None:
        """Rename a file; with `undo` it is removed where the save fails."""
        os.rename(old, new, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        if undo:
            self.undo.append(new)
        self.sync(self.folder)

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file: of a pair that was committed, and whose save was then interrupted."""
        try:
            os.stat(name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def is_left(self, name: str) -> bool:
        """Tell whether a file is what an interrupted save of this pair left."""
        if not name.startswith(self.base):
            return False
        rest = name[len(self.base) :]
        if rest in (ARCHIVE + TEMPORARY, SIDECAR + TEMPORARY):
            return True
        begin = len(ARCHIVE) + 1
        return len(rest) == begin + DIGITS and rest[:begin] == f"{ARCHIVE}." and not set(rest[begin:]) - HEX

    def clear(self, names: Sequence[str]) -> bool:
        """Remove files as far as they are there and can be removed; tell whether there were any."""
        cleared = False
        for name in names:
            with suppress(OSError):
                os.unlink(name, dir_fd=self.folder)
                cleared = True
        return cleared

    def sync(self, descriptor: int) -> None:
        """See to it that a file or a folder is on the disk, where that is asked for."""
        if self.durable:
            os.fsync(descriptor)


HEX = frozenset("0123456789abcdef")


def make_folder(path: str, durable: bool) -> None:
    """Create a folder and those above it, as far as they are not there."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path) or "."
    if above != path:
        make_folder(above, durable)
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    if durable:
        descriptor = os.open(above, FOLDER)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
