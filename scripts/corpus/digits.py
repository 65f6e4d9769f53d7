"""Train networks on scikit-learn's digits, convert them to integrate-and-fire networks, and write them as cases.

    python scripts/corpus/digits.py

The conversion is threshold balancing (Diehl et al. 2015, Rueckauer et al. 2017): the activations of layer l are divided
by their 99.9th percentile on the training images, so that a rate of one spike per step means that activation. Trained
weights differ between machines in their last bits, as their BLAS does: the files are the truth, and make.py --check
leaves them be.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from documents import constant, layer, network, poisson, simulation
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from conformance.case import digest
from conformance.formatting import format_case
from conformance.oracle import answer

CASES = Path(__file__).resolve().parents[2] / "conformance" / "corpus" / "simulate"
IMAGES = 100
SEED = 20260
PERCENTILE = 99.9

RUNS = [
    ((32,), 16, "membrane"),
    ((32,), 64, "membrane"),
    ((24,), 16, "spikes"),
    ((24,), 64, "spikes"),
    ((32, 16), 16, "spikes"),
    ((32, 16), 64, "membrane"),
]
"""Hidden widths, steps, readout; each is run on constant and on Poisson input."""


@dataclass(frozen=True)
class Digits:
    """Images of 64 pixels in [0, 1] and their labels."""

    train_images: np.ndarray
    train_labels: np.ndarray
    images: np.ndarray
    labels: np.ndarray


def main() -> None:
    digits = load()
    trained = {hidden: train(digits, hidden) for hidden, _, _ in RUNS}
    for hidden, steps, readout in RUNS:
        for kind in ("constant", "poisson"):
            case = make_case(digits, trained[hidden], hidden, steps, readout, kind)
            text = format_case(case)
            (CASES / f"{case['id']}.json").write_text(text, encoding="utf-8")
            print(f"{case['id']}: {len(text)} characters. {case['why']}")


def load() -> Digits:
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16.0, labels, test_size=0.25, random_state=0, stratify=labels)
    return Digits(parts[0], parts[2], parts[1][:IMAGES], parts[3][:IMAGES])


def train(digits: Digits, hidden: tuple[int, ...]) -> MLPClassifier:
    model = MLPClassifier(hidden, activation="relu", random_state=0, max_iter=1000)
    return model.fit(digits.train_images, digits.train_labels)


def scales(model: MLPClassifier, images: np.ndarray, readout: str) -> list[float]:
    """Return lambda of the input and of every layer: the percentile of its activations, zeros included.

    The output layer is not scaled under membrane readout; under spikes its scale is that of the positive logits.
    """
    result, activation = [1.0], images
    for index, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        logits = activation @ weights + bias
        activation = np.maximum(logits, 0.0)
        last = index == len(model.coefs_) - 1
        result.append(float(np.percentile(logits[logits > 0] if last else activation, PERCENTILE)))
    if readout == "membrane":
        result[-1] = 1.0
    return result


def convert(model: MLPClassifier, images: np.ndarray, readout: str) -> dict[str, Any]:
    """Return the balanced network: W_l * lambda_(l-1) / lambda_l, b_l / lambda_l, threshold 1."""
    lambdas = scales(model, images, readout)
    layers = []
    for index, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        balanced = (weights.T * lambdas[index]) / lambdas[index + 1]
        layers.append(layer(balanced.tolist(), bias=(bias / lambdas[index + 1]).tolist()))
    return network(*layers, readout=readout)


def make_case(
    digits: Digits, model: MLPClassifier, hidden: tuple[int, ...], steps: int, readout: str, kind: str
) -> dict[str, Any]:
    rows = digits.images.tolist()
    stimulus = constant(rows) if kind == "constant" else poisson(rows, SEED)
    net = convert(model, digits.train_images, readout)
    data = simulation(net, steps, stimulus, "counts", "spikes", "potential")
    output = answer("simulate", data)["output"]
    widths = "-".join(str(width) for width in (64, *hidden, 10))
    ann = float((model.predict(digits.images) == digits.labels).mean())
    snn = accuracy(output["readout"], digits.labels, readout)
    return {
        "id": f"digits-{widths}-{kind}-{steps}-{readout}",
        "op": "simulate",
        "rules": [],
        "why": f"A trained network ({widths}, {IMAGES} test digits, T={steps}, {kind} input, {readout} readout; "
        f"accuracy {ann:.0%} as ANN, {snn:.0%} as SNN): rounding of thousands of sums adds up to a spike more or less.",
        "source": "oracle",
        "tags": ["digits", "batch", "bias", "order-of-sum", *([kind] if kind == "poisson" else [])],
        "input": data,
        "expect": {"verdict": "accept", "sha256": digest(output)},
    }


def accuracy(readouts: list[list[Any]], labels: np.ndarray, readout: str) -> float:
    """Return how many readouts have their greatest value, the first of equals, at the label."""
    values = np.array([[decoded(entry, readout) for entry in row] for row in readouts])
    return float((values.argmax(axis=1) == labels).mean())


def decoded(entry: Any, readout: str) -> float:
    return float(np.frombuffer(bytes.fromhex(entry), dtype=">f8")[0]) if readout == "membrane" else float(entry)


if __name__ == "__main__":
    main()
