"""Train convolutions on scikit-learn's digits, convert them by spikeparity.convert, and write them as cases.

    PYTHONPATH=python .venv/bin/python scripts/corpus/conv_digits.py

One network has batch norm and average pools, the other a residual block. The balanced weights are rounded to four
digits, so that the files stay small. Trained weights differ between machines in their last bits: the files are the
truth, and make.py --check leaves them be. What is due comes from the oracle. Needs the extra torch.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from digits import Digits, load
from documents import constant, poisson, simulation
from spikeparity.conversion import convert
from torch import nn

from conformance.case import digest
from conformance.formatting import format_case
from conformance.oracle import answer

CASES = Path(__file__).resolve().parents[2] / "conformance" / "corpus" / "simulate"
IMAGES = 8
SEED = 20261
EPOCHS = 30

RUNS = [
    ("conv", "constant", 16, "membrane", "sequential-f64"),
    ("conv", "poisson", 16, "membrane", "sequential-f64"),
    ("conv", "constant", 24, "spikes", "sequential-f64"),
    ("conv", "poisson", 16, "membrane", "sequential-f32"),
    ("residual", "constant", 16, "membrane", "sequential-f64"),
    ("residual", "poisson", 16, "membrane", "sequential-f64"),
    ("residual", "poisson", 24, "spikes", "sequential-f64"),
    ("residual", "constant", 16, "membrane", "sequential-f32"),
]
"""Network, input, steps, readout, profile."""


class Residual(nn.Module):
    """A convolution, a residual block, the mean of each channel, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        self.block = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6))
        self.last = nn.Sequential(nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(24, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        x = self.first(x)
        y: torch.Tensor = self.last(self.block(x) + x)
        return y


def convolutional() -> nn.Module:
    """Return two convolutions with batch norm and average pooling, and a linear layer."""
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(32, 10)),
    )


MODELS = {"conv": convolutional, "residual": Residual}


def main() -> None:
    """Train, convert, write."""
    torch.set_num_threads(1)
    digits = load()
    trained = {name: train(make, digits) for name, make in MODELS.items()}
    for name, kind, steps, readout, profile in RUNS:
        case = make_case(digits, name, trained[name], kind, steps, readout, profile)
        text = format_case(case)
        (CASES / f"{case['id']}.json").write_text(text, encoding="utf-8")
        print(f"{case['id']}: {len(text)} characters. {case['why']}")


def images(rows: np.ndarray) -> torch.Tensor:
    """Return rows of 64 pixels as images."""
    return torch.tensor(rows.reshape(-1, 1, 8, 8), dtype=torch.float32)


def train(make: Any, digits: Digits) -> nn.Module:
    """Return a trained model."""
    torch.manual_seed(SEED)
    model: nn.Module = make()
    x, labels = images(digits.train_images), torch.tensor(digits.train_labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(labels)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), labels[rows]).backward()
            optimizer.step()
    return model.eval()


def rounded(value: Any) -> Any:
    """Return a document with its arrays rounded to four digits, as lists."""
    if isinstance(value, np.ndarray):
        return rounded(value.tolist())
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def make_case(
    digits: Digits, name: str, model: nn.Module, kind: str, steps: int, readout: str, profile: str
) -> dict[str, Any]:
    """Return a case."""
    snn = convert(model, images(digits.train_images), readout=readout, initial_potential=0.5)
    rows = digits.images[:IMAGES].tolist()
    stimulus = constant(rows) if kind == "constant" else poisson(rows, SEED)
    data = simulation(rounded(snn.to_network().document()), steps, stimulus, "counts", "spikes", "potential")
    if profile != "sequential-f64":
        data["profile"] = profile
    output = answer("simulate", data)["output"]
    kinds = "-".join(layer.kind for layer in snn.to_network().layers)
    short = "" if profile == "sequential-f64" else "-f32"
    return {
        "id": f"digits-{name}-{kind}-{steps}-{readout}{short}",
        "op": "simulate",
        "rules": [],
        "why": f"A trained network ({kinds}; {IMAGES} test digits, T={steps}, {kind} input, {readout} readout, "
        f"{profile}): rounding of thousands of sums adds up to a spike more or less.",
        "source": "oracle",
        "tags": ["digits", "batch", "bias", "order-of-sum", *([kind] if kind == "poisson" else [])],
        "input": data,
        "expect": {"verdict": "accept", "sha256": digest(output)},
    }


if __name__ == "__main__":
    main()
