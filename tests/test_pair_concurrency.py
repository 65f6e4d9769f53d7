"""Two writers and a reader of one pair, in mixed languages: the reader never sees a mixed pair nor none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from crash import MEMORY
from crash.race import CONTENTS, race

COMBINATIONS = (
    (("python", "rust"), ("python",)),
    (("rust", "rust"), ("rust",)),
    (("julia", "mojo"), ("rust",)),
    (("python", "rust"), ("julia", "mojo")),
)


@pytest.mark.parametrize(("writers", "readers"), COMBINATIONS, ids=lambda names: "+".join(names))
def test_no_mixed_pair_and_no_failed_load(writers, readers):
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        found = race(writers, readers, Path(folder), seconds=1.0)
    assert not found.faults
    assert found.left == ["pair.json", "pair.npz"]
    # The race was one: everybody came round more than once, and the pair changed under the reader.
    assert min(*found.saves.values(), *found.loads.values()) > len(CONTENTS)
    assert len(found.seen) == len(CONTENTS)
