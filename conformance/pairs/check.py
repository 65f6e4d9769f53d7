"""A user's own pair through all backends: what each makes of it, held against the reference's answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conformance.case import Case, canonical
from conformance.compare import judge
from conformance.divergence import RECORDS, Divergence, first_divergence
from conformance.enquiry import Enquiry, Replies, Reply, Script
from conformance.outcome import FAIL, PASS, UNSUPPORTED, Result
from conformance.pairs.files import PairFiles
from conformance.pairs.stimulus import Stimulus
from conformance.session import Ask
from conformance.shapes import of_sidecar

REFERENCE = "python"
LOAD, SIMULATE, EXPLAIN = "checkpoint.load", "simulate", "explain"
NAME = "pair"
"""What the pair is called where backends read it, whatever the user calls it."""

RECORD = ["counts", "spikes", "potential"]
PARTS = ("readout", *RECORD)
MOST_EXPLAINED = 10
TRACE_BYTES = 128 << 20
"""About as long as the answer may be that is asked for to find a divergence."""

STATE_BYTES = 50


@dataclass
class Check:
    """A check and what came of it.

    Attributes:
        root: The folder that backends read; the pair is in it.
        stimulus: What a network is shown.
        insists: Whether the simulation is asked for even of a pair without neurons: the user named an input.
        steps: For how long.
        replies: Operation → backend → what came of it.
        results: What differs from the reference's answer, or failed.
        divergences: Backend → where its simulation first went another way; None where that could not be found.
        remarks: Backend → why there is none.
    """

    root: Path
    stimulus: Stimulus
    insists: bool
    steps: int
    replies: dict[str, dict[str, Reply]] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    divergences: dict[str, Divergence | None] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)

    def play(self, enquiry: Enquiry) -> Script:
        """Ask for the load, the simulation, and the states of simulations that differ; for ``Enquiry.run``."""
        yield {}
        loaders = enquiry.offering(LOAD)
        if REFERENCE not in loaders:
            return
        ask = _ask(LOAD, LOAD, {"base": NAME}, self.root)
        self._take(LOAD, (yield {name: [ask] for name in loaders}), enquiry)
        if not self._simulates:
            return
        simulators = [
            name for name in enquiry.offering(SIMULATE) if name in loaders and self.replies[LOAD][name].accepted
        ]
        ask = _ask(SIMULATE, SIMULATE, self._simulation(), self.root)
        self._take(SIMULATE, (yield {name: [ask] for name in simulators}), enquiry)
        yield from self._explain()

    # -- asking -------------------------------------------------------------------------------------------------------

    @property
    def reference(self) -> Reply | None:
        """The reference's answer to the load, or None where it gave none."""
        return self.replies.get(LOAD, {}).get(REFERENCE)

    @property
    def _simulates(self) -> bool:
        reply = self.reference
        return reply is not None and reply.accepted and (self.insists or reply.output["format_version"] == 2)

    @property
    def _width(self) -> int:
        """The number of the network's inputs; 0 where there is no network, so that what is asked for is refused."""
        assert self.reference is not None
        if self.reference.output["format_version"] == 1:
            return 0
        return of_sidecar(self._sidecar()).width

    def _sidecar(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(PairFiles(self.root / NAME).sidecar.read_bytes())
        return document

    def _simulation(self) -> dict[str, Any]:
        return {
            "network": {"checkpoint": NAME},
            "steps": self.steps,
            "input": self.stimulus.whole(self._width),
            "record": RECORD,
        }

    def _take(self, op: str, replies: Replies, enquiry: Enquiry) -> None:
        self.replies[op] = taken = {name: reply for (name, _), reply in replies.items()}
        reference = taken.get(REFERENCE)
        for name, reply in taken.items():
            if reply.outcome == UNSUPPORTED and not enquiry.sessions[name].manifest.complete:
                continue
            result = _judged(op, name, reply, reference)
            if result is not None:
                self.results.append(result)

    # -- explaining ---------------------------------------------------------------------------------------------------

    def _explain(self) -> Script:
        """Find, for each backend whose simulation differs, the first state that does."""
        taken = self.replies[SIMULATE]
        different = [r.backend for r in self.results if r.op == SIMULATE and r.outcome == FAIL]
        different = [name for name in different if taken[name].accepted and taken[REFERENCE].accepted]
        for name in different[:MOST_EXPLAINED]:
            due, got = taken[REFERENCE].output, taken[name].output
            sample = first_sample(due, got)
            request = self._simulation() | {"record": RECORDS, "steps": steps_needed(due, got, sample, self.steps)}
            if sample is not None:
                request["input"] = self.stimulus.sample(sample, self._width)
            if _neurons(due) * request["steps"] * STATE_BYTES > TRACE_BYTES:
                self.remarks[name] = "the states of so many neurons and steps are too many to look for the first one"
                continue
            ask = _ask(EXPLAIN, SIMULATE, request, self.root)
            replies = yield {REFERENCE: [ask], name: [ask]}
            self._compare_states(name, sample, replies[REFERENCE, EXPLAIN], replies[name, EXPLAIN])

    def _compare_states(self, name: str, sample: int | None, due: Reply, got: Reply) -> None:
        try:
            sidecar = self._sidecar()
            found = first_divergence(sidecar["network"], due.output, got.output, of_sidecar(sidecar).layers)
        except (LookupError, TypeError, ValueError):
            self.remarks[name] = f"asked again for all states, it does not answer in the due shape: {got.message}"
            return
        if found is None:
            alone = "asked again" if sample is None else f"asked for sample {sample} alone"
            self.remarks[name] = f"{alone}, it goes through the same states: the fault depends on what else is asked"
        elif sample is not None:
            found = replace(found, sample=sample)
        self.divergences[name] = found


def _ask(name: str, op: str, given: dict[str, Any], root: Path) -> Ask:
    request = {"cmd": "run", "id": name, "op": op, "input": given}
    return Ask(name, json.dumps(request, separators=(",", ":"), ensure_ascii=False).encode() + b"\n", root)


def _judged(op: str, name: str, reply: Reply, reference: Reply | None) -> Result | None:
    """Hold an answer against the reference's; None where they are the same."""
    if reply.outcome != PASS:
        return Result(name, op, op, reply.outcome, message=reply.message)
    if reference is None or reference.outcome != PASS:
        return None  # nothing to hold it against; the reference's own failure is a result
    case = Case(op, op, (), "", REFERENCE, (), {}, expect=dict(reference.answer))
    result = judge(case, name, dict(reply.answer))
    return None if result.outcome == PASS else result


def is_batch(output: Mapping[str, Any]) -> bool:
    """Tell whether the output of a simulation is that of a batch: counts are [sample][layer][neuron]."""
    counts = output["counts"]
    return bool(counts and counts[0]) and isinstance(counts[0][0], list)


def first_sample(due: Mapping[str, Any], got: Mapping[str, Any]) -> int | None:
    """Return the first sample of a batch whose outputs differ; None for a single sample."""
    if not is_batch(due):
        return None
    for number in range(len(due["readout"])):
        try:
            if any(canonical(due[part][number]) != canonical(got[part][number]) for part in PARTS):
                return number
        except (LookupError, TypeError):
            return number
    return 0


def steps_needed(due: Mapping[str, Any], got: Mapping[str, Any], sample: int | None, steps: int) -> int:
    """Return how many steps show a difference: up to the first spike that is in one run alone, else all."""
    try:
        sides = [output["spikes"] if sample is None else output["spikes"][sample] for output in (due, got)]
        first = [
            step
            for pair in zip(*sides, strict=True)
            for step, (left, right) in enumerate(zip(*pair, strict=True))
            if left != right
        ]
    except (LookupError, TypeError, ValueError):
        return steps
    return min(first, default=steps - 1) + 1


def _neurons(output: Mapping[str, Any]) -> int:
    layers = output["counts"][0] if is_batch(output) else output["counts"]
    return sum(len(layer) for layer in layers)


def spikes_per_layer(output: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Yield, per layer, the neurons of a run (all samples') and how often they fired."""
    samples = output["counts"] if is_batch(output) else [output["counts"]]
    for layer in zip(*samples, strict=True):
        yield sum(map(len, layer)), sum(map(sum, layer))
