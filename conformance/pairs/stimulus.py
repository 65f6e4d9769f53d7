"""What a user's network is shown: an array of the user's in an .npz, or spike trains that anybody can draw again."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from conformance.errors import UsageError
from conformance.pairs.files import bring, check_readable

RATES = (0.1, 0.3, 0.5, 0.9)
SEED = 1
PLACE = "input.npz"
SHOWN_MEMBERS = 8


class Stimulus(Protocol):
    """An input of one sample or of a batch."""

    def whole(self, width: int) -> dict[str, Any]:
        """Return the member ``input`` of a request, for a network of so many inputs."""

    def sample(self, number: int, width: int) -> dict[str, Any]:
        """Return the same for one sample of the batch."""

    def describe(self) -> str:
        """Say in one line what it is."""


@dataclass(frozen=True)
class Spikes:
    """Poisson spike trains, one sample per rate; every input has the rate of its sample."""

    rates: tuple[float, ...] = RATES
    seed: int = SEED

    def whole(self, width: int) -> dict[str, Any]:
        """Return the batch."""
        return {"kind": "poisson", "rates": [[rate] * width for rate in self.rates], "seed": self.seed, "sample": 0}

    def sample(self, number: int, width: int) -> dict[str, Any]:
        """Return one sample; its number makes it the same spikes as in the batch."""
        return {"kind": "poisson", "rates": [self.rates[number]] * width, "seed": self.seed, "sample": number}

    def describe(self) -> str:
        """Say which rates and seed."""
        rates = ", ".join(f"{rate:g}" for rate in self.rates)
        return f"{len(self.rates)} samples of Poisson spikes, rates {rates} at every input, seed {self.seed}"


@dataclass(frozen=True)
class Values:
    """An array of the user's, shown at every step.

    Attributes:
        file: The archive, below the folder that backends read.
        member: The array's name in it.
        told: What the user called it.
    """

    file: Path
    member: str
    told: str

    def whole(self, width: int) -> dict[str, Any]:
        """Return a reference: the backends read the file themselves."""
        return {"kind": "constant", "values": {"file": self.file.name, "member": self.member}}

    def sample(self, number: int, width: int) -> dict[str, Any]:
        """Return one row of an array that the backends have accepted."""
        import numpy as np

        with np.load(self.file, allow_pickle=False) as arrays:
            row = np.asarray(arrays[self.member], dtype=np.float64)[number]
        return {"kind": "constant", "values": row.tolist()}

    def describe(self) -> str:
        """Say which array."""
        return f"the array {self.member!r} of {self.told}, the same at every step"


def bring_input(word: str, root: Path) -> Values:
    """Put what ``--input FILE.npz[:MEMBER]`` names where backends may read it.

    Raises:
        UsageError: There is no such file, it cannot be read, or it does not say which array is meant.
    """
    name, colon, member = word.rpartition(":")
    if not colon or os.path.lexists(word):
        name, member = word, ""
    file = Path(name)
    if file.suffix == ".npy":
        raise UsageError(f"--input {name}: an .npz is needed; np.savez('x.npz', x=np.load({str(file)!r})) makes one")
    check_readable(file)
    if not member:
        member = _only_member(file)
    bring(file, root / PLACE)
    return Values(root / PLACE, member, name)


def _only_member(file: Path) -> str:
    """Return the name of the one array in an archive; which faults it has is for the backends to say."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UsageError(f"--input {file}: not an .npz: {error}") from None
    if len(members) == 1:
        return members[0]
    names = ", ".join(members[:SHOWN_MEMBERS]) + (", …" if len(members) > SHOWN_MEMBERS else "")
    raise UsageError(f"--input {file}: which array? name it: {file}:NAME ({names or 'there is none'})")
