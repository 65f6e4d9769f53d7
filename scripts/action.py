"""What action.yml runs: asks the backends that its inputs name; leaves summary, report and logs where CI finds them.

The inputs come as the environment variables BACKEND, CORPUS, OP (several on lines of their own), EXPECTATIONS and
REQUIRE; RUNNER_TEMP, GITHUB_STEP_SUMMARY and GITHUB_OUTPUT are GitHub's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPEATED = {"BACKEND": "--backend", "CORPUS": "--corpus", "OP": "--op"}
SINGLE = {"EXPECTATIONS": "--expectations", "REQUIRE": "--require"}


def main() -> int:
    """Run; the exit code is that of the harness."""
    folder = Path(os.environ["RUNNER_TEMP"]) / "conformance-report"
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.jsonl"
    places = ["--report", str(report), "--summary", os.environ["GITHUB_STEP_SUMMARY"]]
    done = subprocess.run([sys.executable, "-m", "conformance", "run", *options(), *places])
    if report.exists():
        keep_logs(report, folder)
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(f"report={report}\n")
    return done.returncode


def options() -> list[str]:
    """Turn the inputs into options; empty lines and empty inputs are none."""
    words = []
    for name, option in REPEATED.items():
        for line in os.environ.get(name, "").splitlines():
            words += [f"{option}={line.strip()}"] if line.strip() else []
    for name, option in SINGLE.items():
        value = os.environ.get(name, "").strip()
        words += [f"{option}={value}"] if value else []
    return words


def keep_logs(report: Path, folder: Path) -> None:
    """Copy what the backends said on standard error beside the report, which names these logs."""
    for line in report.read_text(encoding="utf-8").splitlines():
        log = Path(json.loads(line).get("log", ""))
        if log.is_file():
            shutil.copy(log, folder)


if __name__ == "__main__":
    sys.exit(main())
