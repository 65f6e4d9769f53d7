"""Checks that make a corpus trustworthy: form, one fault per reject, the oracle's expectations, rules covered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from conformance import oracle
from conformance.case import ANY_JSON_CODE, Case, case_of, digest
from conformance.corpora import case_files
from conformance.coverage import coverage
from conformance.errors import UsageError
from conformance.rules import SPEC, all_rules, operations
from conformance.verbs.fmt import canonical_text

MEMBERS_OF_INPUT: dict[str, tuple[set[str], set[str]]] = {
    "json.parse": (set(), {"text", "base64"}),
    "checkpoint.validate": (set(), {"document", "text", "base64"}),
    "config.validate": (set(), {"document", "text", "base64"}),
    "transfer.freeze": ({"checkpoint"}, {"layer_names", "until_index"}),
    "transfer.unfreeze": ({"checkpoint"}, {"layer_names", "all_layers"}),
    "transfer.apply": ({"checkpoint", "config"}, set()),
    "simulate": ({"network", "steps", "input"}, {"record", "profile"}),
    "encode.poisson": ({"rates", "seed", "steps"}, {"sample"}),
    "activation.qcfs": ({"x", "theta", "T"}, set()),
    "convert.normalize": ({"layers", "scales"}, set()),
    "checkpoint.load": ({"base"}, set()),
    "checkpoint.save": ({"base"}, {"checkpoint", "network", "compress"}),
}
"""Operation → its required and its optional members."""

ONE_OF = ({"document", "text", "base64"}, {"checkpoint", "network"})
"""Optional members of which an operation that knows them takes exactly one."""

Finding = tuple[Path, str]


def lint(root: Path) -> Iterator[Finding]:
    """Yield what is wrong with a corpus, file by file, then with the whole."""
    cases: list[Case] = []
    for file in case_files(root):
        findings, case = lint_file(file, root)
        yield from ((file, text) for text in findings)
        if case is not None:
            cases.append(case)
    yield from _shared_ids(cases)


def lint_coverage(root: Path, cases: list[Case]) -> Iterator[Finding]:
    """Yield the rules that have too few cases."""
    for row in coverage(cases):
        for gap in row.gaps:
            yield root, f"rule {row.rule.code}: {gap}"


def lint_file(file: Path, root: Path) -> tuple[list[str], Case | None]:
    """Return what is wrong with one file of the corpus ``root``, and its case where it has the form of one."""
    try:
        members = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        return [f"not readable as JSON: {error}"], None
    fault = schema_fault(members)
    if fault:
        return [fault], None
    findings = [] if file.read_text(encoding="utf-8") == canonical_text(file) else ["not in canonical form (run fmt)"]
    case = case_of(members, file)
    if file.stem != case.id:
        findings.append(f"the file's name must be the id: {case.id}.json")
    return findings + list(lint_case(case, root)), case


def lint_case(case: Case, root: Path) -> Iterator[str]:
    """Yield what is wrong with a case that has the form of one; the files that it speaks of are below ``root``."""
    yield from _known_words(case)
    yield from _members(case)
    yield from _round_trip(case)
    if case.op in MEMBERS_OF_INPUT:
        yield from _expectation(case, root)
        yield from _repair(case, root)


@cache
def _validator() -> Callable[[Any], Any]:
    import fastjsonschema

    schema = json.loads((SPEC / "case.schema.json").read_text(encoding="utf-8"))
    validator: Callable[[Any], Any] = fastjsonschema.compile(schema)
    return validator


def schema_fault(members: Any) -> str | None:
    """Return how a document is no case by spec/case.schema.json, or None."""
    import fastjsonschema

    try:
        _validator()(members)
    except fastjsonschema.JsonSchemaValueException as error:
        return str(error.message).replace("data.", "", 1)
    return None


def _shared_ids(cases: list[Case]) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for case in cases:
        if case.id in seen:
            yield case.file, f"the id is also that of {seen[case.id]}"
        seen[case.id] = case.file


def _known_words(case: Case) -> Iterator[str]:
    if case.op not in operations():
        yield f"unknown operation {case.op!r}"
    for code in case.rules:
        rule = all_rules().get(code)
        if rule is None:
            yield f"unknown rule {code!r}"
        elif case.op not in rule.ops:
            yield f"rule {code} is not one of {case.op}"


def _members(case: Case) -> Iterator[str]:
    required, optional = MEMBERS_OF_INPUT.get(case.op, (set(case.input), set()))
    for name in sorted(required - set(case.input)):
        yield f"input lacks {name!r}; what is always sent must be there (protocol.md)"
    for name in sorted(set(case.input) - required - optional):
        yield f"input has {name!r}, which {case.op} does not know"
    for group in ONE_OF:
        if group & optional == group and len(group & set(case.input)) != 1:
            yield f"input must have exactly one of {', '.join(sorted(group))}"
    if not isinstance(case.input.get("compress", True), bool):
        yield "input has a 'compress' that is neither true nor false; that is never sent (semantics.md, section 1)"


def _round_trip(case: Case) -> Iterator[str]:
    """What parsing and serialising again would change must travel as text: some JSON library would change it."""
    for place, value in _numbers(case.input, ""):
        if isinstance(value, int) and abs(value) > 2**53:
            yield f"input{place}: an integer beyond 2^53 must travel as text or base64"
    if _depth(case.input) > 100:
        yield "input: nested deeper than 100; must travel as text or base64"
    try:
        json.dumps(case.input, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except ValueError as error:
        yield f"input: cannot travel: {error}"


def _numbers(value: Any, place: str) -> Iterator[tuple[str, int | float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{place}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, f"{place}/{index}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, value


def _depth(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    inner = max(map(_depth, children), default=0)
    return inner + 1 if isinstance(value, dict | list) else 0


def _answer(op: str, input: dict[str, Any], root: Path) -> dict[str, Any]:
    """Return the oracle's answer; what it cannot read or does not know is no request, and so the verdict ``error``."""
    try:
        return oracle.answer(op, input, root)
    except (LookupError, ValueError, MemoryError) as error:
        return {"verdict": "error", "message": f"{type(error).__name__}: {error}"}


