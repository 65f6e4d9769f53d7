"""What counts as the due answer, and how a difference is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.case import Case, case_of, digest
from conformance.compare import differences, judge
from conformance.floats import decode, encode, ulps


def case(expect: dict[str, Any]) -> Case:
    members = {"id": "c", "op": "simulate", "input": {}, "expect": expect}
    return case_of(members, Path("c.json"))


def outcome(expect: dict[str, Any], answer: dict[str, Any]) -> str:
    return judge(case(expect), "b", {"id": "c", **answer}).outcome


ACCEPT = {"verdict": "accept", "output": {"readout": [2], "potential": ["3fe0000000000000"]}}
REJECT = {"verdict": "reject", "code": "network.chain", "path": "/network/layers/1/weights"}


def test_the_same_answer_passes_whatever_the_order_of_members() -> None:
    output = {"potential": ["3fe0000000000000"], "readout": [2]}
    assert outcome(ACCEPT, {"verdict": "accept", "output": output}) == "pass"


@pytest.mark.parametrize("readout", [[2.0], [3], ["2"], [True], [], [2, 2], None])
def test_a_number_of_another_type_or_value_fails(readout: Any) -> None:
    output = {"readout": readout, "potential": ["3fe0000000000000"]}
    assert outcome(ACCEPT, {"verdict": "accept", "output": output}) == "fail"


def test_a_missing_and_an_additional_member_fail() -> None:
    assert outcome(ACCEPT, {"verdict": "accept", "output": {"readout": [2]}}) == "fail"
    assert outcome(ACCEPT, {"verdict": "accept", "output": {**ACCEPT["output"], "more": 1}}) == "fail"


def test_a_digest_stands_for_the_output() -> None:
    expect = {"verdict": "accept", "sha256": digest(ACCEPT["output"])}
    assert outcome(expect, ACCEPT) == "pass"
    assert outcome(expect, {"verdict": "accept", "output": {"readout": [2]}}) == "fail"


def test_code_and_path_are_compared_and_the_message_is_not() -> None:
    assert outcome(REJECT, REJECT | {"message": "whatever"}) == "pass"
    assert outcome(REJECT, REJECT | {"path": "/network/layers/0/weights"}) == "fail"
    assert outcome(REJECT, REJECT | {"code": "network.layers"}) == "fail"
    assert outcome(REJECT, ACCEPT) == "fail"


def test_any_json_code_will_do_where_a_text_has_several_faults() -> None:
    expect = {"verdict": "reject", "code": "json.*", "path": ""}
    assert outcome(expect, {"verdict": "reject", "code": "json.depth", "path": ""}) == "pass"
    assert outcome(expect, {"verdict": "reject", "code": "config.object", "path": ""}) == "fail"
    assert outcome(expect, {"verdict": "reject", "code": "json.depth", "path": "/0"}) == "fail"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"verdict": "accept"},
        {"verdict": "accept", "output": []},
        {"verdict": "reject", "code": "x"},
        {"verdict": "reject", "code": 1, "path": ""},
        {"verdict": "fine"},
    ],
)
def test_an_answer_of_the_wrong_shape_breaks_the_protocol(answer: dict[str, Any]) -> None:
    assert outcome(ACCEPT, answer) == "protocol-error"


def test_differences_are_told_with_pointers_numbers_and_distances() -> None:
    due = {"a/b": [encode(1.0), 7], "c": {"d": 1}}
    got = {"a/b": [encode(1.0 + 2**-52), 7, 8], "c": {}}
    told = [(d.path, d.expected, d.got, d.ulps) for d in differences(due, got)]
    assert told == [
        ("/a~1b/0", "1.0 (3ff0000000000000)", "1.0000000000000002 (3ff0000000000001)", 1),
        ("/a~1b/2", "nothing", "8", None),
        ("/c/d", "1", "nothing", None),
    ]


def test_floats_travel_as_hex_and_are_ranked() -> None:
    assert decode(encode(-0.1)) == -0.1
    assert decode("3FF0000000000000") is None
    assert ulps(encode(0.0), encode(-0.0)) == 1
    assert ulps(encode(5e-324), encode(-5e-324)) == 3
    assert ulps(encode(1.0), encode(float("inf"))) is None
    assert decode("3f800000") == 1.0
    assert ulps("3f800000", "3f800001") == 1
    assert ulps("3f800000", encode(1.0)) is None
