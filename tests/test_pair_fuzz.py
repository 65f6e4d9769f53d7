"""The search for pairs on which backends disagree: repeatable, noticing, and what it has found stays found."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from crash import MEMORY, careless  # noqa: E402
from crash.bombs import sidecar_of, zip_of  # noqa: E402
from crash.pairs import checkpoint, npy, pair_of  # noqa: E402
from crash.peer import LANGUAGES  # noqa: E402
from pair_fuzz import asking  # noqa: E402
from pair_fuzz.artefact import Artefact, pack, unpack  # noqa: E402
from pair_fuzz.asking import Panel  # noqa: E402
from pair_fuzz.drawing import draw  # noqa: E402

PAIR = pair_of(checkpoint(1.0, [(3, 2)]))


@pytest.fixture(scope="module")
def panel() -> Iterator[Panel]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        panel = Panel(LANGUAGES, Path(folder))
        yield panel
        panel.close()


def test_a_seed_gives_the_same_pairs_each_time():
    assert [draw(3, number) for number in range(40)] == [draw(3, number) for number in range(40)]
    assert draw(3, 1) != draw(4, 1)


def test_drawn_pairs_are_read_alike(panel):
    for first in range(0, 384, 64):
        findings = panel.check([(f"7/{number}", draw(7, number)) for number in range(first, first + 64)])
        assert not findings, "\n".join(map(str, findings))
    assert len(panel.verdicts) > 40


def test_another_answer_is_a_finding_with_its_pair(panel, monkeypatch, tmp_path):
    monkeypatch.setattr(asking, "_due", lambda *_: {"verdict": "reject", "code": "archive.crc", "path": ""})
    (finding,) = panel.check([("sound", Artefact({"json": PAIR.sidecar_bytes, "npz": PAIR.archive}))])
    place = finding.write(tmp_path)
    assert (place / "pair.npz").read_bytes() == PAIR.archive
    assert all(f'"{language}"' in (place / "answers.txt").read_text() for language in LANGUAGES)


def test_a_backend_that_died_before_is_replaced(panel):
    for peer in panel.peers.values():
        peer.signal(signal.SIGKILL)
        peer.status()
    assert panel.check([("sound", Artefact({"json": PAIR.sidecar_bytes, "npz": PAIR.archive}))]) == []


def test_a_pair_at_which_a_backend_dies_is_a_finding(monkeypatch, tmp_path):
    # The miniature can only save: a load is the end of it.
    monkeypatch.setattr(asking, "spawned", lambda language, folder: careless.start(folder))
    panel = Panel(["python"], tmp_path)
    (finding,) = panel.check([("sound", Artefact({"json": PAIR.sidecar_bytes, "npz": PAIR.archive}))])
    panel.close()
    assert finding.answers["python"] == {"verdict": "died", "status": 70}


def test_packed_files_unpack():
    files = {"json": PAIR.sidecar_bytes, "npz": PAIR.archive}
    assert unpack(pack(files)) == files


def test_the_command_finds_nothing_in_a_few_pairs_of_the_reference(tmp_path):
    words = [sys.executable, "scripts/fuzz_pairs.py", "--count", "32", "--backend", "python", "--seed", "5"]
    done = subprocess.run([*words, "--findings", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "32 pairs" in done.stdout


# -- what was found ---------------------------------------------------------------------------------------------------


def broken_beside_absent() -> dict[str, bytes]:
    """The archive that a save left under its digest's name is cut off, and there is no BASE.npz."""
    return {"json": PAIR.sidecar_bytes, f"npz.{PAIR.digest[:16]}": PAIR.archive[:-1]}


def one_saturated_count() -> dict[str, bytes]:
    """A zip64 archive whose end record has one count of 0xffff only; the counts are those of the zip64 record."""
    pair = pair_of(checkpoint(1.0, [(3, 2)]), bound=False)
    size, offset = struct.unpack_from("<II", pair.archive, len(pair.archive) - 10)
    body = pair.archive[:-22]
    record = b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = b"PK\6\7" + struct.pack("<IQI", 0, len(body), 1)
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 7, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return {"json": pair.sidecar_bytes, "npz": body + record + locator + end}


def too_far_back(content: bytes) -> dict[str, bytes]:
    """A stream that holds what is declared and then a copy from before its beginning."""
    stored = b"\x00" + struct.pack("<HH", len(content), 0xFFFF ^ len(content)) + content if content else b""
    # A last block of fixed codes: length 3 (0000001), distance 32,768 (11101 and 13 extra bits), end of block.
    bits = "1" + "10" + "0000001" + "11101" + "1" * 13 + "0000000"
    copy = int(bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")
    archive = zip_of("layer_0.npy", 8, stored + copy, len(content), zlib.crc32(content))
    return {"json": json.dumps(sidecar_of(3, 2)).encode(), "npz": archive}


FOUND = {
    "broken beside absent": (broken_beside_absent(), "archive.truncated", ""),
    "one saturated count": (one_saturated_count(), None, None),
    "too far back": (too_far_back(npy((2, 3), [0.0] * 6)), "archive.data", "/weights/0"),
    "too far back at once": (too_far_back(b""), "archive.data", "/weights/0"),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_read_alike(name, panel):
    files, code, path = FOUND[name]
    assert not panel.check([(name, Artefact(files))])
    for peer in panel.peers.values():
        Artefact(files).write(peer.root, "found")
        answer = peer.verdict("found")
        Artefact(files).remove(peer.root, "found")
        assert (answer.get("code"), answer.get("path")) == (code, path)
