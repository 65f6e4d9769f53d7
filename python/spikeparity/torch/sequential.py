"""Linear layers and convolutions whose sums are in the order of the arithmetic profile: whole networks bit-equal.

PyTorch's own sum in an order that depends on the machine, the batch and the library behind them, so that a potential
can differ in its last bits, and a spike fall out another way. These add one term after the other, in the order of
semantics.md, section 6, and networks.md, section 2. That is much slower: train with PyTorch's, and exchange them for
the comparison (`load_state_dict` takes the same state).
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


class _OrderedSum(torch.autograd.Function):
    """Products of rows (…, inputs) and weights (outputs, inputs), added in ascending order of inputs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        rows = x.reshape(-1, x.shape[-1])
        total = rows.new_zeros(len(rows), len(weight))
        for column, weights in zip(rows.t().contiguous(), weight.t().contiguous(), strict=True):
            if column.any():  # terms of inputs that are 0 change nothing
                total += column[:, None] * weights
        return total.reshape(*x.shape[:-1], len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        on_x = gradients[0] @ weight if ctx.needs_input_grad[0] else None
        on_weight = None
        if ctx.needs_input_grad[1]:
            on_weight = gradients[0].reshape(-1, len(weight)).t() @ x.reshape(-1, x.shape[-1])
        return on_x, on_weight


def ordered_sum(x: Tensor, weight: Tensor) -> Tensor:
    """Return the sums of weights (outputs, inputs) times inputs (…, inputs), in ascending order: (…, outputs)."""
    if x.shape[-1] != weight.shape[1]:
        raise ValueError(f"expected inputs of shape (…, {weight.shape[1]}), got {tuple(x.shape)}")
    total: Tensor = _OrderedSum.apply(x, weight)  # type: ignore[no-untyped-call]
    return total


class SequentialLinear(nn.Linear):
    """`nn.Linear` in the profile's order: products one after the other, ascending, each rounded; the bias last."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the currents, shape (…, outputs), of inputs of shape (…, inputs)."""
        current = ordered_sum(input, self.weight)
        return current if self.bias is None else current + self.bias


class SequentialConv2d(nn.Conv2d):
    """`nn.Conv2d` in the profile's order: input channels, kernel rows, kernel columns, each ascending; the bias last.

    Padding is with zeros and in numbers.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the currents, shape (batch, channels, height, width)."""
        if isinstance(self.padding, str) or self.padding_mode != "zeros":
            raise ValueError(f"padding: expected numbers and zeros, got {self.padding!r}, {self.padding_mode!r}")
        # (batch, groups, channels × rows × columns of the kernel, positions)
        patches = functional.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)
        patches = torch.unflatten(patches, 1, (self.groups, -1)).transpose(2, 3)
        kernels = torch.unflatten(self.weight.flatten(1), 0, (self.groups, -1))
        parts = [ordered_sum(patches[:, group], kernel) for group, kernel in enumerate(kernels)]
        current = torch.cat(parts, dim=2).transpose(1, 2)
        if self.bias is not None:
            current = current + self.bias[:, None]
        height, width = (self._outputs(axis, input.shape[axis + 2]) for axis in range(2))
        return torch.unflatten(current, 2, (height, width))

    def _outputs(self, axis: int, size: int) -> int:
        span = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
        return (size + 2 * int(self.padding[axis]) - span) // self.stride[axis] + 1


M = TypeVar("M", bound=nn.Module)


def in_profile_order(module: M) -> M:
    """Return a copy of a module with `SequentialLinear` and `SequentialConv2d` in place of PyTorch's own.

    Its sums are then those of the profile, and so are its spikes, bit for bit.
    """
    twin = copy.deepcopy(module)
    for part in twin.modules():
        if type(part) in _SEQUENTIAL:
            part.__class__ = _SEQUENTIAL[type(part)]
    return twin


_SEQUENTIAL: dict[type, type] = {nn.Linear: SequentialLinear, nn.Conv2d: SequentialConv2d}
