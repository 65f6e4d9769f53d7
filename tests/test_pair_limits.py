"""The limit of a sidecar, to the byte, in each backend: no corpus holds files of 16 MiB."""

from __future__ import annotations

import pytest
from crash.pairs import checkpoint, pair_of
from crash.peer import LANGUAGES, spawned

from conformance.rules import limit

MOST = limit("sidecar_bytes")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sidecar_may_have_16_mib_and_no_byte_more(language, tmp_path):
    base = tmp_path / "m"
    pair = pair_of(checkpoint(1.0, [(3, 2)]))
    pair.write(base)
    sidecar = base.with_name("m.json")
    assert MOST == 16_777_216
    with spawned(language, tmp_path) as peer:
        sound = peer.verdict("m")
        assert sound["verdict"] == "accept"
        sidecar.write_bytes(pair.sidecar_bytes.ljust(MOST))  # white space may follow
        assert peer.verdict("m") == sound
        sidecar.write_bytes(pair.sidecar_bytes.ljust(MOST + 1))
        assert peer.verdict("m") == {"verdict": "reject", "code": "checkpoint.sidecar-size", "path": ""}
