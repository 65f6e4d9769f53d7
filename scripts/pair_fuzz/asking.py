"""Puts pairs to all backends and to the oracle, and keeps those on which they differ."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.peer import DiedError, Peer, spawned

from conformance import oracle
from pair_fuzz.artefact import Artefact

PATIENCE = 60.0
"""Seconds that a batch may take one backend before it is held to hang."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """A pair on which backends differ from the oracle, or crash, or fail."""

    name: str
    artefact: Artefact
    answers: dict[str, Answer]

    def write(self, folder: Path) -> Path:
        """Write the pair, the question and the answers into a folder of its own; the base there is `pair`."""
        place = folder / self.name
        place.mkdir(parents=True, exist_ok=True)
        self.artefact.write(place, "pair")
        said = {"op": self.artefact.op, "input": self.artefact.input("pair"), "answers": self.answers}
        (place / "answers.txt").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
        return place

    def __str__(self) -> str:
        """Say who answered what, one line each."""
        shown = {name: json.dumps(answer)[:160] for name, answer in self.answers.items()}
        return f"{self.name} ({self.artefact.op})\n" + "\n".join(f"  {name:8}{text}" for name, text in shown.items())


class Panel:
    """The backends, and the folder in which they look.

    Attributes:
        verdicts: How often the oracle gave each code (or accept).
        asked: How many pairs were put.
        peers: The backends, by language; one that has died is replaced when it is asked again.
    """

    def __init__(self, languages: Sequence[str], folder: Path) -> None:
        self._folder = folder
        self.peers: dict[str, Peer] = {language: spawned(language, folder) for language in languages}
        self.verdicts: Counter[str] = Counter()
        self.asked = 0

    def check(self, named: Sequence[tuple[str, Artefact]]) -> list[Finding]:
        """Put a batch (of at most some hundred: requests wait in pipes); return what is wrong."""
        bases = [f"f{number}" for number in range(len(named))]
        for base, (_, artefact) in zip(bases, named, strict=True):
            artefact.write(self._folder, base)
        requests = [(artefact.op, artefact.input(base)) for base, (_, artefact) in zip(bases, named, strict=True)]
        answers: dict[str, list[Answer]] = {}
        sent = {language: _send(peer, requests) for language, peer in self.peers.items()}
        answers["oracle"] = [_due(op, arguments, self._folder) for op, arguments in requests]
        for language in self.peers:
            answers[language] = self._collect(language, sent[language], requests)
        for base, (_, artefact) in zip(bases, named, strict=True):
            artefact.remove(self._folder, base)
        self.asked += len(named)
        return self._compare(named, answers)

    def _collect(self, language: str, ids: list[str], requests: Sequence[tuple[str, Answer]]) -> list[Answer]:
        try:
            answers = _receive(self.peers[language], len(ids))
            return [_stripped(answers[identity]) for identity in ids]
        except DiedError:
            return [self._alone(language, request) for request in requests]

    def _alone(self, language: str, request: tuple[str, Answer]) -> Answer:
        """Ask again one by one after a death, each time of a living process."""
        if self.peers[language].dead:
            self.peers[language] = spawned(language, self._folder)
        peer = self.peers[language]
        try:
            return _stripped(_receive(peer, len(_send(peer, [request])))[peer.last_id])
        except DiedError:
            return {"verdict": "died", "status": peer.status()}

    def _compare(self, named: Sequence[tuple[str, Artefact]], answers: dict[str, list[Answer]]) -> list[Finding]:
        findings = []
        for number, (name, artefact) in enumerate(named):
            here = {who: given[number] for who, given in answers.items()}
            due = here["oracle"]
            self.verdicts[f"{artefact.op} {due.get('code', due['verdict'])}"] += 1
            if due["verdict"] == "error" or not all(agrees(due, answer) for answer in here.values()):
                findings.append(Finding(name, artefact, here))
        return findings

    def close(self) -> None:
        """End the backends."""
        for peer in self.peers.values():
            peer.kill()


def agrees(due: Answer, got: Answer) -> bool:
    """Tell whether an answer is the due one; of a text with several JSON faults any code is."""
    if due.get("code") == "json.*":
        return (
            got.get("verdict") == "reject" and str(got.get("code")).startswith("json.") and got["path"] == due["path"]
        )
    return got == due


def _send(peer: Peer, requests: Sequence[tuple[str, Answer]]) -> list[str]:
    try:
        return [peer.send(op, arguments) for op, arguments in requests]
    except BrokenPipeError:
        return []


def _receive(peer: Peer, count: int) -> dict[str, Answer]:
    if not count:
        raise DiedError("its input is closed")
    watchdog = threading.Timer(PATIENCE, peer.signal, [signal.SIGKILL])
    watchdog.start()
    try:
        answers = [peer.receive() for _ in range(count)]
    finally:
        watchdog.cancel()
    return {answer["id"]: answer for answer in answers}


def _stripped(answer: Answer) -> Answer:
    """Return what is compared; of an error the message stays, for people."""
    dropped = ("id",) if answer["verdict"] == "error" else ("id", "message")
    return {key: value for key, value in answer.items() if key not in dropped}


def _due(op: str, arguments: Answer, folder: Path) -> Answer:
    try:
        return oracle.answer(op, arguments, folder)
    except Exception as error:  # a bug of the oracle's is a finding too
        return {"verdict": "error", "message": f"{type(error).__name__}: {error}"}
