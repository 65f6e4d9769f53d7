"""The documentation: its code runs as printed, its data parses, and every block says what it is.

`python` and `bash` blocks of a page are run in turn, in one empty folder; `console` shows commands with their output,
or ones that other tests run (backend templates, the pytest plugin, `scripts/conform`), and `text` is output.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.toml import loads

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "conformance/corpus/README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Blocks with this title go on from a file.
CONTINUED = {'title="backend.py"': ROOT / "conformance/templates/python/backend.py"}
RUN = {"python": [sys.executable, "-"], "bash": ["bash", "-euo", "pipefail"]}
PARSED = {"json": json.loads, "toml": loads}
SHOWN = {"console", "text", "yaml", "julia", "rust"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int
    language: str
    title: str
    code: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, match.start()) + 1, match[1], match[2].strip(), match[3])
        for match in FENCE.finditer(text)
    ]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def program(page: Path, language: str) -> str:
    """Return all blocks of a language of a page as one program, on the lines on which they stand."""
    lines: list[str] = []
    for block in blocks(page):
        if block.language == language:
            lines += [""] * (block.line - len(lines))
            if block.title in CONTINUED:
                lines[-1] = f"import runpy; globals().update(runpy.run_path({str(CONTINUED[block.title])!r}))"
            lines += block.code.splitlines()
    return "\n".join(lines) + "\n"


RUNNABLE = [(page, language) for page in PAGES for language in RUN if any(b.language == language for b in blocks(page))]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_what_it_is(page: Path) -> None:
    known = {*RUN, *PARSED, *SHOWN}
    assert [f"{name(page)}:{b.line}: {b.language!r}" for b in blocks(page) if b.language not in known] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_data_parses(page: Path) -> None:
    for block in blocks(page):
        if block.language in PARSED:
            PARSED[block.language](block.code)


@pytest.mark.parametrize(
    ("page", "language"), RUNNABLE, ids=lambda value: value if isinstance(value, str) else name(value)
)
def test_code_runs(page: Path, language: str, tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT / "python"), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        RUN[language],
        input=program(page, language),
        cwd=tmp_path,
        env=environment,
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (
        f"{name(page)} ({language}; line numbers are those of the page):\n{done.stdout}{done.stderr}"
    )


def test_the_programs_keep_line_numbers() -> None:
    page = ROOT / "docs" / "bit-exact.md"
    first = next(b for b in blocks(page) if b.language == "python")
    assert program(page, "python").splitlines()[first.line] == first.code.splitlines()[0]


def test_the_matrix_of_the_readme_has_every_operation() -> None:
    matrix = next(block.code for block in blocks(ROOT / "README.md") if "\nCONFORM (" in block.code)
    rows = [line.split() for line in matrix.splitlines()]
    counts = {row[0]: int(row[1]) for row in rows if len(row) == 6 and row[1].isdecimal()}
    declared = loads((ROOT / "conformance/spec/rules.toml").read_text(encoding="utf-8"))["rule"]
    assert counts.pop("total") == sum(counts.values())
    assert set(counts) == {op for rule in declared for op in rule["ops"]}
