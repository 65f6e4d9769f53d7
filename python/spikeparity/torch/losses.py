"""Losses on spikes, and how often a readout is right."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def spike_counts(spikes: Tensor, *, time_first: bool = False) -> Tensor:
    """Return the number of spikes of each neuron, shape (batch, …), of (batch, time, …) or (time, batch, …)."""
    return spikes.sum(0 if time_first else 1)


def rate_cross_entropy(spikes: Tensor, labels: Tensor, *, sharpness: float = 10.0, time_first: bool = False) -> Tensor:
    """Return the mean cross-entropy of classes whose logits are firing rates.

    Rates are within 0 … 1: without a factor the loss could not fall far.

    Args:
        spikes: shape (batch, time, classes) or (time, batch, classes).
        labels: the right classes, int64, shape (batch).
        sharpness: times the rates are the logits.
        time_first: which of the shapes the spikes have.

    """
    rates = spikes.mean(0 if time_first else 1)
    return functional.cross_entropy(sharpness * rates, labels)


def count_mse(spikes: Tensor, counts: Tensor | float, *, time_first: bool = False) -> Tensor:
    """Return the mean squared difference of spike counts and those that are due.

    Args:
        spikes: shape (batch, time, …) or (time, batch, …).
        counts: due, a number or of a shape that fits (batch, …).
        time_first: which of the shapes the spikes have.

    """
    return (spike_counts(spikes, time_first=time_first) - counts).square().mean()


def accuracy(readout: Tensor, labels: Tensor) -> float:
    """Return the part of the samples whose largest readout, the first among equals, is that of their label.

    Args:
        readout: spike counts or potentials, shape (batch, classes).
        labels: shape (batch).

    """
    return float((readout.argmax(1) == labels).double().mean())
