"""Convert, save, deploy: a classifier of digits trained in PyTorch runs in a Rust program and a Julia script.

    python examples/deploy/deploy.py [--small] [--out FOLDER]

The network is a small one of convolutions. It is trained on scikit-learn's 8x8 digits, converted, and saved as a pair
of files. Then `rust/` (a program of its own that uses the crate) and `deploy.jl` (a script that uses the module) load
the same pair, classify the same images, and print the bits of every output potential.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from sklearn.datasets import load_digits
from spikeparity import ConvertedSNN, convert
from torch import nn

from conformance.toolchains import julia

mpl.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STEPS = 64
LAST = 297  # images kept for the test


def network() -> nn.Module:
    """Return the network: two convolutions with batch norm, average pools, a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def trained(images: torch.Tensor, digits: torch.Tensor, epochs: int) -> nn.Module:
    """Return the network, trained with Adam on batches of 64."""
    torch.manual_seed(0)
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), digits[batch]).backward()
            optimizer.step()
    return model.eval()


def in_rust(base: Path, images: Path) -> list[str]:
    """Return what the Rust program prints."""
    cargo = ["cargo", "run", "--quiet", "--release", "--manifest-path", str(HERE / "rust" / "Cargo.toml"), "--"]
    return output([*cargo, str(base), str(images), str(STEPS)])


def in_julia(base: Path, images: Path) -> list[str]:
    """Return what the Julia script prints."""
    program = [str(julia.find_julia().executable), *julia.OPTIONS, str(HERE / "deploy.jl")]
    return output([*program, str(base), str(images), str(STEPS)], julia.full_environment(julia.package_folder()))


def output(command: list[str], environment: dict[str, str] | None = None) -> list[str]:
    """Return the lines that a command prints."""
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()


def in_python(converted: ConvertedSNN, images: np.ndarray) -> list[str]:
    """Return the same lines, computed here."""
    potentials = converted.run(images, encoding="constant")
    return [f"{row.argmax()} {row.astype('>f8').tobytes().hex(' ', -8)}" for row in potentials]


def picture(images: np.ndarray, lines: list[str], file: Path) -> None:
    """Draw the first images with the classes that all languages gave."""
    figure, axes = plt.subplots(2, 8, figsize=(8, 2.4))
    for axis, image, line in zip(axes.flat, images, lines, strict=False):
        axis.imshow(image.reshape(8, 8), cmap="gray_r")
        axis.set_title(line.split()[0], fontsize=10)
        axis.axis("off")
    figure.suptitle("Python = Rust = Julia", fontsize=10)
    figure.tight_layout()
    figure.savefig(file, dpi=120)


def main() -> int:
    """Train, convert, save, run everywhere, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="fewer epochs and images")
    parser.add_argument(
        "--out", type=Path, default=Path("deployed"), help="folder of the pair, the images, the picture"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    data = load_digits()
    images = torch.tensor(data.images / 16.0, dtype=torch.float32).unsqueeze(1)
    digits = torch.tensor(data.target)
    model = trained(images[:-LAST], digits[:-LAST], epochs=3 if options.small else 20)
    test = images[-LAST:][: 40 if options.small else LAST]
    due = digits[-LAST:][: len(test)]

    converted = convert(model, calibration_data=images[:-LAST], T=STEPS)
    base, raw = (options.out / "digits").resolve(), (options.out / "images.f64").resolve()
    converted.save(base)
    pixels = test.flatten(1).numpy().astype("<f8")
    pixels.tofile(raw)

    ours = in_python(converted, pixels)
    classes = np.array([int(line.split()[0]) for line in ours])
    with torch.no_grad():
        ann = float((model(test).argmax(1) == due).float().mean())
    spiking = np.mean(classes == due.numpy())
    print(f"accuracy on {len(test)} digits: PyTorch {ann:.1%}, spiking after {STEPS} steps {spiking:.1%}")
    picture(pixels, ours, options.out / "digits.png")

    failures = 0
    for language, theirs in (("Rust", in_rust(base, raw)), ("Julia", in_julia(base, raw))):
        same = theirs == ours
        failures += not same
        print(f"{language}: {len(theirs)} images, {'every bit equal to Python' if same else 'DIFFERENT from Python'}")
    check = [sys.executable, "-m", "conformance", "check", str(base)]
    return (
        failures + subprocess.run(check, check=False, env=os.environ | {"PYTHONPATH": str(ROOT / "python")}).returncode
    )


if __name__ == "__main__":
    sys.exit(main())
