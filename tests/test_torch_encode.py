"""Spike encoders for tensors and arrays, losses on spikes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from spikeparity.encoders import latency_spikes, poisson_spikes, rate_spikes
from spikeparity.neurons import philox4x32
from spikeparity.rejection import RejectedError
from spikeparity.torch import accuracy, count_mse, encode, rate_cross_entropy, spike_counts

ENCODERS = [
    (
        lambda x, steps, **o: encode.poisson(x, steps, 9, 2**33 + 5, **o),
        lambda x, t: poisson_spikes(x, 9, t, 2**33 + 5),
    ),
    (encode.latency, latency_spikes),
    (encode.rate, rate_spikes),
]


def test_philox_has_the_words_of_random123():
    counters = [[0] * 4, [0xFFFFFFFF] * 4, [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]]
    keys = [(0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (0xA4093822, 0x299F31D0)]
    due = [
        [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8],
        [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ]
    for counter, key, words in zip(counters, keys, due, strict=True):
        assert encode.philox4x32(torch.tensor(counter), key).tolist() == words
    random = np.random.default_rng(0).integers(0, 2**32, size=(500, 4))
    words = encode.philox4x32(torch.tensor(random), (0xDEADBEEF, 0x8BADF00D))
    assert np.array_equal(words.numpy(), philox4x32(random, (0xDEADBEEF, 0x8BADF00D)).astype(np.int64))


@pytest.mark.parametrize(("of_tensors", "of_arrays"), ENCODERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_and_arrays_have_the_same_spikes(of_tensors, of_arrays, dtype):
    torch.manual_seed(0)
    x = torch.rand(3, 2, 3, 3, dtype=dtype)
    x[0, 0, 0, 0], x[1, 0, 0, 0], x[2, 1, 1, 1] = 0.0, 1.0, 0.5
    spikes = of_tensors(x, 11)
    due = of_arrays(x.double().flatten(1).numpy(), 11)
    assert spikes.shape == (3, 11, 2, 3, 3) and spikes.dtype == dtype
    assert np.array_equal(spikes.flatten(2).numpy(), due) and due.any()
    assert torch.equal(of_tensors(x, 11, time_first=True), spikes.transpose(0, 1))
    assert np.array_equal(of_arrays(x[1].double().flatten().numpy(), 11).shape, (11, 18))
    for bad in (x + 1.0, x * math.nan, x - 0.5):
        with pytest.raises(RejectedError) as caught:
            of_tensors(bad, 11)
        assert caught.value.code == "input.range"
    with pytest.raises(RejectedError) as caught:
        of_tensors(x, 0)
    assert caught.value.code == "simulate.steps"
    with pytest.raises(ValueError, match="floating point"):
        of_tensors(x.long(), 3)


def test_a_poisson_batch_has_the_spikes_of_its_samples():
    x = torch.rand(4, 7)
    spikes = encode.poisson(x, 20, 3, 10)
    assert torch.equal(encode.poisson(x[2:3], 20, 3, 12)[0], spikes[2])
    with pytest.raises(RejectedError) as caught:
        encode.poisson(x, 20, -1)
    assert caught.value.code == "input.seed"


def test_latency_and_rate_by_hand():
    x = np.array([0.0, 0.25, 0.5, 1.0])
    assert [row.nonzero()[0].tolist() for row in latency_spikes(x, 5).T] == [[], [3], [2], [0]]
    assert [row.nonzero()[0].tolist() for row in rate_spikes(x, 8).T] == [[], [3, 7], [1, 3, 5, 7], list(range(8))]
    assert rate_spikes(np.array([0.3]), 10).sum() == 3


def test_losses_and_accuracy_by_hand():
    spikes = torch.tensor([[[1.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]]])  # (batch, time, classes)
    assert spike_counts(spikes).tolist() == [[2, 1], [0, 1]]
    assert spike_counts(spikes, time_first=True).tolist() == [[1, 0], [1, 2]]
    labels = torch.tensor([0, 0])
    due = (math.log(1 + math.exp(-5.0)) + math.log(1 + math.exp(5.0))) / 2  # rates 1, 1/2 and 0, 1/2, ten times
    assert rate_cross_entropy(spikes, labels).item() == pytest.approx(due)
    assert rate_cross_entropy(spikes.transpose(0, 1), labels, time_first=True).item() == pytest.approx(due)
    assert count_mse(spikes, 1.0).item() == pytest.approx((1 + 0 + 1 + 0) / 4)
    assert count_mse(spikes, torch.tensor([[2.0, 1.0], [0.0, 3.0]])).item() == pytest.approx(4 / 4)
    assert accuracy(torch.tensor([[2.0, 1.0], [1.0, 1.0], [0.0, 3.0]]), torch.tensor([0, 0, 0])) == pytest.approx(2 / 3)
