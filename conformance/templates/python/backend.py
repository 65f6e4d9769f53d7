"""A conformance backend with one operation, encode.poisson; protocol.md and semantics.md say what is due."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

CODES = ["simulate.steps", "input.seed", "input.sample", "input.shape", "input.range"]
HELLO = {"protocol": 1, "name": "my-backend", "version": "0.1.0", "language": "Python"}
HELLO |= {"ops": ["encode.poisson"], "codes": CODES, "profiles": ["sequential-f64"]}

LARGEST_INTEGER = 2**53 - 1
MOST_STEPS = 2**20
WORD = 2**32
NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class RejectedError(Exception):
    """The input breaks a rule; its arguments are the rule's code, the path of the datum at fault, a message."""


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Return the four 32-bit words of Philox4x32-10."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        left, right = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (right // WORD) ^ c1 ^ k0, right % WORD, (left // WORD) ^ c3 ^ k1, left % WORD
        k0, k1 = (k0 + 0x9E3779B9) % WORD, (k1 + 0xBB67AE85) % WORD
    return [c0, c1, c2, c3]


def check_integer(value: Any, lowest: int, highest: int, code: str, path: str) -> int:
    """Return an Integer within a range; 2.0 is none, and neither is True, which Python takes for one."""
    if type(value) is not int or not lowest <= value <= highest:
        raise RejectedError(code, path, f"not an Integer within {lowest} … {highest}")
    return value


def check_rates(value: Any) -> list[float]:
    """Return the rates: all of them are checked for their type before any is checked for its range."""
    if not isinstance(value, list):
        raise RejectedError("input.shape", "/rates", "not a list")
    rates: list[Any] = [NON_FINITE.get(rate, rate) if isinstance(rate, str) else rate for rate in value]
    for index, rate in enumerate(rates):
        if type(rate) not in (int, float):
            raise RejectedError("input.shape", f"/rates/{index}", "not a Number")
    for index, rate in enumerate(rates):
        if not 0 <= rate <= 1:
            raise RejectedError("input.range", f"/rates/{index}", "not within [0, 1]")
    return rates


def encode_poisson(given: dict[str, Any]) -> dict[str, Any]:
    """Return the spike trains of one sample; the checks stand in the order of the rules."""
    steps = check_integer(given["steps"], 1, MOST_STEPS, "simulate.steps", "/steps")
    seed = check_integer(given["seed"], 0, LARGEST_INTEGER, "input.seed", "/seed")
    sample = check_integer(given.get("sample", 0), 0, LARGEST_INTEGER, "input.sample", "/sample")
    rates = check_rates(given["rates"])
    spikes: list[list[int]] = [[] for _ in range(steps)]
    for step in range(steps):
        for block in range(0, len(rates), 4):
            counter = [step, block // 4, sample % WORD, sample // WORD]
            words = philox(counter, [seed % WORD, seed // WORD])
            for index, rate in enumerate(rates[block : block + 4], block):
                if words[index % 4] < rate * 4294967296.0:
                    spikes[step].append(index)
    return {"spikes": spikes}


OPERATIONS = {"encode.poisson": encode_poisson}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict on one request; a fault of this program costs its case, not the run."""
    if request["op"] not in OPERATIONS:
        return {"verdict": "unsupported", "reason": f"no operation {request['op']}"}
    try:
        return {"verdict": "accept", "output": OPERATIONS[request["op"]](request["input"])}
    except RejectedError as error:
        return dict(zip(("code", "path", "message"), error.args, strict=True)) | {"verdict": "reject"}
    except Exception as error:
        return {"verdict": "error", "message": f"{type(error).__name__}: {error}"}


for line in sys.stdin.buffer:
    message = json.loads(line)
    if message["cmd"] == "bye":
        break
    if message["cmd"] == "hello":
        print(json.dumps(HELLO), flush=True)
    if message["cmd"] == "run":  # the fourth command, root, is for operations that read files
        print(json.dumps({"id": message["id"]} | answer(message)), flush=True)
