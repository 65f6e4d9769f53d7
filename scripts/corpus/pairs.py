"""The language of the tables about checkpoint pairs: an artefact and the cases that load it, written in one line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from artefacts import ARCHIVE, keep_pair, sidecar
from cases import Cases, Fault, put
from documents import constant, simulation

SOUND = "artefacts/sound/two-layers"
SOUND2 = "artefacts/sound/network"


def run(base: Any, width: int = 3) -> dict[str, Any]:
    """A simulation of two steps of the network in a pair."""
    return simulation({"checkpoint": base}, 2, constant([1.0] * width), "counts", "potential")


class Pairs:
    """Cases of checkpoint.load whose artefacts lie in one folder, and their twins: simulations that load the same."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.load = Cases("checkpoint.load")
        self.simulate = Cases("simulate")

    @property
    def tables(self) -> list[Cases]:
        return [self.load, self.simulate]

    def reject(
        self,
        name: str,
        code: str,
        path: str,
        done: str,
        why: str,
        document: Any = None,
        archive: bytes | None = ARCHIVE,
        *,
        twin: bool = False,
        tags: str = "",
    ) -> None:
        """A pair with one fault; its repair is a sound pair."""
        base = f"artefacts/{self.folder}/{name}"
        keep_pair(base, sidecar() if document is None else document, archive, done)
        self.missing(name, code, path, f"{why} Here: {done}.", base, twin=twin, tags=tags)

    def missing(
        self, name: str, code: str, path: str, why: str, base: Any, *, twin: bool = False, tags: str = ""
    ) -> None:
        """A base with one fault, whose files are kept elsewhere."""
        self.load.reject(f"load-{name}", code, path, why, {"base": base}, put("/base", SOUND), tags=tags)
        if twin:
            repair = put("/network/checkpoint", SOUND2)
            about = f"For a simulation a pair is loaded by the same rules. {why}"
            name = f"simulate-pair-{name}"
            self.simulate.reject(name, code, "/network/checkpoint", about, run(base), repair, tags=tags)

    def accept(
        self,
        name: str,
        near: str | Iterable[str],
        done: str,
        why: str,
        document: Any = None,
        archive: bytes | None = ARCHIVE,
        *,
        base: str = "",
        tags: str = "",
        facts: dict[str, Any] | None = None,
        twin: int = 0,
    ) -> None:
        """A pair that is loaded; `twin` is the input width of a simulation of its network."""
        base = base or f"artefacts/{self.folder}/{name}"
        keep_pair(base, sidecar() if document is None else document, archive, done)
        why = f"{why} Here: {done}."
        self.load.accept(f"load-{name}", why, {"base": base}, near=near, tags=tags, facts=facts)
        if twin:
            about = f"For a simulation a pair is loaded by the same rules. {why}"
            self.simulate.accept(f"simulate-pair-{name}", about, run(base, twin), near=near, tags=tags)

    def precedence(self, name: str, why: str, faults: list[tuple[str, str, Any, bytes | None]], end: str) -> None:
        """Pairs with ever fewer faults, each (code, path, document, archive), and the sound pair at the end.

        A backend is asked the first verdict of a case alone, so each pair with several faults is a case.
        """
        bases = [f"artefacts/{self.folder}/{name}-{number}" for number in range(len(faults))]
        for base, (code, _, document, archive) in zip(bases, faults, strict=True):
            keep_pair(base, document, archive, f"several faults, the first {code}")
        steps: list[Fault] = [
            (code, path, put("/base", following))
            for (code, path, _, _), following in zip(faults, [*bases[1:], end], strict=True)
        ]
        for number, base in enumerate(bases[:-1]):
            ending = f"-{number}" if number else ""
            self.load.precedence(f"load-{name}{ending}", why, {"base": base}, steps[number:])
