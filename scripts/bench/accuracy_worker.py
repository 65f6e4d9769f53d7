"""Converts a model by sinabs and spikingjelly and prints accuracies in percent as JSON: {curve: {T: accuracy}}.

    python accuracy_worker.py MODEL FILE.pt

Runs in the environment of scripts/peers.py. FILE holds the model's state, calibration images, test images and labels.
Input is constant. sinabs fires several spikes at a step by default, and does not normalise; spikingjelly scales by the
99.9 % percentile.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import torch
from accuracy_models import MODELS

STEPS = (2, 4, 8, 16, 32, 64)
ROWS = 250


def sinabs_steps(model: Any, images: Any, calibration: Any) -> Iterator[Any]:
    """Give the outputs of each step, of sinabs' from_model."""
    from sinabs.from_torch import from_model

    network = from_model(model, input_shape=tuple(images.shape[1:]), batch_size=len(images), add_spiking_output=False)
    network.reset_states()
    for _ in range(max(STEPS)):
        yield network.spiking_model(images)


def spikingjelly_steps(model: Any, images: Any, calibration: Any) -> Iterator[Any]:
    """Give the outputs of each step, of spikingjelly's converter."""
    from spikingjelly.activation_based import ann2snn, functional

    pairs = torch.utils.data.TensorDataset(calibration, torch.zeros(len(calibration)))
    loader = torch.utils.data.DataLoader(pairs, batch_size=ROWS)
    network = ann2snn.Converter(ann2snn.RateCodingRecipe(loader, mode="99.9%")).convert(model)
    functional.reset_net(network)
    for _ in range(max(STEPS)):
        yield network(images)


LIBRARIES = {"sinabs": sinabs_steps, "spikingjelly": spikingjelly_steps}


def main() -> None:
    """Convert, run, print."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    name, file = sys.argv[1:]
    data = torch.load(file)
    curves: dict[str, dict[int, float]] = {}
    for library, steps_of in LIBRARIES.items():
        right = dict.fromkeys(STEPS, 0)
        for rows, labels in zip(data["images"].split(ROWS), data["labels"].split(ROWS), strict=True):
            model = MODELS[name]().eval()
            model.load_state_dict(data["state"])
            total: Any = 0.0
            for step, output in enumerate(steps_of(model, rows, data["calibration"]), 1):
                total = total + output
                if step in right:
                    right[step] += int((total.argmax(1) == labels).sum())
        curves[library] = {step: 100.0 * count / len(data["labels"]) for step, count in right.items()}
        print(f"{library}: {curves[library]}", file=sys.stderr, flush=True)
    print(json.dumps(curves))


if __name__ == "__main__":
    main()
