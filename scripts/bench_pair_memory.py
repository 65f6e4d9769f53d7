"""Measures the memory that hostile pairs cost each backend, above its state after a warm-up; prints a table.

    python scripts/bench_pair_memory.py [--out benchmarks/results/pair_memory.json] [--backend python …]

The pairs are those of tests/crash/bombs.py; tests/test_pair_memory.py demands the bound.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from crash.bombs import BOMBS  # noqa: E402
from crash.memory import MOST, Cost, costs  # noqa: E402
from crash.peer import LANGUAGES  # noqa: E402


def measure(language: str) -> list[Cost]:
    with tempfile.TemporaryDirectory() as folder:
        return costs(language, Path(folder))


def table(measured: dict[str, list[Cost]]) -> str:
    lines = [f"{'peak, MiB above the warm-up':46}" + "".join(f"{name:>9}" for name in measured) + "  verdict"]
    for number, bomb in enumerate(BOMBS):
        row = [measured[name][number] for name in measured]
        codes = sorted({f"{cost.code} {cost.path}".strip() for cost in row})
        peaks = "".join(f"{cost.peak / 2**20:9.1f}" for cost in row)
        lines.append(f"{bomb.name:46}{peaks}  {' / '.join(codes)}")
    return "\n".join(lines)


def document(measured: dict[str, list[Cost]]) -> dict[str, object]:
    peaks = {
        name: {cost.bomb.name: {"code": cost.code, "peak_mib": round(cost.peak / 2**20, 1)} for cost in rows}
        for name, rows in measured.items()
    }
    machine = {"system": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()}
    about = "peak resident memory (VmHWM) above that after a warm-up request, one process per backend"
    return {"about": about, "bound_mib": MOST >> 20, "date": time.strftime("%Y-%m-%d"), "machine": machine} | {
        "peaks": peaks
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--backend", action="append", choices=LANGUAGES)
    chosen = parser.parse_args()
    measured = {language: measure(language) for language in chosen.backend or LANGUAGES}
    print(table(measured))
    if chosen.out:
        chosen.out.write_text(json.dumps(document(measured), indent=1) + "\n", encoding="utf-8")
    faults = [
        cost
        for rows in measured.values()
        for cost in rows
        if (cost.code, cost.path) != (cost.bomb.code, cost.bomb.path) or cost.peak >= MOST
    ]
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
