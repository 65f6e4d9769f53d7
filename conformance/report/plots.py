"""Plots of a divergence as inline SVG: both spike trains, and the membrane potential around the first difference.

Colours come from classes that the page styles, so the same plot is readable in light and dark.
"""

from __future__ import annotations

import html
import math
import sys
from collections.abc import Iterable, Iterator, Sequence

from conformance.divergence import Divergence, Vicinity, Window
from conformance.floats import decode, ulps

WIDTH = 470.0
LEFT = 64.0
RIGHT = 14.0
TRACE_HEIGHT = 190.0
STRIP_HEIGHT = 34.0


def raster(divergence: Divergence) -> str:
    """Return the raster of both spike trains, one above the other in each neuron's row; empty without a vicinity."""
    near = divergence.vicinity
    if near is None:
        return ""
    return _Raster(divergence, near).svg()


class _Raster:
    """Geometry of a raster plot: a column per step, a row per neuron, neuron 0 at the bottom."""

    def __init__(self, divergence: Divergence, near: Vicinity) -> None:
        self.divergence, self.near = divergence, near
        self.steps = max(len(near.expected.spikes), 1)
        self.column = min(max(WIDTH / self.steps, 2.35), 30.0)
        self.row = min(max(230.0 / max(near.raster_neurons, 1), 6.0), 20.0)
        self.top = 22.0
        self.height = self.row * near.raster_neurons
        self.width = self.column * self.steps

    def x(self, step: int) -> float:
        """The middle of a step's column."""
        return LEFT + (step - self.near.raster_step + 0.5) * self.column

    def y(self, neuron: int) -> float:
        """The middle of a neuron's row."""
        return self.top + self.height - (neuron - self.near.raster_neuron + 0.5) * self.row

    def svg(self) -> str:
        both, missing, extra = self._ticks()
        stroke = max(1.2, min(self.column * 0.34, 5.0))
        at = self.x(self.divergence.step)
        right = LEFT + self.width
        parts = [
            _rect("later", at, self.top, right - at, self.height),
            *self._rows(),
            _path("both", both, stroke),
            _path("expected", missing, stroke * 1.25),
            _path("got", extra, stroke * 1.25),
            _line("mark", at, self.top - 5, at, self.top + self.height),
            _circle("mark", at, self.y(self.divergence.neuron), max(7.0, self.row * 0.75)),
            _text(f"step {self.divergence.step}", *self._beside(at), "mark-label"),
            *self._axes(),
        ]
        return _svg(right + RIGHT, self.top + self.height + 36, self._label(), parts)

    def _beside(self, at: float) -> tuple[float, float]:
        return min(max(at, LEFT + 24), LEFT + self.width - 10), self.top - 9

    def _ticks(self) -> tuple[list[str], list[str], list[str]]:
        """Return path segments: spikes of both sides, of the due side alone (upper half), of the backend's (lower)."""
        both, missing, extra = [], [], []
        tall, half = self.row * 0.78, self.row * 0.39
        for offset, (due, got) in enumerate(zip(self.near.expected.spikes, self.near.got.spikes, strict=False)):
            x = _n(self.x(self.near.raster_step + offset))
            for neuron in sorted({*due, *got}):
                y = self.y(neuron)
                if neuron in due and neuron in got:
                    both.append(f"M{x} {_n(y - tall / 2)}v{_n(tall)}")
                elif neuron in due:
                    missing.append(f"M{x} {_n(y - tall / 2)}v{_n(half)}")
                else:
                    extra.append(f"M{x} {_n(y)}v{_n(half)}")
        return both, missing, extra

    def _rows(self) -> Iterator[str]:
        for neuron in range(self.near.raster_neurons):
            y = self.y(self.near.raster_neuron + neuron)
            yield _line("grid", LEFT, y, LEFT + self.width, y)

    def _axes(self) -> Iterator[str]:
        bottom = self.top + self.height
        yield _line("axis", LEFT, bottom, LEFT + self.width, bottom)
        for step in _ticks_of(self.near.raster_step, self.steps, self.column, 38.0):
            yield _line("axis", self.x(step), bottom, self.x(step), bottom + 4)
            yield _text(str(step), self.x(step), bottom + 16, "tick middle")
        for neuron in _ticks_of(self.near.raster_neuron, self.near.raster_neurons, self.row, 22.0):
            yield _text(str(neuron), LEFT - 8, self.y(neuron) + 4, "tick end")
        yield _text("step", LEFT + self.width, bottom + 31, "name end")
        yield _text("neuron", LEFT - 8, self.top - 9, "name end")

    def _label(self) -> str:
        due, got = (sum(map(len, side.spikes)) for side in (self.near.expected, self.near.got))
        return (
            f"Spikes of layer {self.divergence.layer}: {due} expected, {got} got in the steps shown; they part at step"
            f" {self.divergence.step}, neuron {self.divergence.neuron}"
        )


