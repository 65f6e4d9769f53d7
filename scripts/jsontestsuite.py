#!/usr/bin/env python3
"""Hold the backends' json.parse against the public JSONTestSuite (https://github.com/nst/JSONTestSuite).

    scripts/jsontestsuite.py SUITE [--backend NAME …]

SUITE is a clone of the suite, its folder test_parsing, or a bare git directory. It is read, never copied. Every file is
sent as base64; due is what the oracle says by our rules (semantics.md, section 2), which are stricter than RFC 8259.
Exit codes: 0 every backend agrees on every file, 1 one does not or the oracle contradicts the suite, 2 usage,
3 a backend cannot be had.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from conformance.manifest import Manifest, built_in
from conformance.oracle import answer
from conformance.toolchains import UnavailableError

FOLDER = "test_parsing"
STRICTER = ("json.encoding", "json.surrogate", "json.duplicate-key", "json.depth", "json.number-range")
TIMEOUT = 300.0
SHOWN = 20


def main() -> int:
    options = arguments()
    suite = read_suite(options.suite)
    if not suite:
        print(f"{options.suite}: no {FOLDER}/*.json there", file=sys.stderr)
        return 2
    due = {name: answer("json.parse", request_input(data)) for name, data in suite.items()}
    contradictions = [name for name in suite if contradicts(name, due[name])]
    print_due(due, contradictions)
    print(f"\n{'backend':10}{'files':>7}{'agreeing':>10}")
    status = 1 if contradictions else 0
    for manifest in options.backend:
        try:
            answers = ask(manifest, suite)
        except UnavailableError as error:
            print(f"{manifest.name:10}unavailable: {error}")
            status = 3
            continue
        if not answers:
            print(f"{manifest.name:10}did not start (see above)")
            status = 3
            continue
        wrong = [name for name in suite if not agrees(answers.get(name), due[name])]
        print(f"{manifest.name:10}{len(suite):>7}{len(suite) - len(wrong):>10}")
        for name in wrong[:SHOWN]:
            print(f"    {name}: due {brief(due[name])}, got {brief(answers.get(name))}")
        if wrong[SHOWN:]:
            print(f"    and {len(wrong) - SHOWN} more")
        status = max(status, 1 if wrong else 0)
    return status


def arguments() -> argparse.Namespace:
    manifests = built_in()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("suite", type=Path, metavar="SUITE", help="a clone, its test_parsing, or a git directory")
    parser.add_argument("--backend", action="append", choices=list(manifests), help="default: all four")
    options = parser.parse_args()
    options.backend = [manifests[name] for name in (options.backend or manifests)]
    return options


def read_suite(place: Path) -> dict[str, bytes]:
    """Return the suite's files by name: y_ must be accepted, n_ rejected, i_ is left to the parser."""
    for folder in (place / FOLDER, place):
        found = {file.name: file.read_bytes() for file in sorted(folder.glob("[yni]_*.json"))}
        if found:
            return found
    command = ["git", f"--git-dir={place}", "archive", "--format=tar", "HEAD", FOLDER]
    archive = subprocess.run(command, capture_output=True)
    if archive.returncode:
        return {}
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        members = {Path(member.name).name: tar.extractfile(member) for member in tar if member.isfile()}
    return {name: file.read() for name, file in sorted(members.items()) if file and name[:2] in ("y_", "n_", "i_")}


def request_input(data: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(data).decode("ascii")}


def contradicts(name: str, due: dict[str, Any]) -> bool:
    """Tell whether our rules are laxer than the suite, or stricter by anything but a rule beyond RFC 8259."""
    if name.startswith("n_"):
        return bool(due["verdict"] == "accept")
    return name.startswith("y_") and due["verdict"] == "reject" and due["code"] not in STRICTER


def print_due(due: dict[str, dict[str, Any]], contradictions: list[str]) -> None:
    for letter, meaning in (("y", "must be accepted"), ("n", "must be rejected"), ("i", "free")):
        of_class = [verdict for name, verdict in due.items() if name.startswith(letter)]
        accepted = sum(verdict["verdict"] == "accept" for verdict in of_class)
        print(f"{letter}_ ({meaning}): {len(of_class)} files, by our rules {accepted} accepted")
    print("\ny_ files that our stricter rules reject:")
    for name, verdict in due.items():
        if name.startswith("y_") and verdict["verdict"] == "reject":
            print(f"    {name}: {brief(verdict)}")
    print("\nVerdicts due on the i_ files:")
    for name, verdict in due.items():
        if name.startswith("i_"):
            print(f"    {name}: {brief(verdict)}")
    for name in contradictions:
        print(f"\nTHE ORACLE CONTRADICTS THE SUITE: {name}: {brief(due[name])}")


def ask(manifest: Manifest, suite: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """Return a fresh backend's answer to every file, by the file's name."""
    launch = manifest.launch()
    environment = {**os.environ, **{name: value for name, value in launch.env.items() if value is not None}}
    for name in [name for name, value in launch.env.items() if value is None]:
        environment.pop(name, None)
    with tempfile.TemporaryDirectory() as scratch:
        messages: list[dict[str, Any]] = [{"cmd": "hello", "protocol": 1, "root": scratch, "scratch": scratch}]
        messages += [
            {"cmd": "run", "id": name, "op": "json.parse", "input": request_input(data)} for name, data in suite.items()
        ]
        lines = "".join(json.dumps(message) + "\n" for message in [*messages, {"cmd": "bye"}])
        child = subprocess.run(
            launch.argv, input=lines.encode(), stdout=subprocess.PIPE, cwd=scratch, env=environment, timeout=TIMEOUT
        )
    answers = [json.loads(line) for line in child.stdout.splitlines()[1:]]
    return {str(given["id"]): given for given in answers}


def agrees(got: dict[str, Any] | None, due: dict[str, Any]) -> bool:
    """Compare verdict and value, or verdict, code and path; `json.*` is any code of the stage."""
    if got is None or got["verdict"] != due["verdict"]:
        return False
    if due["verdict"] == "accept":
        return bool(got["output"] == due["output"])
    same_code = got["code"] == due["code"] or (due["code"] == "json.*" and str(got["code"]).startswith("json."))
    return same_code and got["path"] == due["path"]


def brief(given: dict[str, Any] | None) -> str:
    if given is None:
        return "no answer"
    if given["verdict"] == "accept":
        return f"accept {json.dumps(given['output']['value'])[:60]}"
    return f"{given['verdict']} {given.get('code', given.get('message', ''))}"


if __name__ == "__main__":
    sys.exit(main())
