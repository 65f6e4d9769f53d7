"""Saves to be interrupted: what is there before each, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.install import install
from crash.pairs import Pair, checkpoint, network, pair_of

SMALL = checkpoint(0.5, [(3, 2)], metadata={"about": "old"})
OTHER = checkpoint(-1.25, [(3, 2)], metadata={"about": "new"}, frozen_layers=["layer 0"])
LARGE = checkpoint(2.0, [(64, 32), (32, 40), (40, 10)], metadata={"about": "large"})
NETWORK = network(0.25, [(3, 4), (4, 2)])
OTHER_NETWORK = network(0.75, [(3, 5), (5, 2)], readout="membrane")
JUNK = b"left behind by a save that was killed"


@dataclass(frozen=True)
class Save:
    """A save.

    Attributes:
        name: What tests call it.
        content: The inline checkpoint or network that is saved.
        before: Puts into the folder what is there before it.
        base: The pair's base below that folder.
        compress: As in the request.
    """

    name: str
    content: dict[str, Any]
    before: Callable[[Path], None]
    base: str = "model.v1"
    compress: bool = True

    def request(self, below: str) -> dict[str, Any]:
        """Return the arguments of `checkpoint.save` where the folder is `below` the scratch folder."""
        kind = "network" if "layers" in self.content else "checkpoint"
        return {kind: self.content, "base": f"{below}/{self.base}", "compress": self.compress}


def nothing(folder: Path) -> None:
    """A new pair."""


def pair(content: dict[str, Any], bound: bool = True, base: str = "model.v1") -> Callable[[Path], None]:
    """A pair that is there already."""
    return lambda folder: pair_of(content, bound).write(folder / base)


def interrupted(old: dict[str, Any], new: dict[str, Any], until: int, bound: bool = True) -> Callable[[Path], None]:
    """A pair, and a save over it that was killed after step `until` of pairs.md, section 6."""

    def before(folder: Path) -> None:
        pair(old, bound)(folder)
        killed: Pair = pair_of(new)
        install(folder / "model.v1", killed.sidecar_bytes, killed.archive, killed.digest, until=until)

    return before


def leftovers(folder: Path) -> None:
    """A pair among everything that killed saves can leave, and files that are nobody's business."""
    pair(SMALL)(folder)
    for ending in ("npz.tmp", "json.tmp", "npz.0123456789abcdef", "npz.fedcba9876543210"):
        (folder / f"model.v1.{ending}").write_bytes(JUNK)
    for name in BYSTANDERS:
        (folder / name).write_bytes(b"somebody else's")


BYSTANDERS = ("model.npz", "model.v1.npz.backup", "model.v1.npz.0123456789ABCDEF", "model.v1.json.0123456789abcdef")
"""Names that resemble those of an interrupted save and must survive."""

SAVES = (
    Save("new pair", SMALL, nothing),
    Save("new network, stored", NETWORK, nothing, compress=False),
    Save("nested new folders", OTHER, nothing, base="runs/2026/ünï/model"),
    Save("overwrite", OTHER, pair(SMALL)),
    Save("overwrite by the same", SMALL, pair(SMALL)),
    Save("overwrite by a larger one", LARGE, pair(SMALL)),
    Save("overwrite by a smaller one, stored", SMALL, pair(LARGE), compress=False),
    Save("format 1 to 2", NETWORK, pair(SMALL)),
    Save("format 2 to 1", SMALL, pair(NETWORK)),
    Save("network over network", OTHER_NETWORK, pair(NETWORK)),
    Save("over an unbound pair", OTHER, pair(SMALL, bound=False)),
    Save("among leftovers", OTHER, leftovers),
    Save("over a save killed before its commit", LARGE, interrupted(SMALL, OTHER, 1)),
    Save("over a save killed after its commit", LARGE, interrupted(SMALL, OTHER, 2)),
    Save("again after it was killed at its commit", OTHER, interrupted(SMALL, OTHER, 2, bound=False)),
    Save("back to what a killed save replaced", SMALL, interrupted(SMALL, OTHER, 2)),
)
