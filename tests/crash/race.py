"""Two writers save over the same pair as fast as they can while somebody reads it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crash.pairs import checkpoint, network
from crash.peer import Peer, spawned

CONTENTS: tuple[dict[str, Any], ...] = (
    {"checkpoint": checkpoint(1.0, [(3, 2)], metadata={"number": 0})},
    {"checkpoint": checkpoint(2.0, [(3, 2)], metadata={"number": 1}), "compress": False},
    {"checkpoint": checkpoint(3.0, [(40, 30), (30, 20)], frozen_layers=["layer 1"])},
    {"network": network(0.5, [(3, 4), (4, 2)])},
    {"network": network(0.25, [(30, 40), (40, 2)]), "compress": False},
)


@dataclass
class Race:
    """What came of it.

    Attributes:
        saves: Writer → how often it saved.
        loads: Reader → how often it loaded.
        seen: Which of CONTENTS was loaded how often.
        faults: Answers that were neither, each with its count.
        left: Names in the folder afterwards.
    """

    saves: Counter[str] = field(default_factory=Counter)
    loads: Counter[str] = field(default_factory=Counter)
    seen: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)


def race(writers: Sequence[str], readers: Sequence[str], folder: Path, seconds: float) -> Race:
    """Let backends of these languages write and read the pair `folder/shared/pair` for some seconds."""
    peers = [spawned(language, folder) for language in (*writers, *readers)]
    found, stop = Race(), threading.Event()
    due = [_save(peers[0], number, f"alone/{number}") for number in range(len(CONTENTS))]
    _save(peers[0], 0, "shared/pair")
    for position, peer in enumerate(peers):  # what a first call of each kind compiles is no part of the race
        for number in range(len(CONTENTS)):
            if position < len(writers):
                _save(peer, number, f"alone/{number}")
            peer.ask("checkpoint.load", base=f"alone/{number}")

    def write(peer: Peer, name: str, first: int) -> None:
        number = first
        while not stop.is_set():
            answer = peer.ask("checkpoint.save", base="shared/pair", **CONTENTS[number % len(CONTENTS)])
            found.saves[name] += 1
            if answer != due[number % len(CONTENTS)]:
                found.faults[f"{name} saved: {answer}"] += 1
            number += 1

    def read(peer: Peer, name: str) -> None:
        while not stop.is_set():
            answer = peer.ask("checkpoint.load", base="shared/pair")
            found.loads[name] += 1
            if answer in due:
                found.seen[due.index(answer)] += 1
            else:
                found.faults[f"{name} loaded: {answer}"] += 1

    names = [f"{language} {number}" for number, language in enumerate((*writers, *readers))]
    threads = [
        threading.Thread(target=write, args=(peers[number], names[number], 2 * number))
        for number in range(len(writers))
    ] + [
        threading.Thread(target=read, args=(peers[number], names[number])) for number in range(len(writers), len(peers))
    ]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
    for peer in peers:
        if peer.close() != 0:
            found.faults[f"process {peer.pid} ended badly"] += 1
    found.left = sorted(file.name for file in (folder / "shared").iterdir())
    return found


def _save(peer: Peer, number: int, base: str) -> dict[str, Any]:
    answer = peer.ask("checkpoint.save", base=base, **CONTENTS[number])
    assert answer["verdict"] == "accept", answer
    return answer
