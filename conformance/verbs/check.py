"""Put a pair of your own, BASE.json and BASE.npz, to all backends and compare.

Every backend loads the pair; where it holds a network (format 2), every backend simulates it, on an input of yours or
on Poisson spikes that anybody can draw again. Verdicts, digests of all members, readout, spike counts, spikes and
potentials are held against those of the Python reference, bit for bit. Where a simulation parts, the first neuron and
step are shown. Exit code 0 where all agree, 1 where they do not, 5 where all reject it alike. See docs/pairs.md.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import exit_codes
from conformance.verbs.argument_types import count, positive

if TYPE_CHECKING:
    from conformance.enquiry import Enquiry, Reply
    from conformance.manifest import Manifest
    from conformance.outcome import Result
    from conformance.pairs.check import Check

EXAMPLE = "python -m conformance check models/digits --input test-images.npz:x --steps 32"
STEPS = 16
SHOWN_READOUT = 16


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``check``."""
    parser.add_argument("base", metavar="BASE", help="the pair's path without extension")
    parser.add_argument(
        "--input",
        metavar="FILE.npz[:MEMBER]",
        help="an array of one sample or a batch, shown at every step (default: Poisson spikes)",
    )
    parser.add_argument("--steps", type=count, default=STEPS, metavar="T", help=f"time steps (default {STEPS})")
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="B",
        help='a built-in backend\'s name, a manifest.toml, or "name=command with arguments" (repeatable); python, the'
        " reference, is always asked",
    )
    parser.add_argument(
        "--timeout", type=positive, default=120.0, metavar="S", help="seconds per request (default 120)"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Check and report."""
    from conformance.enquiry import Enquiry
    from conformance.manifest import resolve
    from conformance.pairs.check import NAME, REFERENCE, Check
    from conformance.pairs.files import bring_pair, find
    from conformance.pairs.stimulus import Spikes, bring_input
    from conformance.runner import Options
    from conformance.verbs.run import run_folder

    began = time.monotonic()
    pair = find(arguments.base)
    manifests = _with_reference(resolve(arguments.backend), REFERENCE)
    folder = run_folder()
    root = folder / "root"
    root.mkdir()
    try:
        bring_pair(pair, root, NAME)
        stimulus = bring_input(arguments.input, root) if arguments.input else Spikes()
        enquiry = Enquiry(manifests, Options(arguments.timeout, len(manifests), False, folder))
        check = Check(root, stimulus, bool(arguments.input), arguments.steps)
        enquiry.run(check.play(enquiry))
    finally:
        shutil.rmtree(root, ignore_errors=True)  # links or copies: the user's own files stay
    return Account(check, enquiry, manifests, arguments).print(pair.files, time.monotonic() - began)


def _with_reference(manifests: list[Manifest], reference: str) -> list[Manifest]:
    from conformance.manifest import resolve

    if any(manifest.name == reference for manifest in manifests):
        return manifests
    return [*resolve([reference]), *manifests]


class Account:
    """What is printed of a check."""

    def __init__(
        self, check: Check, enquiry: Enquiry, manifests: list[Manifest], arguments: argparse.Namespace
    ) -> None:
        from conformance.pairs.check import LOAD, REFERENCE, SIMULATE

        self._check, self._enquiry, self._arguments = check, enquiry, arguments
        self._words = {manifest.name: manifest.word or manifest.name for manifest in manifests}
        self._reference = REFERENCE
        self._load = check.replies.get(LOAD, {})
        self._run = check.replies.get(SIMULATE, {})

    def print(self, files: list[Path], seconds: float) -> int:
        """Print all, and return the exit code."""
        from conformance.pairs.tables import backend_lines, columns
        from conformance.report.terminal import BOLD, RED, paint
        from conformance.report.text import clean

        print(clean(", ".join(f"{file} ({file.stat().st_size:,} bytes)" for file in files if file.exists())))
        print()
        for name, text in backend_lines(self._enquiry):
            note = "; the reference, against which the others are held" if name == self._reference else ""
            print(f"{paint(f'{name:<10}', BOLD)} {text}{note}")
        if self._load:
            print()
            for number, line in enumerate(columns(list(self._table()))):
                print(line if number else paint(line, BOLD))
        for line in self._simulation_lines():
            print(line)
        for result in self._check.results:
            first, *rest = self._failure_lines(result)
            print("\n" + "\n".join([paint(first, RED, BOLD), *rest]))
        for name, incident in self._enquiry.incidents:
            print("\n" + paint(clean(f"{name} · {incident.kind}: {incident.message}", 600), RED))
        return self._verdict(seconds)

    # -- the table ----------------------------------------------------------------------------------------------------

    def _table(self) -> Iterator[list[str]]:
        from conformance.pairs.check import PARTS

        yield ["", *self._enquiry.sessions]
        yield ["load", *self._cells(self._load, None)]
        due = self._load.get(self._reference)
        if due is not None and due.accepted:
            for part in ("format_version", "total_params", "layer_names", "frozen_layers", "members"):
                yield [f"  {part}", *self._cells(self._load, part)]
        if self._run:
            yield ["simulate", *self._cells(self._run, None)]
            due = self._run[self._reference]
            for part in PARTS if due.accepted else ():
                yield [f"  {part}", *self._cells(self._run, part)]

    def _cells(self, replies: dict[str, Reply], part: str | None) -> Iterator[str]:
        from conformance.case import canonical

        due = replies.get(self._reference)
        for name in self._enquiry.sessions:
            reply = replies.get(name)
            if reply is None or due is None:
                yield "–"
            elif part is None:
                yield _verdict_word(reply)
            elif not reply.accepted:
                yield "–"
            elif name == self._reference:
                yield _value(part, reply.output[part])
            else:
                same = canonical(due.output[part]) == canonical(reply.output.get(part))
                yield "same" if same else "DIFFERS"

    # -- what was simulated -------------------------------------------------------------------------------------------

    def _simulation_lines(self) -> Iterator[str]:
        from conformance.pairs.check import is_batch, spikes_per_layer
        from conformance.pairs.tables import columns
        from conformance.report.text import clean

        load = self._load.get(self._reference)
        if not self._run:
            if load is not None and load.accepted:
                yield "\na checkpoint (format 1) has weights and no neurons: there is nothing to simulate"
            return
        yield ""
        yield clean(f"simulated: {self._arguments.steps} steps, {self._check.stimulus.describe()}")
        reply = self._run[self._reference]
        if load is None or not reply.accepted:
            return
        layers = list(spikes_per_layer(reply.output))
        samples = len(reply.output["readout"]) if is_batch(reply.output) else 1
        yield ""
        rows = [["layer", "neurons", "spikes", "per neuron and step"]]
        for name, (neurons, spikes) in zip(load.output["layer_names"], layers, strict=True):
            rate = f"{spikes / (neurons * self._arguments.steps):.4f}" if neurons else "–"
            rows.append([name, f"{neurons // samples:,}", f"{spikes:,}", rate])
        yield from columns(rows)
        first = reply.output["readout"][0] if is_batch(reply.output) else reply.output["readout"]
        if len(first) <= SHOWN_READOUT:
            yield f"readout{' of sample 0' if is_batch(reply.output) else ''}: {' '.join(map(_number, first))}"

    # -- what is wrong ------------------------------------------------------------------------------------------------

    def _failure_lines(self, result: Result) -> Iterator[str]:
        from conformance.outcome import FAIL, MEANINGS
        from conformance.pairs.tables import difference_lines, verdict_text
        from conformance.report.summary import divergence_lines
        from conformance.report.text import clean

        meaning = f"not what {self._reference} answers" if result.outcome == FAIL else MEANINGS[result.outcome]
        yield f"{result.backend} · {result.op} · {result.outcome}: {meaning}"
        if result.got is not None and not result.expected["verdict"] == result.got["verdict"] == "accept":
            yield f"  expected  {verdict_text(result.expected)}"
            yield f"  got       {verdict_text(result.got)}"
        elif result.got is None and result.message:
            yield f"  message   {clean(result.message, 400)}"
        yield from difference_lines(result.differences)
        if result.more_differences:
            yield f"  … and {result.more_differences} more differences"
        if result.op == "simulate":
            divergence = self._check.divergences.get(result.backend)
            if divergence is not None:
                yield from divergence_lines(divergence)
            elif result.backend in self._check.remarks:
                yield f"  {clean(self._check.remarks[result.backend], 400)}"
        session = self._enquiry.sessions[result.backend]
        if result.got is None and session.log.path.exists():
            yield f"  log       {clean(str(session.log.path))}"
        yield f"  repeat    {clean(self._repeat(result.backend))}"

    def _repeat(self, backend: str) -> str:
        from conformance.report.repeat import python_command

        words = [python_command(), "-m", "conformance", "check", self._arguments.base]
        if self._arguments.input:
            words += ["--input", self._arguments.input]
        if self._arguments.steps != STEPS:
            words += ["--steps", str(self._arguments.steps)]
        return shlex.join([*words, "--backend", self._words[backend]])

    # -- the last word ------------------------------------------------------------------------------------------------

    def _verdict(self, seconds: float) -> int:
        from conformance.pairs.tables import place
        from conformance.report.terminal import BOLD, GREEN, RED, YELLOW, paint
        from conformance.report.text import clean

        code, word, told = self._outcome()
        if code == exit_codes.REJECTED:
            reply = next(
                r for r in (self._run.get(self._reference), self._load[self._reference]) if r and not r.accepted
            )
            told = clean(f"{told}: {reply.answer['code']} at {place(reply.answer['path'])} ({reply.message})", 400)
        style = {exit_codes.CONFORM: GREEN, exit_codes.REJECTED: YELLOW}.get(code, RED)
        print("\n" + paint(f"{word}: {told} ({seconds:.1f} s)", BOLD, style))
        return code

    def _outcome(self) -> tuple[int, str, str]:
        answered = [name for name, reply in self._load.items() if reply.answer]
        absent = [name for name, session in self._enquiry.sessions.items() if session.hello is None]
        if self._check.results or self._enquiry.incidents:
            wrong = dict.fromkeys([r.backend for r in self._check.results] + [n for n, _ in self._enquiry.incidents])
            return exit_codes.NOT_CONFORM, "NOT CONFORM", f"see {', '.join(wrong)} above"
        if self._reference not in answered or (self._arguments.backend and absent):
            return exit_codes.BACKEND_MISSING, "BACKEND MISSING", ", ".join(absent) or self._reference
        if len(answered) < 2:
            return exit_codes.BACKEND_MISSING, "NOTHING COMPARED", f"only {answered[0]} can load a pair here"
        who = f"all {len(answered)} backends"
        replies = [self._load[self._reference], *([self._run[self._reference]] if self._run else [])]
        if not all(reply.accepted for reply in replies):
            what = "load" if len(replies) == 1 or not replies[0].accepted else "simulation"
            return exit_codes.REJECTED, "REJECTED", f"{who} reject the {what} alike"
        what = "load and simulate it alike" if self._run else "load it alike"
        return exit_codes.CONFORM, "CONFORM", f"{who} {what}"


def _verdict_word(reply: Reply) -> str:
    if not reply.answer:
        return reply.outcome
    return "accept" if reply.accepted else str(reply.answer["code"])


def _value(part: str, value: object) -> str:
    """Return what the reference has there, in a few letters: numbers as they are, else how many, or a digest."""
    from conformance.case import digest

    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list) and part in ("layer_names", "frozen_layers", "members"):
        return str(len(value))
    return digest(value)[:8]


def _number(value: object) -> str:
    from conformance.floats import decode

    decoded = decode(value)
    return str(value) if decoded is None else repr(decoded)
