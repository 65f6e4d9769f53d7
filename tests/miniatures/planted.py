"""A miniature backend that asks the oracle, with one fault planted into it: planted.py FAULT."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance import oracle
from conformance.oracle import checkpoint, dense, fine_tune, json_text, network, simulate, stimulus, values
from conformance.oracle.profile import Profile
from conformance.rules import codes_of, operations

Answer = dict[str, Any]


class Above(float):
    """A threshold that must be exceeded, not just reached: ``v >= theta`` asks this side first."""

    def __le__(self, other: object) -> bool:
        assert isinstance(other, float)
        return float(self) < other


def fires_above() -> None:
    """``>`` for ``>=``."""
    build = network._neurons

    def neurons(fields: Any, profile: Profile) -> network.Neurons:
        built = build(fields, profile)
        built.threshold = Above(built.threshold)
        return built

    network._neurons = neurons


def sums_backwards() -> None:
    """Terms are added in descending order of the inputs."""
    forwards = dense.Dense.current

    def backwards(layer: dense.Dense, x: list[float], profile: Profile) -> list[float]:
        return forwards(dense.Dense([row[::-1] for row in layer.weights]), x[::-1], profile)

    dense.Dense.current = backwards  # type: ignore[method-assign]


def takes_duplicate_keys() -> None:
    """The last of two equal keys wins."""
    read = json_text._Reader.next_key

    def next_key(reader: Any, container: Any) -> None:
        seen = "json.duplicate-key" in reader.faults
        read(reader, container)
        if not seen:
            reader.faults.discard("json.duplicate-key")

    json_text._Reader.next_key = next_key  # type: ignore[method-assign]


def takes_floats_as_integers() -> None:
    """2.0 is an Integer."""

    def integer(value: Any) -> int | None:
        if not isinstance(value, values.Number) or not math.isfinite(value.nearest) or value.nearest % 1:
            return None
        return int(value.nearest) if abs(value.nearest) <= values.LARGEST_INTEGER else None

    for module in (checkpoint, fine_tune, simulate, stimulus):
        module.integer = integer  # type: ignore[attr-defined]


def sorts_by_utf16() -> None:
    """Names come in the order of their UTF-16 units, as JavaScript and Java sort."""
    for module in (checkpoint, fine_tune):
        module.sorted = lambda names: sorted(names, key=lambda name: name.encode("utf-16-be"))  # type: ignore


def is_wrong_at_times() -> None:
    """Every hundredth answer is wrong, whatever is asked."""
    right, count = oracle.answer, 0

    def answer(op: str, request: Answer, root: Path) -> Answer:
        nonlocal count
        count += 1
        return right(op, request, root) if count % 100 else {"verdict": "reject", "code": "config.object", "path": ""}

    oracle.answer = answer  # type: ignore[assignment]


def at_membrane_readout(misbehave: Callable[[], Answer]) -> Callable[[], None]:
    """Misbehave where the readout is the membrane."""

    def plant() -> None:
        right = oracle.answer

        def answer(op: str, request: Answer, root: Path) -> Answer:
            whole = request.get("network")
            membrane = isinstance(whole, dict) and "membrane" in whole.values()
            return misbehave() if membrane else right(op, request, root)

        oracle.answer = answer  # type: ignore[assignment]

    return plant


def dies() -> Answer:
    print("planted: index out of bounds", file=sys.stderr, flush=True)
    os._exit(3)


def hangs() -> Answer:
    time.sleep(600)
    return {}


FAULTS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "fires-above": fires_above,
    "sums-backwards": sums_backwards,
    "takes-duplicate-keys": takes_duplicate_keys,
    "takes-floats-as-integers": takes_floats_as_integers,
    "sorts-by-utf16": sorts_by_utf16,
    "is-wrong-at-times": is_wrong_at_times,
    "dies": at_membrane_readout(dies),
    "hangs": at_membrane_readout(hangs),
    "babbles": at_membrane_readout(lambda: {"verdict": "perhaps"}),
}


def hello() -> Answer:
    ops = list(operations())
    identity = {"protocol": 1, "name": "planted", "version": "0", "language": "Python"}
    return identity | {"ops": ops, "codes": sorted(codes_of(ops)), "profiles": ["sequential-f64"]}


def main() -> None:
    FAULTS[sys.argv[1]]()
    root = Path()
    for line in sys.stdin:
        request = json.loads(line)
        root = Path(request.get("root", root))
        if request["cmd"] == "hello":
            print(json.dumps(hello()), flush=True)
        elif request["cmd"] == "run":
            answer = oracle.answer(request["op"], request["input"], root)
            print(json.dumps(answer | {"id": request["id"]}), flush=True)
        elif request["cmd"] == "bye":
            return


if __name__ == "__main__":
    main()
