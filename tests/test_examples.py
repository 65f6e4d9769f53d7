"""The examples, in their small size: each runs to its end, all backends agree on its pair, and it draws its picture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# (script, what its output must contain)
EXAMPLES = [
    ("deploy/deploy.py", ["Rust: 40 images, every bit equal to Python", "Julia: 40 images, every bit equal to Python"]),
]


@pytest.mark.parametrize(("script", "due"), EXAMPLES, ids=[script for script, _ in EXAMPLES])
def test_example(script: str, due: list[str], tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / script), "--small", "--out", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "python")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in due if line not in done.stdout] == []
    assert list(tmp_path.glob("*.png")), done.stdout


def test_every_example_is_here() -> None:
    scripts = {str(path.relative_to(ROOT / "examples")) for path in (ROOT / "examples").glob("*/*.py")}
    assert scripts == {script for script, _ in EXAMPLES}
