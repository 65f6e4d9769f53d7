"""Memory that hostile pairs cost each backend: bounded, whatever they declare."""

from __future__ import annotations

import pytest
from crash.bombs import BOMBS, Bomb, zeros
from crash.memory import MOST, costs
from crash.peer import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_pairs_stay_below_64_mib(language, tmp_path):
    found = costs(language, tmp_path)
    assert [(cost.bomb.name, cost.code, cost.path) for cost in found] == [(b.name, b.code, b.path) for b in BOMBS]
    assert {cost.bomb.name: cost.peak >> 20 for cost in found if cost.peak >= MOST} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_measurement_notices_what_a_sound_pair_costs(language, tmp_path):
    vast = Bomb("2^22 zeros, as declared", zeros(2048), "accept", "")
    (found,) = costs(language, tmp_path, (vast,))
    assert (found.code, found.path) == ("accept", "")
    assert found.peak > 16 << 20
