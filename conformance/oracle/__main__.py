"""`python -m conformance.oracle CASE.json …` prints the due answer of each case."""

import json
import sys
from pathlib import Path

from conformance.oracle import answer


def main(paths: list[str]) -> int:
    """Print one answer per case file; return the exit code."""
    if not paths:
        print("usage: python -m conformance.oracle CASE.json …", file=sys.stderr)
        return 2
    for path in paths:
        case = json.loads(Path(path).read_bytes())
        print(json.dumps(answer(case["op"], case["input"]), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
