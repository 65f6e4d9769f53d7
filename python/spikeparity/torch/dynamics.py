"""What spiking neurons do with their currents, step by step, and its gradient: semantics.md, sections 6 and 7.

At each step v = v + I, or v = (decay * v) + I; a spike where v >= threshold; then v = v - threshold, or +0.0. Products
and sums are rounded separately, so that the bits are those of `spikeparity.simulate` in the format of the currents.

`advance` is one step of ordinary PyTorch operations. `integrate` does all steps at once, with a gradient of its own:
the same spikes and potentials in a fraction of the time and memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spikeparity.torch.surrogate import Surrogate


@dataclass(frozen=True)
class Firing:
    """How neurons fire, beside threshold and decay.

    Attributes:
        surrogate: what gradients take for the derivative of a spike.
        reset: at a spike `"subtract"` takes the threshold off the potential, `"zero"` sets it to +0.0.
        detach_reset: gradients do not flow through the spike of a reset.
        smooth: for gradient checks, spikes are `surrogate.smooth` of the potential above threshold.

    """

    surrogate: Surrogate
    reset: str
    detach_reset: bool = False
    smooth: bool = False


def advance(
    current: Tensor, v: Tensor, threshold: Tensor, decay: Tensor | None, firing: Firing
) -> tuple[Tensor, Tensor]:
    """Return the spikes of one step and the potentials after it, both of the shape of the current."""
    v = leak(current, v, decay)
    x = v - threshold
    spikes = firing.surrogate.smooth(x) if firing.smooth else firing.surrogate(x)
    taken = spikes.detach() if firing.detach_reset else spikes
    return spikes, v - taken * (threshold if firing.reset == "subtract" else v)


def leak(current: Tensor, v: Tensor, decay: Tensor | None) -> Tensor:
    """Return (decay * v) + current, without a decay v + current."""
    return (v if decay is None else decay * v) + current


def integrate(
    currents: Tensor, v: Tensor, threshold: Tensor, decay: Tensor | None, firing: Firing, axis: int
) -> tuple[Tensor, Tensor]:
    """Let neurons integrate their currents over time.

    Args:
        currents: of any shape that has an axis of time.
        v: potentials before the first step; the shape of the currents without time.
        threshold: a single one, of the currents' type.
        decay: likewise, or None.
        firing: how they fire.
        axis: of time.

    Returns:
        The spikes, of the shape of the currents, and the potentials after the last step.

    """
    if torch.compiler.is_compiling():  # the compiler fuses the plain steps, and differentiates what it fused
        steps = []
        for current in currents.unbind(axis):
            spikes, v = advance(current, v, threshold, decay, firing)
            steps.append(spikes)
        return torch.stack(steps, axis), v
    fired: tuple[Tensor, Tensor] = _Integrate.apply(  # type: ignore[no-untyped-call]
        currents, v, threshold, decay, firing, axis
    )
    return fired


def filtered(currents: Tensor, v: Tensor, decay: Tensor | None, axis: int) -> tuple[Tensor, Tensor]:
    """Let neurons that never fire integrate over time; return their potentials at every step, and the last ones."""
    if torch.compiler.is_compiling():
        steps = []
        for current in currents.unbind(axis):
            v = leak(current, v, decay)
            steps.append(v)
        return torch.stack(steps, axis), v
    potentials: Tensor = _Filter.apply(currents, v, decay, axis)  # type: ignore[no-untyped-call]
    return potentials, potentials.select(axis, -1)


class _Integrate(torch.autograd.Function):
    """`integrate`, and its gradient backward through time."""

    @staticmethod
    def forward(
        ctx: Any, currents: Tensor, v: Tensor, threshold: Tensor, decay: Tensor | None, firing: Firing, axis: int
    ) -> tuple[Tensor, Tensor]:
        before, spikes = torch.empty_like(currents), torch.empty_like(currents)
        start, theta, v = v, threshold.item(), v.clone()
        for current, u, fired in zip(currents.unbind(axis), before.unbind(axis), spikes.unbind(axis), strict=True):
            _leak_into(u, current, v, decay)
            if firing.smooth:
                fired.copy_(firing.surrogate.smooth(u - theta))
            else:
                torch.ge(u, theta, out=fired)
            # A product with 1 or 0 rounds nothing.
            if firing.reset == "subtract":
                torch.sub(u, fired, alpha=theta, out=v)
            else:
                torch.addcmul(u, u, fired, value=-1, out=v)
        ctx.save_for_backward(before, spikes, start, threshold, decay)
        ctx.firing, ctx.axis = firing, axis
        ctx.set_materialize_grads(False)
        return spikes, v

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        before, spikes, start, threshold, decay = ctx.saved_tensors
        on_spikes, on_v = gradients
        # The gradient on a potential before the reset: what comes through its spike, and what comes from later on.
        slope = ctx.firing.surrogate.derivative(before - threshold)
        kept = _kept(before, spikes, slope, threshold, ctx.firing)
        total = slope.zero_() if on_spikes is None else slope.mul_(on_spikes)
        if on_v is not None:
            total.select(ctx.axis, -1).addcmul_(kept.select(ctx.axis, -1), on_v)
        _carry(total, kept, decay, ctx.axis)
        on_start = _times(total.select(ctx.axis, 0), decay)
        on_threshold = on_decay = None
        if ctx.needs_input_grad[2]:
            on_threshold = _on_threshold(total, spikes, on_v, decay, ctx.axis)
        if ctx.needs_input_grad[3]:
            after = before - spikes * (threshold if ctx.firing.reset == "subtract" else before)
            on_decay = _on_decay(total, start, after, ctx.axis)
        return total, on_start, on_threshold, on_decay, None, None


class _Filter(torch.autograd.Function):
    """`filtered`, and its gradient backward through time."""

    @staticmethod
    def forward(ctx: Any, currents: Tensor, v: Tensor, decay: Tensor | None, axis: int) -> Tensor:
        potentials, start = torch.empty_like(currents), v
        for current, u in zip(currents.unbind(axis), potentials.unbind(axis), strict=True):
            _leak_into(u, current, v, decay)
            v = u
        ctx.save_for_backward(potentials if ctx.needs_input_grad[2] else None, start, decay)
        ctx.axis = axis
        return potentials

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        potentials, start, decay = ctx.saved_tensors
        total = gradients[0].clone()
        _carry(total, None, decay, ctx.axis)
        on_decay = _on_decay(total, start, potentials, ctx.axis) if ctx.needs_input_grad[2] else None
        return total, _times(total.select(ctx.axis, 0), decay), on_decay, None


def _leak_into(u: Tensor, current: Tensor, v: Tensor, decay: Tensor | None) -> None:
    """Write (decay * v) + current into u, rounding twice."""
    if decay is None:
        torch.add(v, current, out=u)
    else:
        torch.mul(v, decay.item(), out=u)
        u.add_(current)


def _times(gradient: Tensor, decay: Tensor | None) -> Tensor:
    return gradient if decay is None else gradient * decay


def _kept(before: Tensor, spikes: Tensor, slope: Tensor, threshold: Tensor, firing: Firing) -> Tensor:
    """Return the derivatives of the potentials after the reset by those before it, at each step."""
    subtract = firing.reset == "subtract"
    kept = torch.ones_like(before) if subtract else 1.0 - spikes
    if firing.detach_reset:
        return kept
    return kept.sub_(slope, alpha=threshold.item()) if subtract else kept.addcmul_(slope, before, value=-1)


def _carry(total: Tensor, kept: Tensor | None, decay: Tensor | None, axis: int) -> None:
    """Add to the gradient at each step, from the last but one back, what the next one hands on."""
    steps = total.unbind(axis)
    factor = 1.0 if decay is None else decay.item()
    if kept is None:
        for now, later in zip(steps[-2::-1], steps[:0:-1], strict=True):
            now.add_(later, alpha=factor)
        return
    if decay is not None:
        kept.mul_(factor)
    for now, part, later in zip(steps[-2::-1], kept.unbind(axis)[-2::-1], steps[:0:-1], strict=True):
        now.addcmul_(part, later)


def _on_threshold(total: Tensor, spikes: Tensor, on_v: Tensor | None, decay: Tensor | None, axis: int) -> Tensor:
    """Return the gradient on the threshold θ.

    The spike and the reset are functions of v - θ but for the part of v that no reset takes: with c the gradient on the
    potential after a step, it is the sum of c (1 - s) minus that of the gradients on the potentials before.
    """
    steps = total.shape[axis]
    handed = (total.narrow(axis, 1, steps - 1) * (1.0 - spikes.narrow(axis, 0, steps - 1))).sum()
    gradient = _times(handed, decay) - total.sum()
    return gradient if on_v is None else gradient + (on_v * (1.0 - spikes.select(axis, -1))).sum()


def _on_decay(total: Tensor, start: Tensor, after: Tensor, axis: int) -> Tensor:
    """Return the gradient on the decay: each potential left over, times the gradient on the next one."""
    steps = total.shape[axis]
    first = (total.select(axis, 0) * start).sum()
    return first + (total.narrow(axis, 1, steps - 1) * after.narrow(axis, 0, steps - 1)).sum()
