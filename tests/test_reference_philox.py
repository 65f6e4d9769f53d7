"""Philox4x32-10 and the spike trains made of it."""

import numpy as np
import pytest
from spikeparity.neurons import philox4x32, poisson_spikes
from spikeparity.neurons.inputs import index_lists
from spikeparity.rejection import RejectedError

LARGEST = 2**53 - 1


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter: str, key: str, words: str) -> None:
    k0, k1 = (int(word, 16) for word in key.split())
    answer = philox4x32([int(word, 16) for word in counter.split()], (k0, k1))
    assert [f"{word:08x}" for word in answer.tolist()] == words.split()


def one_spike(rate: float, seed: int, step: int, index: int, sample: int) -> bool:
    """Decide on one spike by itself, from the known function of one counter."""
    counter = [step, index // 4, sample % 2**32, sample // 2**32]
    word = philox4x32(counter, (seed % 2**32, seed // 2**32))[index % 4]
    return float(word) < rate * 4294967296.0


@pytest.mark.parametrize("seed", [0, 1, 2**32, LARGEST])
@pytest.mark.parametrize("sample", [0, 2**32 - 1, LARGEST])
def test_a_raster_is_what_its_spikes_are_one_by_one(seed: int, sample: int) -> None:
    rates = [0.1, 0.5, 0.9, 1.0, 0.0, 0.3]
    raster = poisson_spikes(rates, seed, 5, sample)
    assert raster.tolist() == [[one_spike(r, seed, t, i, sample) for i, r in enumerate(rates)] for t in range(5)]


def test_a_row_of_a_batch_fires_as_it_does_alone() -> None:
    rates = np.random.default_rng(0).random((3, 9))
    batch = poisson_spikes(rates, 7, 20, 2**32 - 2)
    assert batch.shape == (3, 20, 9)
    for row in range(3):
        assert (batch[row] == poisson_spikes(rates[row], 7, 20, 2**32 - 2 + row)).all()


def test_rate_one_always_fires_and_rate_zero_never() -> None:
    raster = poisson_spikes([1.0, 0.0, -0.0, 5e-324], 3, 1000)
    assert raster.sum(axis=0).tolist()[:3] == [1000, 0, 0]


def test_the_mean_rate_is_the_rate() -> None:
    assert abs(poisson_spikes([0.25], 11, 100_000).mean() - 0.25) < 0.005


def test_no_inputs_give_empty_steps() -> None:
    assert poisson_spikes([], 0, 3).shape == (3, 0)


def test_index_lists_name_the_active_inputs_of_each_step() -> None:
    raster = np.array([[True, False, True], [False, False, False], [False, True, False]])
    assert index_lists(raster) == [[0, 2], [], [1]]
    assert index_lists(raster[None]) == [[[0, 2], [], [1]]]
    assert index_lists(np.zeros((2, 0), dtype=bool)) == [[], []]


@pytest.mark.parametrize(
    ("rates", "seed", "steps", "sample", "code", "path"),
    [
        ([0.5], 0, 0, 0, "simulate.steps", "/steps"),
        ([0.5], 0, 2**20 + 1, 0, "simulate.steps", "/steps"),
        ([0.5], 0, True, 0, "simulate.steps", "/steps"),
        ([0.5], -1, 1, 0, "input.seed", "/seed"),
        ([0.5], LARGEST + 1, 1, 0, "input.seed", "/seed"),
        ([0.5], 0.0, 1, 0, "input.seed", "/seed"),
        ([0.5], 0, 1, -1, "input.sample", "/sample"),
        ([[0.5], [0.5]], 0, 1, LARGEST, "input.sample", "/sample"),
        (0.5, 0, 1, 0, "input.shape", "/rates"),
        ([0.5, "x"], 0, 1, 0, "input.shape", "/rates/1"),
        ([[0.5], [0.5, 0.5]], 0, 1, 0, "input.shape", "/rates/1"),
        ([0.5, 1.0000000000000002], 0, 1, 0, "input.range", "/rates/1"),
        (np.array([[0.5], [np.nan]]), 0, 1, 0, "input.range", "/rates/1/0"),
        ([-5e-324], 0, 1, 0, "input.range", "/rates/0"),
    ],
)
def test_a_broken_rule_names_its_code_and_the_datum(
    rates: object, seed: object, steps: object, sample: object, code: str, path: str
) -> None:
    with pytest.raises(RejectedError) as rejected:
        poisson_spikes(rates, seed, steps, sample)
    assert (rejected.value.code, rejected.value.path) == (code, path)
