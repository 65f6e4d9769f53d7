"""Inputs of a simulation: steps, the stage `input` and the record (semantics.md, section 7), one function per rule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from conformance.oracle.places import Folder
from conformance.oracle.profile import DEFAULT, Profile
from conformance.oracle.stored import rank, resolved
from conformance.oracle.values import (
    LARGEST_INTEGER,
    Number,
    Rejected,
    Rules,
    Value,
    array,
    check,
    integer,
    members,
    number,
    pointer,
    real,
)

STEPS = 1048576  # rules.toml, limits.steps
MEMBERS = {"constant": ("values",), "spikes": ("indices",), "poisson": ("rates", "seed", "sample")}
RECORDS = ("counts", "spikes", "potential", "trace")


@dataclass
class Request:
    """A request's members, the input width that the first layer makes due (None: any), and where files lie.

    Without a folder there are no references to files.
    """

    arguments: dict[str, Value]
    width: int | None = None
    root: Folder | None = None
    profile: Profile = DEFAULT

    @property
    def input(self) -> dict[str, Value]:
        """The members of `input`, once it is known to be an object."""
        return members(self.arguments["input"])

    @property
    def steps(self) -> int:
        """The number of time steps, once it is known to be an Integer."""
        steps = integer(self.arguments["steps"])
        assert steps is not None
        return steps


def check_simulate(request: Request) -> None:
    """Raise `Rejected` for the first broken rule from simulate.steps to record.kind."""
    check(SIMULATE_RULES, request)


def check_encode(request: Request) -> None:
    """Raise `Rejected` for the first broken rule of `encode.poisson`."""
    arguments = request.arguments
    check((("simulate.steps", steps),), request)
    check((("input.seed", seed_fault),), arguments)
    check((("input.sample", lambda fields: sample_fault(fields, 1)),), arguments)
    check((("input.shape", rates_type),), arguments)
    check((("input.range", rates_range),), arguments)


def samples(request: Request) -> tuple[str, bool, list[Value]]:
    """Return an accepted input as its kind, whether it is a batch, and its rows."""
    data, _ = _data(request)
    return _kind(request), is_batch(data, _kind(request)), [row for row, _ in _samples(request)]


def is_batch(value: Value, kind: str) -> bool:
    """Tell whether `values` or `rates` begins with an array, or `indices` with an array that begins with one."""
    if not isinstance(value, list) or not value:
        return False
    if kind != "spikes":
        return isinstance(value[0], list)
    return isinstance(value[0], list) and bool(value[0]) and isinstance(value[0][0], list)


def _kind(request: Request) -> str:
    kind = request.input["kind"]
    assert isinstance(kind, str)
    return kind


def _data(request: Request) -> tuple[Value, str]:
    """Return `values`, `indices` or `rates` with its path; null stands for an absent one, as both are no arrays."""
    key = MEMBERS[_kind(request)][0]
    return request.input.get(key), f"/input/{key}"


def _samples(request: Request) -> Iterator[tuple[Value, str]]:
    """Yield each sample with its path; one that is no batch has the member's path."""
    data, path = _data(request)
    if is_batch(data, _kind(request)):
        for i, sample in enumerate(array(data)):
            yield sample, f"{path}/{i}"
    else:
        yield data, path


def steps(request: Request) -> str | None:
    """simulate.steps."""
    count = integer(request.arguments["steps"])
    return None if count is not None and 1 <= count <= STEPS else "/steps"


def kind(request: Request) -> str | None:
    """input.kind."""
    value = request.arguments["input"]
    if not isinstance(value, dict):
        return "/input"
    name = value.get("kind")
    return None if isinstance(name, str) and name in MEMBERS else "/input/kind"


def unknown_key(request: Request) -> str | None:
    """input.unknown-key."""
    for key in request.input:
        if key not in ("kind", *MEMBERS[_kind(request)]):
            return "/input" + pointer(key)
    return None


def seed(request: Request) -> str | None:
    """input.seed."""
    return _below("/input", seed_fault(request.input)) if _kind(request) == "poisson" else None


