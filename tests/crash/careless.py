"""A miniature backend that only saves, by install.py, and leaves out a step if told to: do the tools notice?"""

from __future__ import annotations

import json
import os
from pathlib import Path

from crash import peer
from crash.install import install
from crash.pairs import pair_of


def start(scratch: Path, omit: str = "") -> peer.Peer:
    """Fork it."""
    child_in, our_out = os.pipe()
    our_in, child_out = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            peer.let_anybody_trace()
            os.close(our_in)
            os.close(our_out)
            _serve(child_in, child_out, scratch, omit)
            os._exit(0)
        finally:
            os._exit(70)
    os.close(child_in)
    os.close(child_out)
    return peer.Peer(pid, our_out, our_in, scratch, scratch)


def _serve(source: int, target: int, scratch: Path, omit: str) -> None:
    with os.fdopen(source, "rb") as requests, os.fdopen(target, "wb", buffering=0) as answers:
        for line in requests:
            request = json.loads(line)
            if request["cmd"] == "bye":
                return
            if request["cmd"] == "hello":
                answers.write(b'{"name":"careless"}\n')
                continue
            saved = request["input"]
            pair = pair_of(saved.get("checkpoint") or saved["network"])
            install(scratch / saved["base"], pair.sidecar_bytes, pair.archive, pair.digest, omit)
            answers.write(json.dumps({"id": request["id"], "verdict": "accept", "output": {}}).encode() + b"\n")
