"""The models of scripts/accuracy.py, which the environment of the other libraries builds too. Needs PyTorch alone."""

from __future__ import annotations

from torch import nn

HIDDEN = 256


def dense() -> nn.Sequential:
    """Return 784-256-10."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))


def convolutional() -> nn.Sequential:
    """Return two convolutions with batch norm and average pooling, and a linear layer."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(784, 10)),
    )


MODELS = {"784-256-10": dense, "conv": convolutional}
