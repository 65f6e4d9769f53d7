"""Accuracy of converted networks on Fashion-MNIST against the number of time steps: tables, JSON and pictures.

    python scripts/accuracy.py [--images 10000] [--conv-images 2000] [--out benchmarks/results]

For a 784-256-10 network, and a small one of convolutions with batch norm: trains it with ReLU, converts it by
threshold balancing, and by sinabs and spikingjelly (in an environment of their own, scripts/peers.py); then trains it
on with QCFS activations (T=8) and converts that. Seeds and threads are fixed. Needs the extras torch and plot.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import peers
import torch
from bench.accuracy_models import MODELS
from fashion_mnist import Images, load
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from spikeparity.conversion import ConvertedSNN, convert, replace_relu_with_qcfs

ROOT = Path(__file__).resolve().parents[1]
SEED = 20261
EPOCHS = {"784-256-10": 8, "conv": 4}
QCFS_EPOCHS = {"784-256-10": 4, "conv": 3}
QCFS_STEPS = 8
BATCH = 256
CALIBRATION = {"784-256-10": 10_000, "conv": 2_000}
PEERS_CALIBRATION = 1_000
STEPS = {"constant": (2, 4, 8, 16, 32, 64, 128, 256), "poisson": (4, 8, 16, 32, 64)}
THREADS = 2
WORKER = ROOT / "scripts" / "bench" / "accuracy_worker.py"

GOALS = {  # curve: steps and the largest loss in points
    "balanced": {64: 1.0, 256: 0.3},
    "qcfs": {QCFS_STEPS: 0.5},
}


def main() -> int:
    """Train, convert, measure, write; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000, help="how many test images (default: all 10,000)")
    parser.add_argument("--conv-images", type=int, default=2_000, help="how many for convolutions (default 2,000)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results", help="folder of what is written")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train, test = load()
    arguments.out.mkdir(parents=True, exist_ok=True)
    models = {}
    for name in MODELS:
        count = arguments.conv_images if name == "conv" else arguments.images
        models[name] = study(name, train, Images(test.images[:count], test.labels[:count]))
        draw(name, models[name], arguments.out / ("accuracy_conv.png" if name == "conv" else "accuracy.png"))
    faults = [f"{name}, {fault}" for name, found in models.items() for fault in missed(found["curves"])]
    result = {
        "data": "Fashion-MNIST",
        "seed": SEED,
        "goals_in_points": {name: {str(steps): loss for steps, loss in goal.items()} for name, goal in GOALS.items()},
        "goals_missed": faults,
        "models": models,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}
        | dict(
            pin.split("==") for pin in peers.LIBRARIES if pin.startswith("sinabs") or pin.startswith("spikingjelly")
        ),
    }
    (arguments.out / "accuracy.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(*(faults or ["all goals are met"]), sep="\n")
    return 1 if faults else 0


def study(name: str, train: Images, test: Images) -> dict[str, Any]:
    """Train a model, convert it in all ways, and return its accuracies."""
    torch.manual_seed(SEED)
    train, test = (Images(part.images.reshape(-1, 1, 28, 28), part.labels) for part in (train, test))
    calibration = train.images[: CALIBRATION[name]]
    model = MODELS[name]()
    fit(model, train, EPOCHS[name], 1e-3)
    relu = ann_accuracy(model, test)
    networks = {
        "balanced": convert(model, calibration),
        "balanced, half-threshold start": convert(model, calibration, initial_potential=0.5),
    }
    curves = by_others(name, model, test, calibration, relu)
    theta = largest_activation(model, calibration)
    replace_relu_with_qcfs(model, T=QCFS_STEPS, theta=theta)
    fit(model, train, QCFS_EPOCHS[name], 1e-4)
    quantized = ann_accuracy(model, test)
    networks["qcfs"] = convert(model, input_shape=(1, 28, 28))
    references = {part: quantized if part == "qcfs" else relu for part in networks}
    for part, network in networks.items():
        for encoding in ("constant", "poisson"):
            label = part if encoding == "constant" else f"{part}, poisson"
            curves[label] = curve(label, network, test, references[part], encoding)
    return {
        "images": len(test.labels),
        "ann_accuracy": {"relu": relu, f"qcfs (T={QCFS_STEPS})": quantized},
        "curves": curves,
    }


def largest_activation(model: nn.Module, calibration: Any) -> float:
    """Return the 99.9 % percentile of the values of the first ReLU, where θ begins."""
    stop = next(index for index, module in enumerate(model) if isinstance(module, nn.ReLU)) + 1
    model.eval()
    with torch.no_grad():
        hidden = model[:stop](torch.tensor(calibration[:1_000], dtype=torch.float32)).numpy()
    return float(np.percentile(hidden, 99.9))


def by_others(name: str, model: nn.Module, test: Images, calibration: Any, reference: float) -> dict[str, Any]:
    """Return the curves of other libraries, which convert the same model in an environment of their own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.pt"
        tensors = {"images": test.images, "calibration": calibration[:PEERS_CALIBRATION]}
        saved = {key: torch.tensor(array, dtype=torch.float32) for key, array in tensors.items()}
        torch.save({**saved, "labels": torch.tensor(test.labels), "state": model.state_dict()}, file)
        argv = [str(peers.environment()), str(WORKER), name, str(file)]
        found = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()[-1])
    return {
        library: [
            {"T": int(steps), "accuracy": round(accuracy, 4), "loss": round(reference - accuracy, 4)}
            for steps, accuracy in points.items()
        ]
        for library, points in found.items()
    }


def fit(model: nn.Module, train: Images, epochs: int, rate: float) -> None:
    """Train a model: Adam on cross-entropy, the rate falling along a cosine."""
    images, labels = torch.tensor(train.images, dtype=torch.float32), torch.tensor(train.labels)
    order = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    model.train()
    for epoch in range(epochs):
        total, begin = 0.0, time.perf_counter()
        for rows in torch.randperm(len(labels), generator=order).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(rows)
        schedule.step()
        print(f"epoch {epoch}: loss {total / len(labels):.4f} ({time.perf_counter() - begin:.1f} s)", file=sys.stderr)


def ann_accuracy(model: nn.Module, test: Images) -> float:
    """Return the accuracy of an artificial network in percent."""
    model.eval()
    with torch.no_grad():
        best = model(torch.tensor(test.images, dtype=torch.float32)).argmax(1).numpy()
    return percent(best, test)


def percent(found: Any, test: Images) -> float:
    """Return how many labels are right, in percent."""
    return round(100.0 * float(np.mean(found == test.labels)), 4)


def curve(label: str, network: ConvertedSNN, test: Images, reference: float, encoding: str) -> list[dict[str, Any]]:
    """Return the accuracy of a spiking network at each number of steps."""
    points = []
    for steps in STEPS[encoding]:
        begin = time.perf_counter()
        found = network.classify(test.images, seed=SEED, encoding=encoding, T=steps, threads=THREADS)
        accuracy = percent(found, test)
        seconds = time.perf_counter() - begin
        points.append({"T": steps, "accuracy": accuracy, "loss": round(reference - accuracy, 4)})
        print(f"{label:45} T={steps:<4} {accuracy:6.2f} %  loss {reference - accuracy:+6.2f}  {seconds:6.1f} s")
    return points


def missed(curves: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Say which goals are missed."""
    return [
        f"{name}: a loss of {point['loss']} points at T={point['T']}, the goal is {goal[point['T']]}"
        for name, goal in GOALS.items()
        for point in curves[name]
        if point["T"] in goal and point["loss"] > goal[point["T"]]
    ]


def draw(name: str, result: dict[str, Any], file: Path) -> None:
    """Draw accuracy against time steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    axes = figure.subplots()
    colours: dict[str, Any] = {}
    for label, points in result["curves"].items():
        part = label.removesuffix(", poisson")
        style = "-" if label == part else "--"
        (line,) = axes.plot(
            [point["T"] for point in points],
            [point["accuracy"] for point in points],
            style,
            marker="o",
            markersize=4,
            color=colours.get(part),
            label=label,
        )
        colours.setdefault(part, line.get_color())
    for (kind, accuracy), grey in zip(result["ann_accuracy"].items(), ("0.2", "0.6"), strict=True):
        axes.axhline(accuracy, color=grey, linewidth=1, linestyle=":", label=f"ANN, {kind}: {accuracy:.2f} %")
    axes.set_xscale("log", base=2)
    axes.set_xticks(STEPS["constant"], [str(steps) for steps in STEPS["constant"]])
    axes.set_ylim(max(0.0, min(result["ann_accuracy"].values()) - 20.0), max(result["ann_accuracy"].values()) + 1.0)
    axes.set_xlabel("time steps T")
    axes.set_ylabel("accuracy in %")
    axes.set_title(f"Fashion-MNIST, {name}, {result['images']} images: constant input, Poisson input dashed")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    figure.savefig(file, dpi=120, metadata={"Software": None})


if __name__ == "__main__":
    sys.exit(main())
