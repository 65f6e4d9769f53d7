"""The coverage-guided search in the reference's loader, under atheris; started by fuzz_guided.py.

python guided_python.py CORPUS [options of libFuzzer]
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

with atheris.instrument_imports(include=["spikeparity"]):
    from spikeparity import RejectedError, rules
    from spikeparity.transfer import pair

from pair_fuzz.artefact import pack, unpack
from pair_fuzz.mending import mend

# Whoever starts this names a folder in memory by TMPDIR, and clears it.
BASE = Path(tempfile.mkdtemp()) / "pair"
CODES = frozenset(rules.codes())


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Mutate as libFuzzer does, and mend most of the time."""
    mutated = atheris.Mutate(data, most)
    if random.Random(seed).random() < 0.8:
        mutated = pack(mend(unpack(mutated)))
    return mutated[:most]


def load(data: bytes) -> None:
    """Load: nothing but a rejection with a known code may come of it, in both formats."""
    for extension, content in unpack(data).items():
        BASE.with_name(f"pair.{extension}").write_bytes(content)
    for loader in (pair.load_checkpoint, pair.load_network):
        try:
            loader(BASE)
        except RejectedError as fault:
            assert fault.code in CODES, fault.code
            assert not fault.path or fault.path.startswith("/"), fault.path


if __name__ == "__main__":
    atheris.Setup(sys.argv, load, custom_mutator=mutate)
    atheris.Fuzz()
