"""Tell which backends can be had here, how they are started, and how to get the others.

Starts every backend (the built-in ones, or those given), says hello and bye, prints command, versions, operations.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from conformance import exit_codes
from conformance.report.text import clean

if TYPE_CHECKING:
    from conformance.session import Ask, Incident, Session

EXAMPLE = "python -m conformance backends --json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``backends``."""
    parser.add_argument("backend", nargs="*", help="built-in names, manifests or name=command (default: all built-in)")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def execute(arguments: argparse.Namespace) -> int:
    """Print what each backend is; exit code 3 where one named on the command line is not there."""
    from conformance.manifest import resolve
    from conformance.report.jsonl import backend_facts
    from conformance.runner import Options, drive, new_session
    from conformance.verbs.run import run_folder

    greeter = Greeter()
    options = Options(timeout=10.0, jobs=1, fail_fast=False, folder=run_folder())
    sessions = [new_session(manifest, greeter, options) for manifest in resolve(arguments.backend)]
    drive(sessions, jobs=len(sessions))
    facts = [backend_facts(s) | _environment(s) | {"problems": greeter.problems.get(s.name, [])} for s in sessions]
    if arguments.json:
        print(json.dumps(facts, indent=2, ensure_ascii=True))
    else:
        print("\n\n".join(_paragraph(fact) for fact in facts))
    absent = any(fact["status"] != "available" for fact in facts)
    return exit_codes.BACKEND_MISSING if arguments.backend and absent else exit_codes.CONFORM


class Greeter:
    """A listener that asks nothing."""

    def __init__(self) -> None:
        self.problems: dict[str, list[str]] = {}

    def ready(self, session: Session) -> Iterable[Ask]:
        """Check the declaration and ask nothing."""
        from conformance.runner import declaration_faults

        assert session.hello is not None
        self.problems[session.name] = [incident.message for incident in declaration_faults(session.hello)]
        return []

    def answered(self, session: Session, ask: Ask, answer: dict[str, Any]) -> None:
        """Nothing was asked."""

    def failed(self, session: Session, ask: Ask, outcome: str, message: str) -> None:
        """Nothing was asked."""

    def incident(self, session: Session, incident: Incident) -> None:
        """Remember what went wrong."""
        self.problems.setdefault(session.name, []).append(incident.message)


def _environment(session: Session) -> dict[str, Any]:
    return {"environment": session.launched.env if session.launched else {}}


def _paragraph(fact: dict[str, Any]) -> str:
    lines = [f"{fact['name']} ({fact['language']}): {fact['status']}"]
    if "reason" in fact:
        lines.append(f"  why          {fact['reason']}")
    if "hint" in fact:
        lines.append(f"  to get it    {fact['hint']}")
    if fact.get("argv"):
        lines.append(f"  command      {shlex.join(fact['argv'])}")
    for name, value in fact["environment"].items():
        lines.append(f"  environment  {name}={value}" if value is not None else f"  environment  {name} removed")
    if "version" in fact:
        versions = [f"{tool} {version}" for tool, version in fact["versions"].items()]
        lines.append(f"  versions     {', '.join([fact['name'] + ' ' + fact['version'], *versions])}")
        lines.append(f"  operations   {', '.join(fact['ops'])}")
        lines.append(f"  profiles     {', '.join(fact['profiles'])}")
    lines += [f"  problem      {problem}" for problem in fact["problems"]]
    return "\n".join(clean(line) for line in lines)
