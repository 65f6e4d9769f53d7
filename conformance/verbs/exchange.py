"""Carry checkpoint pairs between all backends: every one saves, every one loads what each has saved.

Each backend saves a set of sample checkpoints and networks; each loads every pair of every other, and its own. What is
due is made of the samples alone: the members' digests bit for bit, the sidecars as JSON values, the networks' spikes.
Exit code 1 where anything differs. See docs/pairs.md.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance import exit_codes
from conformance.verbs.argument_types import positive

if TYPE_CHECKING:
    from conformance.enquiry import Enquiry
    from conformance.manifest import Manifest
    from conformance.pairs.exchange import Exchange, Fault

EXAMPLE = "python -m conformance exchange --backend python --backend rust"
SHOWN_FAULTS = 20
SHOWN_PER_WAY = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``exchange``."""
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="B",
        help='a built-in backend\'s name, a manifest.toml, or "name=command with arguments" (repeatable)',
    )
    parser.add_argument(
        "--sample",
        action="append",
        default=[],
        metavar="GLOB",
        help="only samples of such names; '?' shows them (repeatable)",
    )
    parser.add_argument("--timeout", type=positive, default=60.0, metavar="S", help="seconds per request (default 60)")


def execute(arguments: argparse.Namespace) -> int:
    """Exchange and report."""
    from conformance.enquiry import Enquiry
    from conformance.manifest import resolve
    from conformance.pairs import exchange
    from conformance.pairs.samples import samples
    from conformance.runner import Options
    from conformance.verbs.run import run_folder

    all_samples = samples()
    wanted = exchange.chosen(all_samples, arguments.sample)
    if not wanted:
        names = ", ".join(sample.id for sample in all_samples)
        print(f"conformance: no sample matches --sample; there are {names}", file=sys.stderr)
        return exit_codes.NOTHING_SELECTED
    manifests = resolve(arguments.backend)
    began = time.monotonic()
    enquiry = Enquiry(manifests, Options(arguments.timeout, len(manifests), False, run_folder()))
    result = exchange.Exchange(wanted)
    enquiry.run(result.play(enquiry))
    _show(result, enquiry, manifests)
    return _verdict(result, enquiry, named=bool(arguments.backend), seconds=time.monotonic() - began)


def _show(result: Exchange, enquiry: Enquiry, manifests: list[Manifest]) -> None:
    from conformance.pairs.tables import backend_lines, columns
    from conformance.report.terminal import BOLD, RED, paint

    for name, text in backend_lines(enquiry):
        print(f"{paint(f'{name:<10}', BOLD)} {text}")
    print()
    for number, line in enumerate(columns(list(_matrix(result)))):
        print(line if number else paint(line, BOLD))
    if result.writers:
        print("\n" + "rows: who saved; columns: who loaded; sound: the pair itself is as it is due")
    words = {manifest.name: manifest.word or manifest.name for manifest in manifests}
    for fault in _shown(result.faults):
        first, *rest = _fault_lines(fault, words, str(enquiry.sessions[fault.writer].scratch / fault.sample))
        print("\n" + "\n".join([paint(first, RED, BOLD), *rest]))
    if hidden := len(result.faults) - len(_shown(result.faults)):
        print(f"\n… and {hidden} more faults like these")
    for name, incident in enquiry.incidents:
        print("\n" + paint(f"{name} · {incident.kind}: {incident.message}", RED))


def _shown(faults: list[Fault]) -> list[Fault]:
    """Return the first faults of each way, from a writer to a reader: one cause often shows in many samples."""
    seen: Counter[tuple[str, str | None]] = Counter()
    shown = []
    for fault in faults:
        seen[fault.writer, fault.reader] += 1
        if seen[fault.writer, fault.reader] <= SHOWN_PER_WAY:
            shown.append(fault)
    return shown[:SHOWN_FAULTS]


def _matrix(result: Exchange) -> Iterator[list[str]]:
    yield ["saved by", "pairs", "bound", "sound", *result.readers]
    for writer in result.writers:
        pairs = result.written[writer, None]
        cells = [_cell(result, writer, reader) for reader in [None, *result.readers]]
        yield [writer, str(pairs), str(result.bound[writer]), *cells]


def _cell(result: Exchange, writer: str, reader: str | None) -> str:
    asked, good = result.written[writer, reader], result.good[writer, reader]
    if not asked:
        return "–"
    return str(good) if good == asked else f"{good}/{asked}"


def _fault_lines(fault: Fault, names: dict[str, str], place: str) -> Iterator[str]:
    from conformance.pairs.tables import difference_lines
    from conformance.report.repeat import python_command
    from conformance.report.text import clean

    way = fault.writer if fault.reader is None else f"{fault.writer} → {fault.reader}"
    yield clean(f"{way} · {fault.sample} · {fault.about}", 600)
    yield from difference_lines(fault.differences)
    yield f"  pair      {clean(place)}"
    backends = dict.fromkeys(name for name in (fault.writer, fault.reader) if name is not None)
    asked = [word for name in backends for word in ("--backend", names[name])]
    words = [python_command(), "-m", "conformance", "exchange", *asked, "--sample", fault.sample]
    yield f"  repeat    {shlex.join(words)}"


def _verdict(result: Exchange, enquiry: Enquiry, named: bool, seconds: float) -> int:
    from conformance.report.terminal import BOLD, GREEN, RED, paint

    missing = [name for name, session in enquiry.sessions.items() if session.hello is None]
    loads = sum(count for (_, reader), count in result.written.items() if reader is not None)
    count = (
        f"{len(result.writers)} writers, {len(result.readers)} readers, {len(result.samples)} samples, {loads} loads,"
        f" {len(result.faults)} faults, {seconds:.1f} s"
    )
    if (named and missing) or not loads:
        why = f"not there: {', '.join(missing)}" if missing else "nothing could be loaded"
        print("\n" + paint(f"NOT EXCHANGED: {why} ({count})", BOLD, RED))
        return exit_codes.NOT_CONFORM if result.faults else exit_codes.BACKEND_MISSING
    bad = bool(result.faults or enquiry.incidents)
    print("\n" + paint(f"{'NOT EXCHANGED' if bad else 'EXCHANGED'} ({count})", BOLD, RED if bad else GREEN))
    return exit_codes.NOT_CONFORM if bad else exit_codes.CONFORM
