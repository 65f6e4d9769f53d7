"""The system refuses: a full disk, a read-only folder, a file-size limit, any failing call; and files that are none.

The answer is an error that says so (StorageError in Python), the old pair stays, and the next save leaves nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import spikeparity
from crash import MEMORY, killing
from crash.disk import snapshot
from crash.judge import Judge
from crash.oracle_reader import OracleReader
from crash.pairs import pair_of
from crash.peer import LANGUAGES, Peer, spawned, started
from crash.saves import LARGE, OTHER, SAVES, SMALL, leftovers

QUICK = ("python", "rust")
NOBODY = 65534
CAPABILITIES_OVER_PERMISSIONS = (1, 2, 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
PR_CAPBSET_DROP = 24

_libc = ctypes.CDLL(None, use_errno=True)


def heed_permissions() -> None:
    """Take from a root that is about to execute a program the power to ignore permissions; CI runs as root."""
    if os.getuid() == 0:
        for capability in CAPABILITIES_OVER_PERMISSIONS:
            assert _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def become_nobody() -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@contextlib.contextmanager
def file_size_limit(peer: Peer, size: int) -> Iterator[None]:
    """Allow a process files of so many bytes."""
    before = resource.prlimit(peer.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(peer.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(peer.pid, resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """The folder of the folders that the tests save in."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def scratch(ground) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=ground))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)


@pytest.fixture(scope="module")
def peers(ground) -> Iterator[Callable[[str], Peer]]:
    """Backends that heed permissions, each started where it is asked for first: Julia takes its time."""
    running: dict[str, Peer] = {}

    def peer(language: str) -> Peer:
        if language not in running:
            running[language] = spawned(language, ground, prepare=heed_permissions)
        return running[language]

    yield peer
    for each in running.values():
        each.close()


@pytest.fixture
def small_disk(scratch) -> Iterator[Path]:
    """A disk of 96 KiB where root may mount one, else a folder (a limit on files stands in for the disk)."""
    words = ["mount", "-t", "tmpfs", "-o", "size=96k", "none", str(scratch)]
    mounted = shutil.which("mount") is not None and subprocess.run(words, capture_output=True).returncode == 0
    yield scratch
    if mounted:
        subprocess.run(["umount", str(scratch)], check=True)


def pair_in(peer: Peer, folder: Path, name: str = "pair") -> str:
    """Return what a peer calls a pair in a folder."""
    return str((folder / name).relative_to(peer.scratch))


def save(peer: Peer, folder: Path, content: dict) -> dict:
    return peer.ask("checkpoint.save", base=pair_in(peer, folder), checkpoint=content, compress=False)


def load(peer: Peer, folder: Path) -> dict:
    return peer.verdict(pair_in(peer, folder))