def trace(divergence: Divergence) -> str:
    """Return the divergent neuron's membrane potential around the divergence; empty where there is none to show."""
    near = divergence.vicinity
    if near is None or not near.expected.before:
        return ""
    return _Trace(divergence, near).svg()


class _Trace:
    """Geometry of the membrane plot: potential over steps, and below it how far the two sides are apart in ulps."""

    def __init__(self, divergence: Divergence, near: Vicinity) -> None:
        self.divergence, self.near = divergence, near
        self.steps = len(near.expected.before)
        self.column = min(max(WIDTH / self.steps, 8.0), 90.0)
        self.width = self.column * self.steps
        self.top = 22.0
        sides = [(_floats(side.before), _floats(side.after)) for side in (near.expected, near.got)]
        self.expected, self.got = sides
        values = [v for side in sides for part in side for v in part if v is not None]
        self.low, self.high = _range(values, divergence.threshold)

    def x(self, offset: int) -> float:
        """The middle of a step's column."""
        return LEFT + (offset + 0.5) * self.column

    def y(self, value: float) -> float:
        """The height of a potential; halves, because the difference of two finite values may overflow."""
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.top + TRACE_HEIGHT * (1 - share)

    def svg(self) -> str:
        at = self.x(self.divergence.step - self.near.trace_step)
        right = LEFT + self.width
        bottom = self.top + TRACE_HEIGHT
        parts = [
            _rect("later", at, self.top, right - at, TRACE_HEIGHT),
            *self._axes(),
            *self._strip(bottom + 12),
            *self._threshold(),
            _line("mark", at, self.top - 5, at, bottom + 12 + STRIP_HEIGHT),
            _text(f"step {self.divergence.step}", min(max(at, LEFT + 24), right - 10), self.top - 9, "mark-label"),
            _path("expected", self._curve(self.expected), 2.4),
            _path("got", self._curve(self.got), 2.0),
            *self._points("expected", self.near.expected, self.expected),
            *self._points("got", self.near.got, self.got),
        ]
        return _svg(right + RIGHT, bottom + 12 + STRIP_HEIGHT + 36, self._label(), parts)

    def _threshold(self) -> Iterator[str]:
        threshold, right = self.divergence.threshold, LEFT + self.width
        if self.low <= threshold <= self.high:
            y = self.y(threshold)
            yield _line("threshold", LEFT, y, right, y)
            yield _text("threshold", right - 2, y - 5, "name end")
        else:
            y = self.top + 12 if threshold > self.high else self.top + TRACE_HEIGHT - 6
            arrow = "↑" if threshold > self.high else "↓"
            yield _text(f"threshold {threshold!r} {arrow}", right - 2, y, "name end")

    def _curve(self, side: tuple[list[float | None], list[float | None]]) -> list[str]:
        """Return a path: up to the potential before the reset, straight down to the one after it, on to the next."""
        segments, pen = [], "M"
        for offset, (before, after) in enumerate(zip(*side, strict=False)):
            for value in (before, after):
                if value is None:
                    pen = "M"
                    continue
                segments.append(f"{pen}{_n(self.x(offset))} {_n(self.y(value))}")
                pen = "L"
        return segments

    def _points(
        self, side: str, window: Window, values: tuple[list[float | None], list[float | None]]
    ) -> Iterator[str]:
        for offset, (value, text) in enumerate(zip(values[0], window.before, strict=False)):
            if value is not None:
                title = f"{side}, step {self.near.trace_step + offset}: {value!r} ({text})"
                point = _circle(side, self.x(offset), self.y(value), 3.4 if side == "expected" else 2.4)
                yield f"<g>{_title(title)}{point}</g>"

    def _axes(self) -> Iterator[str]:
        bottom = self.top + TRACE_HEIGHT
        yield _line("axis", LEFT, self.top, LEFT, bottom)
        yield _line("axis", LEFT, bottom, LEFT + self.width, bottom)
        for value, text in _nice(self.low, self.high):
            yield _line("grid", LEFT, self.y(value), LEFT + self.width, self.y(value))
            yield _text(text, LEFT - 8, self.y(value) + 4, "tick end")
        base = bottom + 12 + STRIP_HEIGHT
        for step in _ticks_of(self.near.trace_step, self.steps, self.column, 38.0):
            yield _text(str(step), self.x(step - self.near.trace_step), base + 16, "tick middle")
        yield _text("step", LEFT + self.width, base + 31, "name end")
        yield _text("potential", LEFT - 8, self.top - 9, "name end")

    def _strip(self, top: float) -> Iterator[str]:
        base = top + STRIP_HEIGHT
        yield _line("axis", LEFT, base, LEFT + self.width, base)
        yield _text("ulps", LEFT - 8, base - 10, "name end")
        for offset, distance in enumerate(distances(self.near)):
            if distance:
                height = max(3.0, STRIP_HEIGHT * math.log2(1 + distance) / 64)
                wide = min(self.column * 0.6, 14.0)
                bar = _rect("distance", self.x(offset) - wide / 2, base - height, wide, height)
                yield f"<g>{_title(f'step {self.near.trace_step + offset}: {distance} ulp apart')}{bar}</g>"

    def _label(self) -> str:
        first, last = self.near.trace_step, self.near.trace_step + self.steps - 1
        apart = "" if self.divergence.ulps is None else f", {self.divergence.ulps} ulp apart there"
        return (
            f"Membrane potential of neuron {self.divergence.neuron} of layer {self.divergence.layer}, steps {first} to"
            f" {last}, expected and got; they part at step {self.divergence.step}{apart}"
        )


