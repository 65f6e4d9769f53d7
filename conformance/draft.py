"""Making a case: a scaffold for each operation, and the expectation that the oracle fills in."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from conformance import oracle
from conformance.case import digest
from conformance.corpora import BUILT_IN, case_files
from conformance.errors import UsageError
from conformance.formatting import format_case
from conformance.lint import lint_file, schema_fault

LARGE_OUTPUT = 20_000
"""Characters of formatted output beyond which a case states the SHA-256 of its output instead."""

CHECKPOINT = {
    "layer_names": ["hidden", "readout"],
    "layer_sizes": [[2, 2], [2, 1]],
    "weights": [[[0.5, -0.25], [0.0, 1.0]], [[1.0, 1.0]]],
}
NETWORK = {
    "layers": [
        {"weights": [[0.5, 0.25]], "bias": [0.125], "neuron": {"model": "if", "threshold": 1.0, "reset": "subtract"}}
    ],
    "readout": "spikes",
}
TEMPLATES: dict[str, dict[str, Any]] = {
    "json.parse": {"text": '{"key": [1, 2.5, "text", true, null]}'},
    "checkpoint.validate": {"document": CHECKPOINT},
    "config.validate": {"document": {"freeze_until": "hidden", "lr_backbone": 0.0, "lr_head": 0.01}},
    "transfer.freeze": {"checkpoint": CHECKPOINT, "layer_names": ["hidden"]},
    "transfer.unfreeze": {"checkpoint": {**CHECKPOINT, "frozen_layers": ["hidden"]}, "layer_names": ["hidden"]},
    "transfer.apply": {"checkpoint": CHECKPOINT, "config": {"freeze_until": 0, "lr_backbone": 0.001, "lr_head": 0.01}},
    "simulate": {
        "network": NETWORK,
        "steps": 4,
        "input": {"kind": "constant", "values": [1.0, 1.0]},
        "record": ["counts", "spikes", "potential", "trace"],
    },
    "encode.poisson": {"rates": [0.0, 0.25, 1.0], "seed": 7, "steps": 4},
    "checkpoint.load": {"base": "artefacts/sound/two-layers"},
    "checkpoint.save": {"checkpoint": CHECKPOINT, "base": "saved/model", "compress": True},
    "activation.qcfs": {"x": [-0.5, 0.3, 2.0], "theta": 1.0, "T": 4},
    "convert.normalize": {"layers": [{"weights": [[0.5, -0.25]], "bias": [0.125]}], "scales": [2.0]},
}


def scaffold(op: str, case_id: str, why: str) -> dict[str, Any]:
    """Return a draft: a valid input of that operation, to be edited; raises UsageError for an unknown operation."""
    if op not in TEMPLATES:
        raise UsageError(f"unknown operation {op!r}; known: {', '.join(TEMPLATES)}")
    draft = {"id": case_id, "op": op, "rules": [], "why": why, "source": "oracle", "tags": []}
    return draft | {"input": copy.deepcopy(TEMPLATES[op])}


def complete(draft: dict[str, Any], root: Path) -> dict[str, Any]:
    """Return the draft with the expectation that the oracle fills in, and for a reject the rule.

    Files that it speaks of are those of the corpus ``root``.

    Raises:
        UsageError: The draft states another expectation than the oracle's, or lacks what only its author knows.
    """
    if not isinstance(draft.get("op"), str) or draft["op"] not in TEMPLATES:
        raise UsageError(f"the draft's op is {draft.get('op')!r}; known: {', '.join(TEMPLATES)}")
    if not isinstance(draft.get("input"), dict):
        raise UsageError("the draft has no object 'input'")
    answer = oracle.answer(draft["op"], draft["input"], root)
    if answer["verdict"] not in ("accept", "reject"):
        raise UsageError(f"the oracle cannot answer: {answer.get('message', answer['verdict'])}")
    due = due_of(answer)
    if draft.get("expect", due) != due:
        raise UsageError(f"the draft expects {draft['expect']}, the oracle says {due}: see semantics.md, one errs")
    case = {**draft, "expect": due}
    if due["verdict"] == "reject":
        case["rules"] = draft.get("rules") or [due["code"]]
        if "repair" not in draft:
            raise UsageError(
                f"rejected with {due['code']} at {due['path'] or 'the root'}; add 'repair', the JSON Patch on input"
                ' that makes it valid: [{"op": "replace", "path": "…", "value": …}]'
            )
    return case


def due_of(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of the oracle's as a case states it: a large output by its SHA-256."""
    if answer["verdict"] == "accept" and len(str(answer["output"])) > LARGE_OUTPUT:
        return {"verdict": "accept", "sha256": digest(answer["output"])}
    return answer


def add_to_corpus(draft: dict[str, Any], root: Path) -> Path:
    """Complete a draft, lint it and write it into a corpus; returns the new file.

    Raises:
        UsageError: The id exists already, or the case has a fault; nothing is written then.
    """
    case = complete(draft, root)
    fault = schema_fault(case)
    if fault:
        raise UsageError(f"the draft is no case: {fault}")
    root.mkdir(parents=True, exist_ok=True)
    for file in case_files(root):
        if file.stem == case["id"]:
            raise UsageError(f"the id {case['id']!r} exists already: {file}")
    target: Path = root / case["op"] / f"{case['id']}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(format_case(case), encoding="utf-8")
    findings, _ = lint_file(target, root)
    if findings:
        target.unlink()
        raise UsageError("; ".join(findings))
    return target


def writable_corpus(root: Path | None) -> Path:
    """Return the corpus to add to: the one named, or the built-in one where it lies in a checkout.

    Raises:
        UsageError: None is named, and the built-in corpus is part of an installation.
    """
    built_in = Path(BUILT_IN).resolve()
    if root is not None:
        return root
    if (built_in.parent.parent / "pyproject.toml").is_file():
        return built_in
    raise UsageError("name the corpus to add to with --corpus DIR (the built-in one is part of the installation)")
