"""Layers of spiking neurons for PyTorch, whose forward pass is that of `spikeparity.simulate`, bit for bit.

A layer takes currents over time and gives spikes (or, `LI` and `ExpSyn`, potentials) of the same shape: (batch, time,
…), with `time_first` (time, batch, …). It keeps the state of its neurons from call to call, until `reset_states`. One
step at a time goes with `step`; `run` and `run_step` take the state and return it, and keep nothing.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from spikeparity.torch.dynamics import Firing, advance, filtered, integrate, leak
from spikeparity.torch.surrogate import ArcTan, Surrogate
from spikeparity.values import as_float, describe, is_number

RESETS = ("subtract", "zero")

# A threshold that is learned stays at least this large: at 0 all neurons would fire at every step.
LEAST_THRESHOLD = 2.0**-10


class Stateful(nn.Module, ABC):
    """A layer that keeps the state of its neurons, one number each, from call to call.

    Attributes:
        state: the potentials (of `ExpSyn`: the currents), shape (batch, …); None until the first call.
        time_first: whether tensors are (time, batch, …) instead of (batch, time, …).
        listeners: are called with what each call gives, with its axis of time.

    """

    state: Tensor | None
    initial_potential: Tensor

    def __init__(self, initial: float, *, time_first: bool) -> None:
        super().__init__()
        self.time_first = bool(time_first)
        self.register_buffer("initial_potential", _number("initial_potential", initial, -math.inf, math.inf))
        self.register_buffer("state", None, persistent=False)
        self.listeners: list[Callable[[Tensor], None]] = []
        self._random: tuple[torch.Generator | None] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle the state as a mere number, without the graph that gradients need."""
        members = self.__dict__.copy()
        if self.state is not None:
            members["_buffers"] = {**members["_buffers"], "state": self.state.detach()}
        return members

    @property
    def axis(self) -> int:
        """The axis of time."""
        return 0 if self.time_first else 1

    def forward(self, x: Tensor) -> Tensor:
        """Run over all time steps of x, from the state that the last call left, and keep the new one.

        Args:
            x: currents, shape (batch, time, …) or, `time_first`, (time, batch, …); floating point.

        Returns:
            Spikes or potentials, of the shape and type of x.

        Raises:
            ValueError: there is no time step, or the state has another shape: `reset_states` before another batch.

        """
        out, self.state = self.run(x, self.state)
        self.tell(self.timed(out))
        return out

    def step(self, x: Tensor) -> Tensor:
        """Run over one time step, shape (batch, …); otherwise as a call."""
        out, self.state = self.run_step(x, self.state)
        self.tell(out.unsqueeze(self.axis))
        return out

    def timed(self, out: Tensor) -> Tensor:
        """Return what a call gave with its axis of time."""
        return out

    def tell(self, out: Tensor) -> None:
        """Tell the listeners, such as a SpikeRecorder, what a call or a step gave."""
        for listener in self.listeners:
            listener(out)

    def run(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over all time steps of x from a state; return what a call returns, and the new state. Keeps nothing."""
        if x.ndim < 2 or x.shape[self.axis] == 0:
            order = "time, batch" if self.time_first else "batch, time"
            raise ValueError(f"x: expected shape ({order}, …) of at least one step, got {tuple(x.shape)}")
        shape = x.shape[: self.axis] + x.shape[self.axis + 1 :]
        return self._run(x, self._started(x, shape, state))

    def run_step(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over one time step, shape (batch, …), from a state; otherwise as `run`."""
        return self._run_step(x, self._started(x, x.shape, state))

    def reset_states(self, *, randomize: bool = False, generator: torch.Generator | None = None) -> None:
        """Forget the state: the next call starts from the initial potential.

        Args:
            randomize: start from potentials drawn uniformly from 0 to the threshold (1 for layers without one).
            generator: draws them; by default PyTorch's own.

        """
        self.state = None
        self._random = (generator,) if randomize else None

    def detach_state(self) -> None:
        """Keep the state as a mere number: gradients end here (truncated backpropagation through time)."""
        if self.state is not None:
            self.state = self.state.detach()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the parameters, and detach the state."""
        super().zero_grad(set_to_none)
        self.detach_state()

    @property
    def randomized(self) -> bool:
        """Whether the next state is drawn at random."""
        return self.state is None and self._random is not None

    def largest(self) -> float:
        """Return what randomized states stay below."""
        return 1.0

    def _started(self, x: Tensor, shape: torch.Size, state: Tensor | None) -> Tensor:
        if not x.is_floating_point():
            raise ValueError(f"x: expected floating-point currents, got {x.dtype}: spikes go through a Linear first")
        if state is None:
            return self._initial(x, shape)
        if state.shape != shape or state.dtype != x.dtype:
            got, due = f"{tuple(state.shape)}, {state.dtype}", f"{tuple(shape)}, {x.dtype}"
            raise ValueError(f"state: expected one of {due}, got one of {got}: reset_states() before another batch")
        return state

    def _initial(self, x: Tensor, shape: torch.Size) -> Tensor:
        if self._random is None:
            return self.initial_potential.to(x.dtype).expand(shape)
        (generator,) = self._random
        drawn = torch.rand(shape, dtype=x.dtype, device=x.device, generator=generator)
        return drawn * self.largest()

    @abstractmethod
    def _run(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the layer gives over all steps, and its state after them."""

    @abstractmethod
    def _run_step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the layer gives at one step, and its state after it."""


class _Decaying(Stateful):
    """A layer whose state decays: what is left after a step is a fixed or learned part of it."""

    decay: Tensor | None

    def _set_decay(self, tau: float | None, decay: float | None, dt: float, learned: bool, name: str) -> None:
        if (tau is None) == (decay is None):
            raise ValueError(f"{name}, decay: expected one of them, got {tau!r} and {decay!r}")
        if tau is not None:
            _number(name, tau, 0.0, math.inf)
            _number("dt", dt, 0.0, math.inf)
            decay = math.exp(-dt / tau)
        value = _number("decay", decay, 0.0, 1.0, closed=True)
        _own(self, "decay", value, learned)

    def decay_in(self, dtype: torch.dtype) -> Tensor | None:
        """Return the decay as it is computed with."""
        if not isinstance(self.decay, nn.Parameter):
            return None if self.decay is None else self.decay.to(dtype)
        return _within(self.decay, 0.0, 1.0).to(dtype)


class _Firing(_Decaying):
    """A layer of neurons that fire."""

    threshold: Tensor

    def __init__(
        self,
        threshold: float,
        reset: str,
        initial_potential: float,
        surrogate: Surrogate | None,
        detach_reset: bool,
        learn_threshold: bool,
        time_first: bool,
    ) -> None:
        super().__init__(initial_potential, time_first=time_first)
        if reset not in RESETS:
            raise ValueError(f"reset: expected 'subtract' or 'zero', got {reset!r}")
        self.firing = Firing(ArcTan() if surrogate is None else surrogate, reset, bool(detach_reset))
        least = LEAST_THRESHOLD if learn_threshold else 0.0
        _own(self, "threshold", _number("threshold", threshold, least, math.inf), learn_threshold)

    def threshold_in(self, dtype: torch.dtype) -> Tensor:
        """Return the threshold as it is computed with."""
        if not isinstance(self.threshold, nn.Parameter):
            return self.threshold.to(dtype)
        return _within(self.threshold, LEAST_THRESHOLD, math.inf).to(dtype)

    def largest(self) -> float:
        """Return the threshold."""
        return float(self.threshold_in(self.threshold.dtype).detach())

    def _run(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return integrate(x, state, self.threshold_in(x.dtype), self.decay_in(x.dtype), self.firing, self.axis)

    def _run_step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return advance(x, state, self.threshold_in(x.dtype), self.decay_in(x.dtype), self.firing)

    def extra_repr(self) -> str:
        """Show the neuron."""
        decay = "" if self.decay is None else f", decay={float(self.decay.detach()):g}"
        return f"threshold={self.largest():g}, reset={self.firing.reset!r}{decay}"


class IF(_Firing):
    """Integrate-and-fire neurons: v = v + I, a spike where v >= threshold.

    Args:
        threshold: finite, above 0.
        reset: at a spike `"subtract"` takes the threshold off the potential, `"zero"` sets it to +0.0.
        initial_potential: the potential before the first step; finite.
        surrogate: what gradients take for the derivative of a spike; by default `ArcTan()`.
        detach_reset: gradients do not flow through the spike of a reset.
        learn_threshold: whether the threshold is a parameter; it stays above 2^-10.
        time_first: whether tensors are (time, batch, …) instead of (batch, time, …).

    Raises:
        ValueError: an argument is not as above.

    """

    def __init__(
        self,
        threshold: float = 1.0,
        *,
        reset: str = "subtract",
        initial_potential: float = 0.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
        learn_threshold: bool = False,
        time_first: bool = False,
    ) -> None:
        super().__init__(threshold, reset, initial_potential, surrogate, detach_reset, learn_threshold, time_first)
        self.decay = None


class LIF(_Firing):
    """Leaky integrate-and-fire neurons: v = (decay * v) + I, a spike where v >= threshold.

    Args:
        tau_mem: time constant of the membrane, above 0, in the unit of `dt`: in steps, or in seconds with `dt` the
            seconds of a step. The decay is exp(-dt / tau_mem).
        decay: the part of the potential that is left after a step, within 0 … 1; in place of `tau_mem`.
        dt: duration of a step.
        threshold: finite, above 0.
        reset: at a spike `"subtract"` takes the threshold off the potential, `"zero"` sets it to +0.0.
        initial_potential: the potential before the first step; finite.
        surrogate: what gradients take for the derivative of a spike; by default `ArcTan()`.
        detach_reset: gradients do not flow through the spike of a reset.
        learn_threshold: whether the threshold is a parameter; it stays above 2^-10.
        learn_decay: whether the decay is a parameter; it stays within 0 … 1.
        time_first: whether tensors are (time, batch, …) instead of (batch, time, …).

    Raises:
        ValueError: an argument is not as above.

    """

    def __init__(
        self,
        tau_mem: float | None = None,
        *,
        decay: float | None = None,
        dt: float = 1.0,
        threshold: float = 1.0,
        reset: str = "subtract",
        initial_potential: float = 0.0,
        surrogate: Surrogate | None = None,
        detach_reset: bool = False,
        learn_threshold: bool = False,
        learn_decay: bool = False,
        time_first: bool = False,
    ) -> None:
        super().__init__(threshold, reset, initial_potential, surrogate, detach_reset, learn_threshold, time_first)
        self._set_decay(tau_mem, decay, dt, learn_decay, "tau_mem")


class _Potential(_Decaying):
    """A layer that gives its state at every step."""

    def _run(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        return filtered(x, state, self.decay_in(x.dtype), self.axis)

    def _run_step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        v = leak(x, state, self.decay_in(x.dtype))
        return v, v

    def extra_repr(self) -> str:
        """Show the decay."""
        return "" if self.decay is None else f"decay={float(self.decay.detach()):g}"


class LI(_Potential):
    """A leaky integrator, the readout of a network: v = (decay * v) + I; it never fires and gives its potentials.

    Its last potential is what a network document with the readout `"membrane"` answers.

    Args:
        tau_mem: time constant, above 0, in the unit of `dt`; the decay is exp(-dt / tau_mem).
        decay: the part of the potential that is left after a step, within 0 … 1; in place of `tau_mem`. Without either
            the potential does not decay: v = v + I.
        dt: duration of a step.
        initial_potential: the potential before the first step; finite.
        learn_decay: whether the decay is a parameter; it stays within 0 … 1.
        time_first: whether tensors are (time, batch, …) instead of (batch, time, …).

    Raises:
        ValueError: an argument is not as above.

    """

    def __init__(
        self,
        tau_mem: float | None = None,
        *,
        decay: float | None = None,
        dt: float = 1.0,
        initial_potential: float = 0.0,
        learn_decay: bool = False,
        time_first: bool = False,
    ) -> None:
        super().__init__(initial_potential, time_first=time_first)
        if tau_mem is None and decay is None and not learn_decay:
            self.decay = None
        else:
            self._set_decay(tau_mem, decay, dt, learn_decay, "tau_mem")


class ExpSyn(_Potential):
    """Exponential synapses: i = (decay * i) + x, the current that spikes leave behind.

    Args:
        tau_syn: time constant, above 0, in the unit of `dt`; the decay is exp(-dt / tau_syn).
        decay: the part of the current that is left after a step, within 0 … 1; in place of `tau_syn`.
        dt: duration of a step.
        learn_decay: whether the decay is a parameter; it stays within 0 … 1.
        time_first: whether tensors are (time, batch, …) instead of (batch, time, …).

    Raises:
        ValueError: an argument is not as above.

    """

    def __init__(
        self,
        tau_syn: float | None = None,
        *,
        decay: float | None = None,
        dt: float = 1.0,
        learn_decay: bool = False,
        time_first: bool = False,
    ) -> None:
        super().__init__(0.0, time_first=time_first)
        self._set_decay(tau_syn, decay, dt, learn_decay, "tau_syn")


class _Within(torch.autograd.Function):
    """A value within bounds; its gradient is handed on also where it was outside, so that it can come back."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, least: float, most: float) -> Tensor:
        return value.clamp(least, most)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0], None, None


def _within(value: Tensor, least: float, most: float) -> Tensor:
    clamped: Tensor = _Within.apply(value, least, most)  # type: ignore[no-untyped-call]
    return clamped


def _number(name: str, value: object, least: float, most: float, *, closed: bool = False) -> Tensor:
    """Return an argument as a tensor; it must lie between the bounds, `closed`: or be one of them."""
    if is_number(value):
        number = as_float(value)
        if least < number < most or (closed and number in (least, most)):
            return torch.tensor(number, dtype=torch.float64)  # whatever the currents' type: rounded to it once
    expected = f"a finite number above {least:g}" if most == math.inf else f"a number within {least:g} and {most:g}"
    raise ValueError(f"{name}: expected {expected}, got {describe(value)}")


def _own(module: nn.Module, name: str, value: Tensor, learned: bool) -> None:
    """Give a module a parameter or a buffer."""
    if learned:
        setattr(module, name, nn.Parameter(value.to(torch.get_default_dtype())))
    else:
        module.register_buffer(name, value)
