"""Whether an answer is the due one, and if not, where it first differs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from typing import Any

from conformance.case import ANY_JSON_CODE, Case, canonical
from conformance.floats import decode, ulps
from conformance.outcome import ERROR, FAIL, PASS, PROTOCOL_ERROR, UNSUPPORTED, Difference, Result

SHOWN = 8
ABSENT = object()


def judge(case: Case, backend: str, answer: dict[str, Any]) -> Result:
    """Compare an answer with the due one."""

    def result(outcome: str, **rest: Any) -> Result:
        return Result(backend, case.id, case.op, outcome, why=case.why, **rest)

    fault = fault_of_answer(answer)
    if fault:
        return result(PROTOCOL_ERROR, message=fault, expected=verdict_of(case.expect))
    verdict = answer["verdict"]
    if verdict == "unsupported":
        return _unsupported(case, result, str(answer.get("reason", "")))
    if verdict == "error":
        return result(ERROR, message=str(answer.get("message", "")), expected=verdict_of(case.expect))
    if _conforms(case, answer):
        return result(PASS)
    shown, more = _differences(case, answer)
    return result(
        FAIL,
        expected=verdict_of(case.expect),
        got=verdict_of(answer),
        message=str(answer.get("message", "")),
        differences=shown,
        more_differences=more,
    )


def _unsupported(case: Case, result: Callable[..., Result], reason: str) -> Result:
    """Only a profile may turn out to be unknown: of the operations, a backend is asked just those that it offers."""
    if "profile" in case.input:
        return result(UNSUPPORTED, message=reason)
    message = f"hello offers {case.op}, yet this is unsupported: {reason}"
    return result(FAIL, expected=verdict_of(case.expect), got={"verdict": "unsupported"}, message=message)


def fault_of_answer(answer: dict[str, Any]) -> str | None:
    """Say how an answer breaks the protocol, or None."""
    verdict = answer.get("verdict")
    if verdict == "accept":
        return None if isinstance(answer.get("output"), dict) else "accept without an object 'output'"
    if verdict == "reject":
        good = isinstance(answer.get("code"), str) and isinstance(answer.get("path"), str)
        return None if good else "reject without the strings 'code' and 'path'"
    return None if verdict in ("unsupported", "error") else f"unknown verdict {verdict!r}"


def verdict_of(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict of an answer or expectation without its output."""
    return {name: answer[name] for name in ("verdict", "code", "path", "message") if name in answer}


def _conforms(case: Case, answer: dict[str, Any]) -> bool:
    due = case.expect
    if answer["verdict"] != due["verdict"]:
        return False
    if due["verdict"] == "reject":
        if due["code"] == ANY_JSON_CODE:
            return bool(answer["code"].startswith("json.")) and answer["path"] == ""
        return bool(answer["code"] == due["code"] and answer["path"] == due.get("path"))
    text = canonical(answer["output"])
    if isinstance(case.due_output, str):
        return hashlib.sha256(text).hexdigest() == case.due_output
    return text == case.due_output


def _differences(case: Case, answer: dict[str, Any]) -> tuple[tuple[Difference, ...], int]:
    if answer["verdict"] != "accept" or "output" not in case.expect:
        return (), 0
    found = differences(case.expect["output"], answer["output"])
    shown = tuple(islice(found, SHOWN))
    return shown, sum(1 for _ in found)


def differences(due: Any, got: Any, path: str = "") -> Iterator[Difference]:
    """Yield the leaves at which two outputs differ, in document order of the due one."""
    if isinstance(due, dict) and isinstance(got, dict):
        for key in [*due, *(key for key in got if key not in due)]:
            step = str(key).replace("~", "~0").replace("/", "~1")
            yield from differences(due.get(key, ABSENT), got.get(key, ABSENT), f"{path}/{step}")
    elif isinstance(due, list) and isinstance(got, list):
        for index, (a, b) in enumerate(zip_longest(due, got, fillvalue=ABSENT)):
            yield from differences(a, b, f"{path}/{index}")
    elif type(due) is not type(got) or due != got:
        yield Difference(path, show(due), show(got), ulps(due, got))


def show(value: Any) -> str:
    """Return a value as a person wants to read it: hex floats decoded, long ones cut."""
    if value is ABSENT:
        return "nothing"
    number = decode(value)
    if number is not None:
        return f"{number!r} ({value})"
    text = canonical(value).decode("ascii")
    return text if len(text) <= 100 else text[:99] + "…"
