"""Making a request smaller while it still shows the same fault: greedy, deterministic, and ignorant of backends.

A shrinker proposes candidates and is told which of them still show the fault; it goes on from the best of those, and
has ended when none of the moves (``shrink_values``, ``shrink_texts``, ``shrink_requests``) leads to a better one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from conformance.fuzz import shrink_requests, shrink_texts, shrink_values

Input = dict[str, Any]
Size = tuple[int, int, bytes]

LONGEST_INTEGER = 2**53
DEEPEST = 100


def size(request: Input) -> Size:
    """Order requests: documents before texts before bytes, then by length, then by content."""
    text = json.dumps(request, separators=(",", ":")).encode("ascii")
    return (2 if "base64" in request else 1 if "text" in request else 0, len(text), text)


def moves(op: str, request: Input) -> Iterator[Input]:
    """Yield changed requests, those that promise most first; many are larger, or no requests of the operation."""
    if "text" in request or "base64" in request:
        yield from shrink_texts.moves(request, "document" in shrink_requests.always_there(op))
        return
    yield from shrink_requests.moves(op, request)
    yield from shrink_values.moves(request, shrink_requests.always_there(op))
    if op == "simulate":
        for smaller in shrink_values.moves(request, shrink_requests.always_there(op)):
            yield from shrink_requests.tied(smaller)


def travels(value: Any, depth: int = 0) -> bool:
    """Tell whether a request can be sent as it stands: lint refuses what some JSON library would change on the way."""
    if isinstance(value, dict):
        return depth < DEEPEST and all(_encodes(key) and travels(item, depth + 1) for key, item in value.items())
    if isinstance(value, list):
        return depth < DEEPEST and all(travels(item, depth + 1) for item in value)
    if isinstance(value, str):
        return _encodes(value)
    if isinstance(value, float):
        return value - value == 0.0
    return not isinstance(value, int) or abs(value) <= LONGEST_INTEGER


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class Shrinker:
    """Goes from a request to a smaller one.

    Attributes:
        best: The best request so far: of the lowest rank, and the smallest of those.
    """

    def __init__(
        self,
        op: str,
        start: Input,
        rank: Callable[[Input], int | None],
        hints: Sequence[Input] = (),
        mend: Callable[[Input], Iterable[Input]] = lambda request: (),
        expired: Callable[[], bool] = lambda: False,
    ) -> None:
        """Begin.

        Args:
            op: The operation.
            start: A request that shows the fault.
            rank: Tells without a backend how good a request is (0 is best), None where it cannot show the fault.
            hints: Requests that showed a like fault; tried first.
            mend: Proposes requests of a better rank for one that has not the best; they may be larger.
            expired: Tells that it has gone on for long enough.
        """
        self.best = start
        self._op, self._rank, self._mend, self._expired = op, rank, mend, expired
        self._measure = (rank(start) or 0, size(start))
        self._seen = {self._measure[1][2]}
        self._moves = self._from(hints)

    def _from(self, hints: Sequence[Input] = ()) -> Iterator[Input]:
        yield from hints
        if self._measure[0]:
            yield from self._mend(self.best)
        yield from moves(self._op, self.best)

    def candidates(self, count: int) -> list[Input]:
        """Return up to ``count`` requests that are better than the best and were not proposed; none at the end."""
        chosen: list[Input] = []
        for request in self._moves:
            if self._expired():
                return []
            if travels(request) and self._promises(request):
                chosen.append(request)
                if len(chosen) == count:
                    break
        return chosen

    def _promises(self, request: Input) -> bool:
        measured = size(request)
        # A larger request can still be better, where the best so far is not of the best rank.
        if measured[2] in self._seen or (measured >= self._measure[1] and not self._measure[0]):
            return False
        self._seen.add(measured[2])
        rank = self._rank(request)
        return rank is not None and (rank, measured) < self._measure

    def keep(self, good: Sequence[Input]) -> None:
        """Go on from the best of those candidates that show the fault, where there are any."""
        if good:
            self.best = min(good, key=self._measured)
            self._measure = self._measured(self.best)
            self._moves = self._from()

    def _measured(self, request: Input) -> tuple[int, Size]:
        return self._rank(request) or 0, size(request)