def sample(request: Request) -> str | None:
    """input.sample."""
    if _kind(request) != "poisson":
        return None
    rates = request.input.get("rates")
    if request.root is not None:
        with suppress(Rejected):  # it will be reported where the shape is asked for
            rates = resolved(rates, request.root, "/input/rates")
    return _below("/input", sample_fault(request.input, len(array(rates)) if is_batch(rates, "poisson") else 1))


def shape(request: Request) -> str | None:
    """input.shape; what a reference to a file stands for is put in its place."""
    data, path = _data(request)
    if request.root is not None and _kind(request) != "spikes":
        data = request.input[MEMBERS[_kind(request)][0]] = resolved(data, request.root, path)
    if rank(data) not in (None, 1, 2) or (rank(data) == 2 and not data):
        return path
    if not isinstance(data, list):
        return path
    return _indices_shape(request) if _kind(request) == "spikes" else _numbers_shape(request)


def _numbers_shape(request: Request) -> str | None:
    width = request.width
    for row, path in _samples(request):
        if not isinstance(row, list):
            return path
        for i, entry in enumerate(row):
            if real(entry) is None:
                return f"{path}/{i}"
        if width is None:
            width = len(row)  # a first layer without rows takes the width of row 0
        if len(row) != width:
            return path
    return None


def _indices_shape(request: Request) -> str | None:
    for trains, path in _samples(request):
        if not isinstance(trains, list) or len(trains) != request.steps:
            return path
        for t, step in enumerate(trains):
            if not isinstance(step, list):
                return f"{path}/{t}"
    return None


def indices(request: Request) -> str | None:
    """input.indices."""
    if _kind(request) != "spikes":
        return None
    for trains, path in _samples(request):
        for t, step in enumerate(array(trains)):
            before = -1
            for i, entry in enumerate(array(step)):
                index = integer(entry)
                if index is None or index <= before or (request.width is not None and index >= request.width):
                    return f"{path}/{t}/{i}"
                before = index
    return None


def value_range(request: Request) -> str | None:
    """input.range."""
    if _kind(request) == "spikes":
        return None
    for row, path in _samples(request):
        for i, entry in enumerate(array(row)):
            value = number(entry)
            if _kind(request) == "constant":
                value = request.profile.rounded(value)
            if not math.isfinite(value) or (_kind(request) == "poisson" and not 0.0 <= value <= 1.0):
                return f"{path}/{i}"
    return None


def record(request: Request) -> str | None:
    """record.kind."""
    value = request.arguments.get("record", [])
    if not isinstance(value, list):
        return "/record"
    for i, entry in enumerate(value):
        if not isinstance(entry, str) or entry not in RECORDS:
            return f"/record/{i}"
    return None


def seed_fault(fields: dict[str, Value]) -> str | None:
    """input.seed, for the members of a Poisson input or of `encode.poisson`."""
    value = integer(fields.get("seed"))
    return None if value is not None and 0 <= value <= LARGEST_INTEGER else "/seed"


def sample_fault(fields: dict[str, Value], count: int) -> str | None:
    """input.sample, for the members of a Poisson input or of `encode.poisson`, with this many samples."""
    first = integer(fields.get("sample", Number("0", 0.0)))
    return None if first is not None and first >= 0 and first + count - 1 <= LARGEST_INTEGER else "/sample"


def rates_type(fields: dict[str, Value]) -> str | None:
    """input.shape, for `encode.poisson`."""
    rates = fields["rates"]
    if not isinstance(rates, list):
        return "/rates"
    for i, entry in enumerate(rates):
        if real(entry) is None:
            return f"/rates/{i}"
    return None


def rates_range(fields: dict[str, Value]) -> str | None:
    """input.range, for `encode.poisson`."""
    for i, entry in enumerate(array(fields["rates"])):
        if not 0.0 <= number(entry) <= 1.0:
            return f"/rates/{i}"
    return None


def _below(base: str, path: str | None) -> str | None:
    return None if path is None else base + path


SIMULATE_RULES: Rules[Request] = (
    ("simulate.steps", steps),
    ("input.kind", kind),
    ("input.unknown-key", unknown_key),
    ("input.seed", seed),
    ("input.sample", sample),
    ("input.shape", shape),
    ("input.indices", indices),
    ("input.range", value_range),
    ("record.kind", record),
)