def assert_saves_again(peer: Peer, scratch: Path) -> None:
    """A save that fits replaces the pair and leaves nothing else."""
    assert save(peer, scratch, OTHER)["verdict"] == "accept"
    assert sorted(file.name for file in scratch.iterdir()) == ["pair.json", "pair.npz"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_disk(language, small_disk, peers):
    pair_of(SMALL).write(small_disk / "pair")
    filler = small_disk / "filler"
    verdicts = []
    peer = peers(language)
    limit = contextlib.nullcontext() if os.path.ismount(small_disk) else file_size_limit(peer, 4096)
    with limit:
        old = load(peer, small_disk)
        # The less room there is, the earlier in the save it runs out.
        for room in (0, 4, 12, 28, 40):
            fill(filler, small_disk, room)
            answer = save(peer, small_disk, LARGE)
            verdicts.append(answer["verdict"])
            filler.unlink()
            if answer["verdict"] == "error":
                assert load(peer, small_disk) == old
                assert sorted(file.name for file in small_disk.iterdir()) == ["pair.json", "pair.npz"]
        assert_saves_again(peer, small_disk)
    assert verdicts[0] == "error"


def fill(filler: Path, disk: Path, room: int) -> None:
    """Leave so many KiB free."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while os.path.ismount(disk):
            file.write(bytes(4096))
    size = filler.stat().st_size
    os.truncate(filler, max(0, size - 1024 * room))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_size_limit(language, scratch, peers):
    pair_of(SMALL).write(scratch / "pair")
    peer = peers(language)
    with file_size_limit(peer, 8192):
        old = load(peer, scratch)
        assert save(peer, scratch, LARGE)["verdict"] == "error"
        assert load(peer, scratch) == old
        assert sorted(file.name for file in scratch.iterdir()) == ["pair.json", "pair.npz"]
        assert_saves_again(peer, scratch)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_read_only_folder(language, scratch, peers):
    pair_of(SMALL).write(scratch / "pair")
    before = snapshot(scratch)
    peer = peers(language)
    scratch.chmod(0o555)
    assert save(peer, scratch, OTHER)["verdict"] == "error"
    assert snapshot(scratch) == before
    assert load(peer, scratch)["verdict"] == "accept"
    scratch.chmod(0o755)
    assert_saves_again(peer, scratch)


@pytest.mark.parametrize("language", QUICK)
def test_a_folder_of_somebody_else(language, scratch):
    pair_of(SMALL).write(scratch / "pair")
    scratch.chmod(0o555)
    before = snapshot(scratch)
    with started(language, scratch, prepare=become_nobody) as peer:
        assert save(peer, scratch, OTHER)["verdict"] == "error"
        assert load(peer, scratch)["verdict"] == "accept"
    assert snapshot(scratch) == before


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("extension", ["json", "npz"])
def test_a_file_that_may_not_be_read_is_an_error_and_no_rejection(language, extension, scratch, peers):
    pair_of(SMALL).write(scratch / "pair")
    (scratch / f"pair.{extension}").chmod(0)
    assert load(peers(language), scratch)["verdict"] == "error"
    (scratch / f"pair.{extension}").chmod(0o644)
    assert load(peers(language), scratch)["verdict"] == "accept"


def put_folder(file: Path) -> None:
    file.mkdir()


def put_fifo(file: Path) -> None:
    os.mkfifo(file)


def put_device(file: Path) -> None:
    # Outside of the root a link is a rejection; the library is asked about those (see below).
    os.mknod(file, 0o666 | 0o020000, os.makedev(1, 5)) if os.getuid() == 0 else os.mkfifo(file)


def put_loop(file: Path) -> None:
    file.symlink_to(file.name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_no_file_is_an_error_and_is_not_waited_for(language, scratch, peers):
    peer = peers(language)
    for extension in ("json", "npz"):
        for number, put in enumerate((put_folder, put_fifo, put_device, put_loop)):
            base = f"{extension}-{number}"
            pair_of(SMALL).write(scratch / base)
            (scratch / f"{base}.{extension}").unlink()
            put(scratch / f"{base}.{extension}")
            assert peer.verdict(pair_in(peer, scratch, base))["verdict"] == "error", put.__name__


def put_link_outside(file: Path) -> None:
    file.symlink_to("/dev/null")


@pytest.mark.parametrize("language", [*LANGUAGES, "oracle"])
def test_an_archive_that_cannot_be_opened_ends_a_load_though_another_one_would_do(language, scratch, ground, peers):
    pair = pair_of(SMALL)
    named = f"npz.{pair.digest[:16]}"
    reader = OracleReader(ground) if language == "oracle" else peers(language)
    for number, put in enumerate((put_folder, put_fifo, put_loop, put_link_outside)):
        for sound, broken in (("npz", named), (named, "npz")):
            base = f"pair-{number}-{len(sound)}"
            pair.write(scratch / base)
            (scratch / f"{base}.npz").rename(scratch / f"{base}.{sound}")
            put(scratch / f"{base}.{broken}")
            due = "accept" if sound == "npz" else "reject" if put is put_link_outside else "error"
            assert reader.verdict(f"{scratch.name}/{base}")["verdict"] == due, (put.__name__, broken)


@pytest.mark.parametrize("language", QUICK)
def test_any_call_that_fails_leaves_the_old_pair_or_the_new_one(language):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        judge = Judge([OracleReader(Path(folder))], Path(folder))
        with started(language, Path(folder)) as next_saver:
            for case in SAVES:
                if case.name in ("nested new folders", "format 1 to 2", "over a save killed after its commit"):
                    ground = killing.Ground(Path(folder), case)
                    failures = killing.fail_everywhere(
                        ground, lambda scratch: started(language, scratch), next_saver, judge
                    )
                    assert {"old", "new"} == {failure.found for failure in failures}
                    assert sum(failure.verdict == "error" for failure in failures) > 10


# -- the Python library -----------------------------------------------------------------------------------------------


def checkpoint() -> spikeparity.SNNCheckpoint:
    return spikeparity.SNNCheckpoint([np.ones((64, 64))], ["a"], [(64, 64)])


def test_the_library_raises_a_storage_error_that_names_the_file(scratch):
    old, soft = resource.getrlimit(resource.RLIMIT_FSIZE), 8192
    spikeparity.save_checkpoint(checkpoint(), scratch / "pair")
    before = snapshot(scratch)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, old[1]))
    try:
        with pytest.raises(spikeparity.StorageError) as raised:
            spikeparity.save_checkpoint(checkpoint(), scratch / "pair", compress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert raised.value.errno == errno.EFBIG
    assert str(scratch / "pair") in str(raised.value)
    assert snapshot(scratch) == before


@pytest.mark.parametrize("extension", ["json", "npz"])
def test_the_library_raises_a_storage_error_for_a_device(extension, scratch):
    spikeparity.save_checkpoint(checkpoint(), scratch / "pair")
    for device in ("/dev/full", "/dev/zero", "/dev/null"):
        file = scratch / f"pair.{extension}"
        file.unlink()
        file.symlink_to(device)
        with pytest.raises(spikeparity.StorageError):
            spikeparity.load_checkpoint(scratch / "pair")


def test_a_device_in_place_of_a_temporary_file_is_replaced(scratch):
    leftovers(scratch)
    for ending in ("npz.tmp", "json.tmp"):
        file = scratch / f"model.v1.{ending}"
        file.unlink()
        file.symlink_to("/dev/full")
    spikeparity.save_checkpoint(checkpoint(), scratch / "model.v1")
    assert spikeparity.load_checkpoint(scratch / "model.v1") == checkpoint()
    assert not list(scratch.glob("*.tmp"))
