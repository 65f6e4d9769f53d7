"""The examples, in their small size: each runs to its end, all backends agree on its pair, and it draws its picture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What examples/closing.py prints where all is well.
ORDERED = "sums in the profile's order: 0 differ from sequential-f32"
CONFORM = "CONFORM: all 4 backends load and simulate it alike"
# (script, what its output must contain)
EXAMPLES = [
    ("digits_transfer.py", ["frozen ['0'], unmoved: True", ORDERED, CONFORM]),
    ("poisson_classifier.py", ["median loss after 40 epochs", ORDERED, CONFORM]),
    ("ten_spikes.py", ["exactly 10 output spikes: 4 of 4 seeds", ORDERED, CONFORM]),
    ("fashion_conv.py", ["of the test images", ORDERED, CONFORM]),
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
    scripts = {str(path.relative_to(ROOT / "examples")) for path in (ROOT / "examples").rglob("*.py")}
    assert scripts - {"closing.py"} == {script for script, _ in EXAMPLES}
