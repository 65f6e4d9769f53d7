"""A miniature backend: right by default (it asks the oracle), or misbehaving in the one way that its argument names.

mini.py [BEHAVIOUR [CASE_ID]]     the behaviour shows at the cases CASE_ID (a shell pattern), or always
"""

from __future__ import annotations

import json
import os
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance import oracle
from conformance.rules import codes_of, operations

BEHAVIOUR = sys.argv[1] if len(sys.argv) > 1 else "honest"
AT = sys.argv[2] if len(sys.argv) > 2 else "*"
PLACES = {"root": Path()}


def say(message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def hello() -> dict[str, Any]:
    ops = list(operations())
    if BEHAVIOUR == "one-op":
        ops = ["config.validate"]
    answer = {"protocol": 1, "name": "mini", "version": "0", "language": "Python", "ops": ops}
    answer |= {"codes": sorted(codes_of(ops)), "profiles": ["sequential-f64"]}
    if BEHAVIOUR == "protocol-2":
        answer["protocol"] = 2
    if BEHAVIOUR == "lies-about-codes":
        answer["codes"] = [*answer["codes"][1:], "made.up"]
    return answer


def run(request: dict[str, Any]) -> None:
    due = oracle.answer(request["op"], request["input"], PLACES["root"]) | {"id": request["id"]}
    misbehave = MISBEHAVIOURS.get(BEHAVIOUR)
    if misbehave is not None and fnmatchcase(request["id"], AT):
        misbehave(request, due)
    else:
        say(due)


def crash(request: dict[str, Any], due: dict[str, Any]) -> None:
    print("mini: about to die", file=sys.stderr, flush=True)
    os.abort()


def leave(request: dict[str, Any], due: dict[str, Any]) -> None:
    os._exit(3)


def hang(request: dict[str, Any], due: dict[str, Any]) -> None:
    time.sleep(600)


def half_a_line(request: dict[str, Any], due: dict[str, Any]) -> None:
    sys.stdout.write('{"id": "half')
    sys.stdout.flush()
    os._exit(0)


def garbage(request: dict[str, Any], due: dict[str, Any]) -> None:
    sys.stdout.write("Segmentation fault (just kidding)\n")
    sys.stdout.flush()


def wrong_id(request: dict[str, Any], due: dict[str, Any]) -> None:
    say({**due, "id": "somebody-else"})


def wrong_shape(request: dict[str, Any], due: dict[str, Any]) -> None:
    say({"id": request["id"], "verdict": "perhaps"})


def twice(request: dict[str, Any], due: dict[str, Any]) -> None:
    say(due)
    say(due)


def wrong(request: dict[str, Any], due: dict[str, Any]) -> None:
    say({"id": request["id"], "verdict": "reject", "code": "config.object", "path": "/nowhere", "message": "no"})


def error(request: dict[str, Any], due: dict[str, Any]) -> None:
    say({"id": request["id"], "verdict": "error", "message": "a list index was out of range"})


def unsupported(request: dict[str, Any], due: dict[str, Any]) -> None:
    say({"id": request["id"], "verdict": "unsupported", "reason": "not today"})


def one_ulp(request: dict[str, Any], due: dict[str, Any]) -> None:
    """Lose the tie: a neuron that should fire exactly at threshold does not, and keeps its potential."""
    network = json.loads(json.dumps(request["input"]["network"]))
    for layer in network["layers"]:
        layer["neuron"]["threshold"] *= 1 + 2**-52
    say(oracle.answer("simulate", {**request["input"], "network": network}, PLACES["root"]) | {"id": request["id"]})


def crash_once(request: dict[str, Any], due: dict[str, Any]) -> None:
    """Die in company only, as a race or a leak would: a request that comes alone is answered."""
    marker = Path(os.environ["MINI_MARKER"])
    if marker.exists():
        say(due)
    else:
        marker.touch()
        os.abort()


def fork(request: dict[str, Any], due: dict[str, Any]) -> None:
    """Leave a child behind that holds the pipes open, then die."""
    if os.fork() == 0:
        time.sleep(600)
    os._exit(1)


def wait(request: dict[str, Any], due: dict[str, Any]) -> None:
    """Answer nothing, but go on listening: the end of the input ends it."""


def huge(request: dict[str, Any], due: dict[str, Any]) -> None:
    """Send a gigabyte without a newline."""
    block = "x" * (1 << 20)
    for _ in range(1024):
        sys.stdout.write(block)
    say(due)


def deaf(request: dict[str, Any], due: dict[str, Any]) -> None:
    """Close the input and say nothing any more."""
    os.close(0)
    time.sleep(600)


def slow(request: dict[str, Any], due: dict[str, Any]) -> None:
    time.sleep(0.1)
    say(due)


MISBEHAVIOURS = {
    "huge": huge,
    "deaf": deaf,
    "slow": slow,
    "wait": wait,
    "crash": crash,
    "exit": leave,
    "hang": hang,
    "half-a-line": half_a_line,
    "garbage": garbage,
    "wrong-id": wrong_id,
    "wrong-shape": wrong_shape,
    "twice": twice,
    "wrong": wrong,
    "error": error,
    "unsupported": unsupported,
    "one-ulp": one_ulp,
    "crash-once": crash_once,
    "fork": fork,
}


def main() -> None:
    if BEHAVIOUR == "dies-at-start":
        sys.exit("mini: cannot find my library")
    if BEHAVIOUR == "silent":
        time.sleep(600)
    if BEHAVIOUR == "noisy":
        sys.stderr.write("x" * 100_000_000)
    if BEHAVIOUR == "reversed":
        serve_reversed()
        return
    for line in sys.stdin:
        request = json.loads(line)
        PLACES["root"] = Path(request.get("root", PLACES["root"]))
        if request["cmd"] == "hello":
            say(hello())
        elif request["cmd"] == "run":
            run(request)
        elif request["cmd"] == "bye":
            end()


def end() -> None:
    if BEHAVIOUR == "hangs-at-bye":
        time.sleep(600)
    if BEHAVIOUR == "crashes-at-bye":
        os.abort()
    sys.exit(7 if BEHAVIOUR == "exit-code-7" else 0)


def serve_reversed() -> None:
    """Answer in pairs, the later request first: any order is allowed."""
    held: list[dict[str, Any]] = []
    say(hello())
    sys.stdin.readline()
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "run":
            held.append(request)
        if len(held) == 2 or (held and request["cmd"] == "bye"):
            for late in reversed(held):
                run(late)
            held.clear()


if __name__ == "__main__":
    main()