def distances(near: Vicinity) -> list[int | None]:
    """Return, per step of the trace, the ulps between the two potentials before the reset; None if not finite."""
    return [ulps(a, b) for a, b in zip(near.expected.before, near.got.before, strict=False)]


def _floats(words: Iterable[str | None]) -> list[float | None]:
    numbers = [decode(word) for word in words]
    return [number if number is not None and math.isfinite(number) else None for number in numbers]


def _range(values: Sequence[float], threshold: float) -> tuple[float, float]:
    """Return the range to show: all values, and the threshold unless it is so far off that the rest would be flat."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    span = high / 2 - low / 2
    if span > 0 and low / 2 - 4 * span <= threshold / 2 <= high / 2 + 4 * span:
        low, high = min(low, threshold), max(high, threshold)
    margin = (high / 2 - low / 2) * 0.08 or max(abs(high) * 0.1, 5e-324)
    low, high = max(-sys.float_info.max, low - margin), min(sys.float_info.max, high + margin)
    return (low, high) if low < high else (low - 1.0, low + 1.0)


def _nice(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Yield round values between two bounds with their text; where rounding would make them alike, two exact ones."""
    raw = (high / 4 - low / 4) or 1.0
    step = 10.0 ** math.floor(math.log10(raw))
    step *= next((factor for factor in (1, 2, 5) if factor * step >= raw), 10)
    if step <= 1e-9 * max(abs(low), abs(high)):
        yield low, f"{low:.9g}"
        yield high, f"{high:.9g}"
        return
    for number in range(math.ceil(low / step), math.floor(high / step) + 1):
        yield number * step, f"{number * step:.6g}"


def _ticks_of(first: int, count: int, each: float, apart: float) -> Iterator[int]:
    """Yield round numbers among ``count`` integers from ``first`` on, at least ``apart`` pixels from each other."""
    sizes = (base * 10**power for power in range(8) for base in (1, 2, 5))
    step = next(size for size in sizes if size * each >= apart)
    yield from range(-(-first // step) * step, first + count, step)


def _svg(width: float, height: float, label: str, parts: Iterable[str]) -> str:
    size = f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}"'
    return f'<svg {size} role="img" aria-label="{html.escape(label)}">{"".join(parts)}</svg>'


def _path(kind: str, segments: Sequence[str], width: float) -> str:
    return f'<path class="{kind}" stroke-width="{_n(width)}" d="{"".join(segments)}"/>' if segments else ""


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" height="{_n(height)}"/>'


def _circle(kind: str, x: float, y: float, radius: float) -> str:
    return f'<circle class="{kind}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>'


def _text(text: str, x: float, y: float, kind: str) -> str:
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{html.escape(text)}</text>'


def _title(text: str) -> str:
    return f"<title>{html.escape(text)}</title>"


def _n(value: float) -> str:
    """Return a coordinate to a tenth of a pixel, without a trailing zero."""
    return f"{value:.1f}".removesuffix(".0")
