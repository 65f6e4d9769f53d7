"""Write the corpus from its tables, or check that the files are what the tables say.

    python scripts/corpus/make.py [--check] [--op GLOB]

The author of a case declares its verdict; the oracle works out the output. Where they differ nothing is written: find
out by conformance/spec who is wrong. After writing, the files are the truth. The trained networks come from digits.py.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import artefacts  # noqa: E402
import jsonpatch  # noqa: E402
from cases import Draft  # noqa: E402

from conformance.case import ANY_JSON_CODE, canonical, digest  # noqa: E402
from conformance.corpora import ARTEFACTS  # noqa: E402
from conformance.formatting import format_case  # noqa: E402
from conformance.oracle import answer  # noqa: E402

CORPUS = ROOT / "conformance" / "corpus"
TABLES = (
    "json_parse",
    "config_validate",
    "checkpoint_validate",
    "transfer",
    "encode_poisson",
    "network_rules",
    "input_rules",
    "dynamics",
    "arithmetic",
    "precedence",
    "mutant_gaps",
    "activation",
    "balancing",
    "binary32",
    "conversion_gaps",
    "convolutions",
    "pools_and_sums",
    "layer_rules",
    "layer_order",
    "graphs",
    "layer_gaps",
    "pair_archives",
    "pair_sidecars",
    "pair_arrays",
    "pair_saves",
    "pair_files",
    "pair_gaps",
    "layer_pairs",
)
LARGEST_OUTPUT = 24_000
"""Characters; a larger output is stated by its digest, so that a case stays readable."""


class Disagreement(Exception):
    """The oracle does not answer what the author of a case declares."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file differs")
    parser.add_argument("--op", default="*", help="only the cases of these operations (shell pattern)")
    arguments = parser.parse_args()
    drafts = [draft for draft in all_drafts() if fnmatchcase(draft.members["op"], arguments.op)]
    files = artefact_files()
    complaints = stale(files) + strangers(files) if arguments.check else write(files)
    texts: dict[Path, bytes] = {}
    for draft in drafts:
        try:
            texts[file_of(draft)] = format_case(finished(draft)).encode()
        except Disagreement as disagreement:
            complaints.append(str(disagreement))
    complaints += stale(texts) if arguments.check else write(texts) if not complaints else []
    print("\n".join([*complaints, f"{len(drafts)} cases, {len(files)} artefacts, {len(complaints)} complaints"]))
    return 1 if complaints else 0


def artefact_files() -> dict[Path, bytes]:
    """Return the artefacts that the tables have made, and their manifest."""
    files = {CORPUS / path: content for path, (content, _) in artefacts.FILES.items()}
    return files | {CORPUS / ARTEFACTS / "MANIFEST.json": artefacts.manifest()}


def strangers(files: dict[Path, bytes]) -> list[str]:
    """Return a complaint for each artefact that no table makes."""
    there = (file for file in (CORPUS / ARTEFACTS).rglob("*") if file.is_file())
    return [f"{file.relative_to(ROOT)}: no table makes it" for file in there if file not in files]


def all_drafts() -> list[Draft]:
    """Return the drafts of all tables; raises ValueError for an id used twice."""
    drafts = [draft for table in TABLES for cases in importlib.import_module(table).TABLES for draft in cases]
    seen: set[str] = set()
    for name in (draft.members["id"] for draft in drafts):
        if name in seen:
            raise ValueError(f"two cases have the id {name}")
        seen.add(name)
    return drafts


def file_of(draft: Draft) -> Path:
    return CORPUS / draft.members["op"] / f"{draft.members['id']}.json"


def finished(draft: Draft) -> dict[str, Any]:
    """Return the whole case, its expectation worked out and every verdict held against the oracle."""
    members = dict(draft.members)
    require_unchanged_by_python(members)
    states = list(repaired_inputs(members))
    answers = [answer(members["op"], copy.deepcopy(state), CORPUS) for state in states]
    for index, (due, got) in enumerate(zip(draft.verdicts, answers, strict=True)):
        compare_verdict(members["id"], index, due, got)
    return members | {"expect": expectation(draft, answers[0])}


def require_unchanged_by_python(members: dict[str, Any]) -> None:
    """Raise Disagreement where reading and writing a case again would change it: such a datum travels as text."""
    before = json.dumps(members, allow_nan=False)
    after = json.dumps(json.loads(before), allow_nan=False)
    if before != after:
        raise Disagreement(f"{members['id']}: a round trip through Python's json changes the input")


def repaired_inputs(members: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield the input, and what it becomes by each patch in turn."""
    state = members["input"]
    yield state
    repair = members.get("repair", [])
    for patch in repair if "precedence" in members["tags"] else [repair] if repair else []:
        state = jsonpatch.apply_patch(copy.deepcopy(state), patch)
        yield state


def compare_verdict(name: str, patches: int, due: tuple[str, str], got: dict[str, Any]) -> None:
    """Raise Disagreement where the oracle's verdict is not the declared one."""
    code, path = due
    said = "accept" if got["verdict"] == "accept" else f"{got['verdict']} {got.get('code')} {got.get('path')!r}"
    agrees = said == (f"reject {code} {path!r}" if code else "accept")
    if code == ANY_JSON_CODE:
        agrees = str(got.get("code")).startswith("json.")
    if not agrees:
        want = f"{code} {path!r}" if code else "accept"
        raise Disagreement(
            f"{name}: after {patches} patches declared {want}, the oracle says {said}: {got.get('message', '')}"
        )


def expectation(draft: Draft, got: dict[str, Any]) -> dict[str, Any]:
    """Return the `expect` of a case: the declared verdict, and for an accept the oracle's output."""
    code, path = draft.verdicts[0]
    if code:
        return {"verdict": "reject", "code": code, "path": path}
    output = got["output"]
    for name, value in draft.facts.items():
        if output.get(name) != value:
            wrong = f"{name} is {output.get(name)!r}, not {value!r} as worked out by hand"
            raise Disagreement(f"{draft.members['id']}: {wrong}")
    if len(canonical(output)) > LARGEST_OUTPUT:
        return {"verdict": "accept", "sha256": digest(output)}
    return {"verdict": "accept", "output": output}


def write(texts: dict[Path, bytes]) -> list[str]:
    """Write the files that are new or differ; nothing to complain about."""
    for file, text in texts.items():
        if not file.is_file() or file.read_bytes() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
    return []


def stale(texts: dict[Path, bytes]) -> list[str]:
    """Return a complaint for each file that is not what the tables say."""
    return [
        f"{file.relative_to(ROOT)}: not what the tables say"
        for file, text in texts.items()
        if not file.is_file() or file.read_bytes() != text
    ]


if __name__ == "__main__":
    sys.exit(main())
