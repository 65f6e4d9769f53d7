"""Spiking layers between layers that know no time, such as convolutions: batch and time folded into one axis.

They take tensors of shape (batch * time, …), batch outermost (`time_first`: time outermost), as `x.flatten(0, 1)` makes
them. Either the size of the batch or the number of steps is told, the other one follows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from spikeparity.torch.layers import IF, LI, LIF, ExpSyn, Stateful
from spikeparity.values import describe, is_integer


class Squeeze(Stateful):
    """Unfolds (batch, time), lets the layer run, and folds again."""

    def __init__(
        self, *arguments: Any, batch_size: int | None = None, num_timesteps: int | None = None, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        given = [size for size in (batch_size, num_timesteps) if size is not None]
        if len(given) != 1 or not is_integer(given[0]) or given[0] < 1:
            got = f"{describe(batch_size)} and {describe(num_timesteps)}"
            raise ValueError(f"batch_size, num_timesteps: expected one of them, at least 1, got {got}")
        self.batch_size, self.num_timesteps = batch_size, num_timesteps

    def run(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over all time steps of x, shape (batch * time, …), from a state of shape (batch, …)."""
        known = self.batch_size or self.num_timesteps or 1
        if x.ndim < 1 or len(x) == 0 or len(x) % known:
            raise ValueError(f"x: expected (batch * time, …), a multiple of {known}, got {tuple(x.shape)}")
        out, state = super().run(self.timed(x), state)
        return out.flatten(0, 1), state

    def timed(self, out: Tensor) -> Tensor:
        """Return (batch * time, …) as (batch, time, …)."""
        sizes = (self.batch_size or -1, self.num_timesteps or -1)
        return torch.unflatten(out, 0, sizes[::-1] if self.time_first else sizes)


class IFSqueeze(Squeeze, IF):
    """`IF` over (batch * time, …): takes `batch_size` or `num_timesteps` too."""


class LIFSqueeze(Squeeze, LIF):
    """`LIF` over (batch * time, …): takes `batch_size` or `num_timesteps` too."""


class LISqueeze(Squeeze, LI):
    """`LI` over (batch * time, …): takes `batch_size` or `num_timesteps` too."""


class ExpSynSqueeze(Squeeze, ExpSyn):
    """`ExpSyn` over (batch * time, …): takes `batch_size` or `num_timesteps` too."""
