"""A backend that passes requests on to the Python reference, with one fault planted on the way: proxy.py FAULT."""

from __future__ import annotations

import json
import math
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spikeparity import backend

Message = dict[str, Any]


class Fault:
    """No fault: requests and answers go through as they are."""

    def __init__(self) -> None:
        self.root = self.scratch = Path()

    def hello(self, answer: Message) -> Message:
        return answer

    def request(self, op: str, given: Message) -> Message:
        return given

    def answer(self, op: str, given: Message, answer: Message) -> Message:
        return answer


class FiresLate(Fault):
    """The thresholds of a stored network are one unit in the last place too high."""

    def request(self, op: str, given: Message) -> Message:
        if op != "simulate" or "checkpoint" not in given["network"]:
            return given
        network = json.loads((self.root / f"{given['network']['checkpoint']}.json").read_bytes())["network"]
        for layer in network["layers"]:
            if "neuron" in layer:
                layer["neuron"]["threshold"] = math.nextafter(layer["neuron"]["threshold"], math.inf)
            for part in (layer, *layer.get("inputs", ())):
                for name in {"weights", "bias"} & set(part):
                    file = f"{given['network']['checkpoint']}.npz"
                    part[name] = {"file": file, "member": part[name]["member"]}
        return {**given, "network": network}


class OnlyInCompany(FiresLate):
    """It fires late in batches alone."""

    def request(self, op: str, given: Message) -> Message:
        values = given.get("input", {}).get("rates", [])
        return super().request(op, given) if values and isinstance(values[0], list) else given


class Dies(Fault):
    """It dies when it simulates."""

    def request(self, op: str, given: Message) -> Message:
        if op == "simulate":
            print("proxy: index out of bounds", file=sys.stderr, flush=True)
            os._exit(3)
        return given


class LosesMinusZero(Fault):
    """-0.0 is saved as 0.0."""

    def request(self, op: str, given: Message) -> Message:
        if op == "checkpoint.save" and "checkpoint" in given:
            weights = [[[x or 0.0 for x in row] for row in matrix] for matrix in given["checkpoint"]["weights"]]
            return {**given, "checkpoint": {**given["checkpoint"], "weights": weights}}
        return given


class LosesBiases(Fault):
    """What it loads has no biases."""

    def answer(self, op: str, given: Message, answer: Message) -> Message:
        if op == "checkpoint.load" and answer["verdict"] == "accept":
            members = [m for m in answer["output"]["members"] if not m["name"].startswith("bias")]
            answer["output"]["members"] = members
        return answer


class AfterSaving(Fault, ABC):
    """Something is done to the files of each pair that was saved."""

    def answer(self, op: str, given: Message, answer: Message) -> Message:
        if op == "checkpoint.save" and answer["verdict"] == "accept":
            self.bend(self.scratch / given["base"])
        return answer

    @abstractmethod
    def bend(self, base: Path) -> None:
        """Do it."""


class LeavesTemporaries(AfterSaving):
    """A temporary file stays beside the pair."""

    def bend(self, base: Path) -> None:
        base.with_name(base.name + ".npz.tmp").touch()


class MetadataAsFloats(AfterSaving):
    """Integers in metadata become floats."""

    def bend(self, base: Path) -> None:
        sidecar = base.with_name(base.name + ".json")
        members = json.loads(sidecar.read_bytes())
        if "integers" in members.get("metadata", {}):
            members["metadata"]["integers"] = [float(value) for value in members["metadata"]["integers"]]
            sidecar.write_text(json.dumps(members))


class NeverTheSame(AfterSaving):
    """Each sidecar has one blank more at its end than the one before."""

    blanks = 0

    def bend(self, base: Path) -> None:
        self.blanks += 1
        with base.with_name(base.name + ".json").open("a") as sidecar:
            sidecar.write(" " * self.blanks)


class WrongDigest(AfterSaving):
    """The sidecar is bound to another archive."""

    def bend(self, base: Path) -> None:
        sidecar = base.with_name(base.name + ".json")
        members = json.loads(sidecar.read_bytes())
        members["archive_digest"] = "0" * 64
        sidecar.write_text(json.dumps(members))


class RejectsOtherwise(Fault):
    """Every load is rejected, by a rule of its own choice."""

    def answer(self, op: str, given: Message, answer: Message) -> Message:
        if op != "checkpoint.load":
            return answer
        return {"id": answer["id"], "verdict": "reject", "code": "archive.crc", "path": "/weights/0", "message": "no"}


class CannotSimulate(Fault):
    """It offers loading and saving alone."""

    def hello(self, answer: Message) -> Message:
        return {**answer, "ops": [op for op in answer["ops"] if op != "simulate"]}


FAULTS: dict[str, Callable[[], Fault]] = {
    "none": Fault,
    "fires-late": FiresLate,
    "only-in-company": OnlyInCompany,
    "dies": Dies,
    "loses-minus-zero": LosesMinusZero,
    "loses-biases": LosesBiases,
    "leaves-temporaries": LeavesTemporaries,
    "metadata-as-floats": MetadataAsFloats,
    "never-the-same": NeverTheSame,
    "wrong-digest": WrongDigest,
    "rejects-otherwise": RejectsOtherwise,
    "cannot-simulate": CannotSimulate,
}


def main() -> None:
    """Answer requests until bye or the end of input."""
    fault = FAULTS[sys.argv[1]]()
    for line in sys.stdin:
        message = json.loads(line)
        fault.root = Path(message.get("root", fault.root))
        fault.scratch = Path(message.get("scratch", fault.scratch))
        if message["cmd"] == "run":
            message["input"] = fault.request(message["op"], message["input"])
        _, answer = backend.answer_line(json.dumps(message).encode())
        if answer is None:
            continue
        if message["cmd"] == "run":
            answer = fault.answer(message["op"], message["input"], answer)
        else:
            answer = fault.hello(answer)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