def _expectation(case: Case, root: Path) -> Iterator[str]:
    answer = _answer(case.op, case.input, root)
    if answer["verdict"] in ("error", "unsupported"):
        yield f"the oracle cannot answer: {answer.get('message', 'unsupported')}"
        return
    if answer["verdict"] == "accept":
        same = case.expect.get("output") == answer["output"] or case.expect.get("sha256") == digest(answer["output"])
        if not same:
            yield "the oracle accepts" + (" with another output" if case.expect["verdict"] == "accept" else "")
        return
    if case.expect != answer:
        yield f"the oracle rejects with {answer['code']} at {answer['path'] or 'the root'}"
    if case.expect["verdict"] == "reject" and case.expect["code"] != ANY_JSON_CODE:
        if case.expect["code"] not in case.rules[:1]:
            yield "rules must begin with the code of the expectation"
        if "precedence" not in case.tags and len(case.rules) != 1:
            yield "a reject has one rule, unless its tag is precedence"


def _repair(case: Case, root: Path) -> Iterator[str]:
    if case.expect["verdict"] == "accept":
        if case.repair is not None:
            yield "an accepted case has nothing to repair"
    elif case.repair is None:
        yield "a reject needs 'repair', the JSON Patch that makes it valid"
    else:
        yield from _repair_steps(case, root)


def _repair_steps(case: Case, root: Path) -> Iterator[str]:
    """One fault each: a patch makes the case valid; under precedence each patch exposes the next due rule."""
    precedence = "precedence" in case.tags
    patches = case.repair if precedence else [case.repair]
    due = [*case.rules[1:], None] if precedence else [None]
    if patches is None or not all(isinstance(patch, list) for patch in patches) or len(patches) != len(due):
        yield "repair must be one patch, or under the tag precedence a list with one patch per rule"
        return
    value = case.input
    for number, (patch, code) in enumerate(zip(patches, due, strict=True)):
        try:
            value = patched(value, patch)
        except UsageError as error:
            yield f"repair {number}: {error}"
            return
        answer = _answer(case.op, value, root)
        leads_to = "an accept" if answer["verdict"] == "accept" else str(answer.get("code", answer.get("message")))
        if leads_to != (code or "an accept"):
            yield f"repair {number} leads to {leads_to}, due is {code or 'an accept'}"


def patched(value: Any, patch: list[Any]) -> Any:
    """Apply a JSON Patch (RFC 6902); raises UsageError where it does not apply."""
    import jsonpatch

    try:
        return jsonpatch.apply_patch(value, patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise UsageError(f"the patch does not apply: {error}") from None
