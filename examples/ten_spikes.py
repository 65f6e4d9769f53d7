"""A 16-64-4 network of LIF neurons learns, by backpropagation through time, to give exactly 10 output spikes.

The job of sinabs' quickstart: random spike trains over 100 steps go in, and the squared difference of all output
spikes from 10 is brought to 0. For each of 20 seeds, which draw the weights and the input, training ends when there are
exactly 10 spikes, or after 200 rounds.

    python examples/ten_spikes.py [--small]
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import torch
from closing import Stimulus, arguments, close
from spikeparity.torch import LIF, SingleExponential, SpikeRecorder, bptt, reset_states
from torch import Tensor, nn

mpl.use("agg")
from matplotlib import pyplot as plt

STEPS = 100
DUE = 10
ROUNDS = 200


def network() -> nn.Sequential:
    """Return the untrained network, of shape (batch, time, 16) → (batch, time, 4)."""
    return nn.Sequential(
        nn.Linear(16, 64, bias=False),
        LIF(tau_mem=20.0, surrogate=SingleExponential()),
        nn.Linear(64, 4, bias=False),
        LIF(tau_mem=20.0, surrogate=SingleExponential()),
    )


def stimulus(seed: int) -> Stimulus:
    """Return the input of a seed: each of 16 inputs fires with probability 1/2 at each step."""
    return Stimulus(torch.full((1, 16), 0.5), STEPS, seed)


def train(seed: int) -> tuple[nn.Sequential, list[int]]:
    """Return the network of a seed after training, and the number of output spikes in each round."""
    torch.manual_seed(seed)
    net, x = network(), stimulus(seed).presented()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    counts: list[int] = []
    for _ in range(ROUNDS):
        optimizer.zero_grad()
        _, spikes = bptt(net, x, lambda out: (out.sum() - DUE).square())
        counts.append(int(spikes.sum()))
        if counts[-1] == DUE:
            break
        optimizer.step()
    return net, counts


def picture(histories: list[list[int]], net: nn.Module, x: Tensor, file: Path) -> None:
    """Draw the number of output spikes by round for all seeds, and the spikes of the network of the first one."""
    reset_states(net)
    with torch.no_grad(), SpikeRecorder(net) as recorder:
        net(x)
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    for history in histories:
        axes[0].plot(history, linewidth=1)
    axes[0].axhline(DUE, color="black", linestyle=":")
    axes[0].set(xlabel="round", ylabel="output spikes", title=f"{len(histories)} seeds")
    rows = [x[0].bool(), recorder.spikes("1")[0].bool(), recorder.spikes("3")[0].bool()]
    for index, (raster, colour) in enumerate(zip(rows, ("gray", "tab:blue", "tab:red"), strict=True)):
        offset = sum(part.shape[1] for part in rows[:index])
        times = [raster[:, neuron].nonzero().flatten().tolist() for neuron in range(raster.shape[1])]
        axes[1].eventplot(times, lineoffsets=range(offset, offset + len(times)), linelengths=0.9, colors=colour)
    axes[1].set(xlabel="step", yticks=[8, 48, 82], yticklabels=["input", "hidden", "output"], title="trained, seed 0")
    figure.savefig(file, dpi=150)


def main() -> None:
    """Train for all seeds, draw, and put one network to all backends."""
    given = arguments(__doc__)
    seeds = range(4 if given.small else 20)
    trained = [train(seed) for seed in seeds]
    reached = [history[-1] == DUE for _, history in trained]
    for seed, (_, history) in zip(seeds, trained, strict=True):
        print(f"seed {seed}: {history[0]} output spikes at first, {history[-1]} after {len(history) - 1} updates")
    print(f"exactly {DUE} output spikes: {sum(reached)} of {len(reached)} seeds")
    net = trained[0][0]
    picture([history for _, history in trained], net, stimulus(0).presented(), given.out / "ten_spikes.png")
    close(net, "ten_spikes", stimulus(0), given)


if __name__ == "__main__":
    main()
