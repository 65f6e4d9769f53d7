"""The files of one drawn pair, and what is asked about them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIDECAR, ARCHIVE = "json", "npz"


@dataclass
class Artefact:
    """A pair that may be anything.

    Attributes:
        files: Extension (`json`, `npz`, `npz.<16 digits>`) → content.
        op: What is asked.
        arguments: Its input, in which `$` stands for the base.
    """

    files: dict[str, bytes]
    op: str = "checkpoint.load"
    arguments: dict[str, Any] = field(default_factory=lambda: {"base": "$"})

    def write(self, folder: Path, base: str) -> None:
        """Write the files."""
        for extension, content in self.files.items():
            (folder / f"{base}.{extension}").write_bytes(content)

    def remove(self, folder: Path, base: str) -> None:
        """Remove them again."""
        for extension in self.files:
            (folder / f"{base}.{extension}").unlink()

    def input(self, base: str) -> dict[str, Any]:
        """Return the input of the request."""
        filled: dict[str, Any] = json.loads(json.dumps(self.arguments).replace("$", base))
        return filled


def read(folder: Path, base: str) -> Artefact:
    """Return the pair that lies in a folder, to be loaded."""
    files = {file.name[len(base) + 1 :]: file.read_bytes() for file in folder.glob(f"{base}.*")}
    return Artefact(files)


def pack(files: dict[str, bytes]) -> bytes:
    """Return sidecar and archive as one byte string, as coverage-guided fuzzers take them; see `unpack`."""
    sidecar = files.get(SIDECAR, b"")
    return len(sidecar).to_bytes(2, "little") + sidecar + files.get(ARCHIVE, b"")


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the files: two bytes say how long the sidecar is, the archive follows it."""
    size = int.from_bytes(data[:2], "little")
    return {SIDECAR: data[2 : 2 + size], ARCHIVE: data[2 + size :]}
