"""What the spiking layers of a module give, recorded while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

import torch
from torch import Tensor, nn

from spikeparity.torch.states import spiking_layers


@dataclass(frozen=True, eq=False)
class _Listener:
    """Appends what it is told."""

    records: list[Tensor]
    detach: bool

    def __call__(self, out: Tensor) -> None:
        self.records.append(out.detach() if self.detach else out)


class SpikeRecorder:
    """Records the spikes (of `LI` and `ExpSyn`: the potentials) of all spiking layers, calls and steps alike.

        with SpikeRecorder(model) as recorder:
            model(x)
        recorder.spikes("hidden"), recorder.rates()

    Nothing is recorded before and after; the records stay. They are without gradients unless `detach` is false.
    The explicit-state forms of layers (`run`, `run_step`) are not recorded.
    """

    def __init__(self, module: nn.Module, *, detach: bool = True) -> None:
        self.layers = spiking_layers(module)
        self._records: dict[str, list[Tensor]] = {path: [] for path in self.layers}
        self._listeners = {path: _Listener(records, detach) for path, records in self._records.items()}

    def __enter__(self) -> SpikeRecorder:
        """Begin to record."""
        for path, layer in self.layers.items():
            layer.listeners.append(self._listeners[path])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        for path, layer in self.layers.items():
            layer.listeners.remove(self._listeners[path])

    def spikes(self, path: str) -> Tensor:
        """Return what a layer gave, joined in time: shape (batch, time, …) or (time, batch, …)."""
        records, layer = self._records[path], self.layers[path]
        if not records:
            raise ValueError(f"{path!r}: nothing has been recorded")
        return torch.cat(records, layer.axis)

    def counts(self) -> dict[str, Tensor]:
        """Return the number of spikes of each neuron, by layer: shape (batch, …)."""
        return {path: self.spikes(path).sum(layer.axis) for path, layer in self.layers.items() if self._records[path]}

    def rates(self) -> dict[str, float]:
        """Return the mean number of spikes per neuron and step, by layer."""
        return {path: float(self.spikes(path).mean()) for path in self.layers if self._records[path]}

    def clear(self) -> None:
        """Forget all records."""
        for records in self._records.values():
            records.clear()
