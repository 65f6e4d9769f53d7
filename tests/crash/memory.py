"""How much memory a backend takes for a request, beyond what it has after a warm-up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crash.bombs import BOMBS, Bomb
from crash.pairs import checkpoint, pair_of
from crash.peer import Peer, spawned

MOST = 64 << 20
"""Bytes above the warm-up that a hostile pair may cost."""


@dataclass(frozen=True)
class Cost:
    """What a bomb did: the verdict's code and path, and the peak in bytes above the warm-up."""

    bomb: Bomb
    code: str
    path: str
    peak: int


def memory_of(pid: int, field: str) -> int:
    """Return VmRSS (now) or VmHWM (the peak since the last reset) of a process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"{field} of process {pid}")


def reset_peak(pid: int) -> None:
    """Let VmHWM begin again at VmRSS."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def warm_up(peer: Peer) -> int:
    """Load a sound pair and a broken one; return the resident bytes then."""
    pair_of(checkpoint(1.0, [(3, 2)])).write(peer.root / "sound")
    assert peer.verdict("sound")["verdict"] == "accept"
    assert peer.verdict("absent")["code"] == "checkpoint.sidecar-missing"
    return memory_of(peer.pid, "VmRSS")


def costs(language: str, folder: Path, bombs: tuple[Bomb, ...] = BOMBS) -> list[Cost]:
    """Have a backend load the bombs, one after the other, in one process."""
    found = []
    with spawned(language, folder) as peer:
        before = warm_up(peer)
        for bomb in bombs:
            bomb.make(folder / "bomb")
            reset_peak(peer.pid)
            answer = peer.verdict("bomb")
            peak = memory_of(peer.pid, "VmHWM") - before
            found.append(Cost(bomb, answer.get("code", answer["verdict"]), answer.get("path", ""), peak))
    return found
