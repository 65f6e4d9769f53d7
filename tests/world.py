"""A small world for tests of the harness: a corpus made on the spot, and runs of the real command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MINI = Path(__file__).parent / "miniatures" / "mini.py"


def mini(behaviour: str = "honest", at: str = "") -> str:
    """Return the --backend word for a miniature."""
    return f"mini={sys.executable} {MINI} {behaviour} {at}".strip()


def heed_interrupts() -> None:
    """Undo, in a child that is about to start, what a CI system or nohup may have set: that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Outcome:
    """What a run of the command line left."""

    code: int
    out: str
    err: str
    report: list[dict[str, Any]]

    def outcomes(self, backend: str = "mini") -> dict[str, str]:
        """Return case id → outcome."""
        rows = [row for row in self.report if row["type"] == "result" and row["backend"] == backend]
        return {row["id"]: row["outcome"] for row in rows}

    def incidents(self) -> list[dict[str, Any]]:
        """Return the incidents of the report."""
        return [row for row in self.report if row["type"] == "incident"]


class World:
    """A corpus in a temporary folder, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.corpus = folder / "corpus"
        self.env = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}

    def write(self, case: dict[str, Any]) -> Path:
        """Write a case file as it stands."""
        file = self.corpus / case["op"] / f"{case['id']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(case), encoding="utf-8")
        return file

    def configs(self, count: int) -> list[str]:
        """Write that many cases of config.validate; returns their ids."""
        ids = [f"config-{number:03}" for number in range(count)]
        for number, case_id in enumerate(ids):
            self.write(config_case(case_id, number))
        return ids

    def cli(self, *words: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
        """Run ``python -m conformance`` with these words."""
        argv = [sys.executable, "-m", "conformance", *words]
        return subprocess.run(
            argv, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120, **kwargs
        )

    def run(self, *words: str) -> Outcome:
        """Run ``python -m conformance run`` on the corpus and read its report."""
        report = self.folder / "report.jsonl"
        report.unlink(missing_ok=True)
        done = self.cli("run", "--corpus", str(self.corpus), "--report", str(report), *words)
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
        return Outcome(done.returncode, done.stdout, done.stderr, [json.loads(line) for line in lines])


def config_case(case_id: str, index: int = 0) -> dict[str, Any]:
    """Return a case of config.validate that is accepted."""
    return {
        "id": case_id,
        "op": "config.validate",
        "rules": [],
        "why": "a plain transfer config is accepted",
        "source": "oracle",
        "tags": [],
        "input": {"document": {"freeze_until": index}},
        "expect": {
            "verdict": "accept",
            "output": {"freeze_until": index, "lr_backbone": "0000000000000000", "lr_head": "3f847ae147ae147b"},
        },
    }


def tie_case() -> dict[str, Any]:
    """Return a simulation in which neuron 1 of layer 0 reaches its threshold exactly at step 1."""
    neuron = {"model": "if", "threshold": 1.0}
    return {
        "id": "tie",
        "op": "simulate",
        "rules": [],
        "why": "a potential exactly at threshold is a spike",
        "source": "oracle",
        "tags": [],
        "input": {
            "network": {"layers": [{"weights": [[0.25], [0.5]], "neuron": neuron}]},
            "steps": 2,
            "input": {"kind": "constant", "values": [1.0]},
            "record": ["counts"],
        },
        "expect": {"verdict": "accept", "output": {"readout": [0, 1], "counts": [[0, 1]]}},
    }
