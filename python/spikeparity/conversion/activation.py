"""The QCFS activation as a PyTorch module.

Bu et al. 2022, "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural networks".
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from spikeparity.conversion import arithmetic


class QCFSActivation(nn.Module):
    """h(x) = clip(floor(x T / θ + 1/2), 0, T) θ / T: what T steps of an integrate-and-fire neuron can say of x.

    The value is that of `spikeparity.conversion.qcfs` in binary64, rounded once to the type of x. The gradient is the
    straight-through one: dh/dx = 1 where -θ/2T < x < θ - θ/2T, else 0; dh/dθ = 0 below that, (h-x)/θ within, 1 above.

    Args:
        T: number of steps of the quantization, within 1 … 1,048,576.
        theta: the largest value θ, finite and above 0; later the threshold of the neurons.
        learn_theta: whether θ is a parameter, or a buffer.
        device: where θ is.
        dtype: its type; by default PyTorch's.

    Raises:
        RejectedError: qcfs.steps, qcfs.theta; on a call too, where training has made θ 0, negative or not finite.

    """

    theta: torch.Tensor

    def __init__(
        self,
        T: int = 8,
        theta: float = 1.0,
        *,
        learn_theta: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        arithmetic.qcfs_theta(theta)
        arithmetic.qcfs_steps(T)
        self.T = int(T)
        value = torch.tensor(float(theta), device=device, dtype=dtype or torch.get_default_dtype())
        if learn_theta:
            self.theta = nn.Parameter(value)
        else:
            self.register_buffer("theta", value)
        self.threshold()

    def threshold(self) -> float:
        """Return θ; raises RejectedError (qcfs.theta) where it is none."""
        theta = float(self.theta.detach())
        arithmetic.qcfs_theta(theta)
        return theta

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return h(x), of the shape and type of x."""
        self.threshold()
        y: torch.Tensor = _Quantize.apply(x, self.theta, self.T)  # type: ignore[no-untyped-call]
        return y

    def extra_repr(self) -> str:
        """Show T and θ."""
        learned = isinstance(self.theta, nn.Parameter)
        return f"T={self.T}, theta={float(self.theta.detach()):g}, learn_theta={learned}"


class _Quantize(torch.autograd.Function):
    """QCFS in binary64, operation by operation (conversion.md, section 2), and its straight-through gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, theta: torch.Tensor, T: int) -> torch.Tensor:
        wide, top = x.detach().double(), theta.detach().double()
        steps = torch.clamp(torch.floor(((wide * T) / top) + 0.5), 0.0, float(T))
        y = (steps * top) / T
        ctx.save_for_backward(x, theta)
        ctx.steps = T
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        x, theta = ctx.saved_tensors
        wide, top, incoming = x.double(), theta.double(), gradients[0].double()
        half = top / (2 * ctx.steps)
        above = wide >= top - half
        within = (wide > -half) & ~above
        on_x = on_theta = None
        if ctx.needs_input_grad[0]:
            on_x = torch.where(within, incoming, 0.0).to(x.dtype)
        if ctx.needs_input_grad[1]:
            steps = torch.clamp(torch.floor(((wide * ctx.steps) / top) + 0.5), 0.0, float(ctx.steps))
            slope = torch.where(within, ((steps * top) / ctx.steps - wide) / top, above.double())
            on_theta = (incoming * slope).sum().to(theta.dtype)
        return on_x, on_theta, None
