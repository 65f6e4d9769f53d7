"""What is done with reports after the run: reading, diff, merge, JUnit."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from report_lines import backend, footer, header, result, simple, write
from world import World, mini, tie_case

from conformance.errors import UsageError
from conformance.report.changes import changes, read_ledger
from conformance.report.junit import write_junit
from conformance.report.merging import merge
from conformance.report.reader import ReadRun, ReportReader

# -- reading ----------------------------------------------------------------------------------------------------------


def test_what_was_written_is_read_back(world: World) -> None:
    from conformance.report.markdown import render

    world.configs(20)
    world.write(tie_case())
    summary = world.folder / "summary.md"
    words = ["--backend", mini("one-ulp", "tie"), "--backend", "absent=no-such-program", "--summary", str(summary)]
    world.run(*words)
    run = ReadRun(world.folder / "report.jsonl")
    assert run.reader.warning is None
    assert run.tally.divergences["mini", "tie"].step == 1  # type: ignore[union-attr]
    # The same summary from the report as from the run itself: nothing that matters is lost between them.
    assert render(run.tally, run.seconds) == summary.read_text()


@pytest.mark.parametrize(("cut", "results"), [(1, 3), (10, 3), (160, 2), (400, 0)])
def test_a_report_cut_in_the_middle_is_read_up_to_the_cut(tmp_path: Path, cut: int, results: int) -> None:
    rows = [header("c"), backend("c"), *(result("c", case_id) for case_id in "xyz")]
    path = write(tmp_path / "r.jsonl", [*rows, footer()], cut)
    run = ReadRun(path)
    assert run.reader.warning is not None
    assert run.reader.warning.startswith(f"report {path}: cut at line ")
    assert run.tally.total("c") == results
    assert run.tally.interrupted
    assert not run.tally.conforms


def test_a_report_without_its_last_line_is_told_apart(tmp_path: Path) -> None:
    run = ReadRun(write(tmp_path / "r.jsonl", [header("c"), backend("c"), result("c", "x")]))
    assert run.reader.warning == f"report {tmp_path}/r.jsonl: the last line is missing; the run did not get to its end"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("{}\n", "its first line is no header"),
        ("hello\n", "its first line is no header"),
        (json.dumps(result("c", "x")) + "\n", "its first line is no header"),
        (json.dumps(header("c") | {"format": 2}) + "\n", "format 2; this version reads format 1"),
        (json.dumps(header("c") | {"corpora": 3}) + "\n", "the header's 'corpora' is no list"),
        (json.dumps(header("c") | {"backends": None}) + "\n", "the header's 'backends' is missing"),
        (json.dumps(header("c")) + '\n{"type":"result","backend":"c"}\n', "not a result"),
        (
            json.dumps(header("c")) + '\n{"type":"result","backend":"c","id":[],"op":"","outcome":"pass"}\n',
            "not a result",
        ),
        (json.dumps(header("c")) + '\n{"type":"result","backend":"c","id":"","op":"","outcome":[]}\n', "not a result"),
        (json.dumps(header("c")) + "\n" + json.dumps(result("d", "x", "fail")) + "\n", "no backend 'd' was announced"),
        (json.dumps(header("c")) + "\n" + json.dumps(backend("c", argv=7)) + "\n", "has 'argv' of the wrong type: 7"),
        (json.dumps(header("c")) + '\n{"type":"incident","backend":"c"}\n', "a line of type 'incident' has a fault"),
    ],
)
def test_what_is_no_report_is_said(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        ReadRun(path)
    assert says in str(caught.value)


def test_only_newlines_end_a_line(tmp_path: Path) -> None:
    odd = "a\u2028b\u2029c\x85d\udc80"
    run = ReadRun(write(tmp_path / "r.jsonl", [header("c"), backend("c"), result("c", odd, "error"), footer()]))
    assert [failure.id for failure in run.tally.failures] == [odd]


def test_unknown_lines_are_passed_over(tmp_path: Path) -> None:
    rows = [header("c"), {"type": "remark", "text": "hm"}, backend("c", colour="red"), result("c", "x"), footer()]
    run = ReadRun(write(tmp_path / "r.jsonl", rows))
    assert run.tally.conforms
    assert run.tally.total("c") == 1


def test_lines_come_as_they_are_read(tmp_path: Path) -> None:
    lines = [result("c", f"case-{n}") for n in range(5_000)]
    rows = iter(ReportReader(write(tmp_path / "r.jsonl", [header("c"), backend("c"), *lines, footer()])))
    assert next(rows)["type"] == "header"
    (tmp_path / "r.jsonl").write_text("")  # what is read ahead is a buffer, not the file
    assert 0 < sum(1 for _ in rows) < 1_000


# -- diff -------------------------------------------------------------------------------------------------------------


def kinds(before: Path, after: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for change in changes(read_ledger(before), read_ledger(after)):
        found.setdefault(change.kind, []).append(change.key[1])
    return found


def test_diff_tells_what_became_of_each_case(tmp_path: Path) -> None:
    a = simple(
        tmp_path / "a",
        {"same": "pass", "bad": "fail", "broke": "pass", "fixed": "fail", "worse": "fail", "old": "pass"},
    )
    b = simple(
        tmp_path / "b",
        {"same": "pass", "bad": "fail", "broke": "fail", "fixed": "pass", "worse": "crash", "new": "pass"},
    )
    assert kinds(a, b) == {
        "newly failing": ["broke"],
        "fixed": ["fixed"],
        "changed": ["worse"],
        "new": ["new"],
        "gone": ["old"],
    }
    assert kinds(a, a) == {}


def one(path: Path, *rows: dict[str, Any], complete: bool = False) -> Path:
    return write(path, [header("c"), backend("c", complete=complete), *rows, footer()])


EXCUSE = {"entry": "c.toml:1", "reason": "known", "link": "", "expires": ""}


@pytest.mark.parametrize(
    ("before", "after", "kind", "regression"),
    [
        (result("c", "x"), result("c", "x", "timeout"), "newly failing", True),
        (result("c", "x"), result("c", "x", "unsupported"), "newly failing", True),
        (result("c", "x"), result("c", "x", "fail", expected_failure=EXCUSE), "changed", False),
        (result("c", "x", "fail", expected_failure=EXCUSE), result("c", "x", "fail"), "newly failing", True),
        (result("c", "x", "fail", expected_failure=EXCUSE), result("c", "x"), "fixed", False),
        (result("c", "x", "unsupported"), result("c", "x", "fail"), "newly failing", True),
        (result("c", "x", "unsupported"), result("c", "x"), "changed", False),
        (result("c", "x", "fail"), result("c", "x", "unsupported"), "changed", False),
        (result("c", "x", "fail"), result("c", "x", "fail", got={"verdict": "reject", "code": "a"}), "changed", False),
        (None, result("c", "x"), "new", False),
        (None, result("c", "x", "fail"), "new", True),
        (result("c", "x", "fail"), None, "gone", False),
    ],
)
def test_what_counts_as_a_regression(tmp_path: Path, before: Any, after: Any, kind: str, regression: bool) -> None:
    a = one(tmp_path / "a", *([before] if before else []))
    b = one(tmp_path / "b", *([after] if after else []))
    (change,) = changes(read_ledger(a), read_ledger(b))
    assert (change.kind, change.regression) == (kind, regression)


def test_messages_are_no_change(tmp_path: Path) -> None:
    a = one(tmp_path / "a", result("c", "x", "crash", message="in process 17"))
    assert kinds(a, one(tmp_path / "b", result("c", "x", "crash", message="in process 18"))) == {}


def test_diff_on_the_command_line(world: World) -> None:
    a = simple(world.folder / "a", {"x\u202e": "pass", "y": "fail"})
    b = simple(world.folder / "b", {"x\u202e": "fail", "y": "fail"}, corpus="b")
    done = world.cli("diff", str(a), str(b))
    assert done.returncode == 1
    assert "newly failing: 1\n  c · x\\u202e: pass → fail (accept)" in done.stdout
    assert "the corpora differ" in done.stdout
    assert "1 regressions (1 newly failing, 0 fixed, 0 changed, 0 new, 0 gone; 2 results)" in done.stdout
    done = world.cli("diff", str(b), str(a))
    assert done.returncode == 0
    assert "fixed: 1" in done.stdout


def test_diff_sees_what_no_case_shows(world: World) -> None:
    a = simple(world.folder / "a", {"x": "pass"})
    broken = write(world.folder / "b", [header("c"), backend("c", "broken"), footer(3)])
    incident = {"type": "incident", "backend": "c", "kind": "exit", "message": "code 7", "ids": []}
    noisy = one(world.folder / "n", result("c", "x"), incident)
    cut = write(world.folder / "cut", [header("c"), backend("c"), result("c", "x")])
    gone = write(world.folder / "g", [header("c"), backend("c", "unavailable"), footer()])
    for later, says in (
        (broken, "worse: c: broken; before: available"),
        (noisy, "worse: c · exit: code 7"),
        (cut, "worse: report"),
    ):
        done = world.cli("diff", str(a), str(later))
        assert done.returncode == 1
        assert says in done.stdout
    assert world.cli("diff", str(noisy), str(noisy)).returncode == 0
    done = world.cli("diff", str(a), str(gone))
    assert done.returncode == 0
    assert "not compared: c: unavailable" in done.stdout
    done = world.cli("diff", str(a), str(world.folder / "nowhere"))
    assert done.returncode == 2
    assert "nowhere: No such file or directory" in done.stderr


def test_diff_shows_twenty_of_a_kind_or_all(world: World) -> None:
    ids = [f"case-{n:02}" for n in range(30)]
    a = simple(world.folder / "a", dict.fromkeys(ids, "pass"))
    b = simple(world.folder / "b", dict.fromkeys(ids, "fail"))
    few, every = world.cli("diff", str(a), str(b)).stdout, world.cli("diff", "--all", str(a), str(b)).stdout
    assert few.count("→") == 20
    assert "… and 10 more (--all shows them)" in few
    assert every.count("→") == 30


# -- merge ------------------------------------------------------------------------------------------------------------


def test_merge_makes_one_matrix_of_several_machines(world: World) -> None:
    absent = [backend("d", "unavailable", hint="install it")]
    a = write(world.folder / "a", [header("c", "d"), backend("c"), result("c", "x"), *absent, footer()])
    b = write(world.folder / "b", [header("d", machine="arm64"), backend("d"), result("d", "x", "fail"), footer(1)])
    out, summary = world.folder / "out.jsonl", world.folder / "out.md"
    done = world.cli("merge", str(a), str(b), "--out", str(out), "--summary", str(summary))
    assert done.returncode == 1
    assert re.search(r"operation +cases +c +d\nsimulate +1 +1 +0/1\n", done.stdout)
    assert "d          C, version 1 on Linux arm64" in done.stdout
    assert "NOT CONFORM (2 backends, 2 answers, 1 failures, 2.0 s)" in done.stdout
    assert "| simulate | 1 | 1 | 0/1 |" in summary.read_text()
    again = world.cli("merge", str(out))
    assert again.stdout.splitlines()[:8] == done.stdout.splitlines()[:8]
    assert world.cli("diff", str(out), str(out)).returncode == 0


def test_a_merged_report_matches_the_schema(tmp_path: Path) -> None:
    import fastjsonschema

    from conformance.rules import SPEC

    rule = {"type": "rule", "code": "network.chain", "statement": "", "rejects": ["x"], "near_misses": []}
    a = write(tmp_path / "a", [header("c"), rule, backend("c"), result("c", "x", "fail"), footer(1)])
    b = write(tmp_path / "b", [header("d"), rule | {"near_misses": ["y"]}, backend("d"), result("d", "y"), footer()])
    merge([a, b], label=False).write(tmp_path / "out", ["merge"])
    validate = fastjsonschema.compile(json.loads((SPEC / "report.schema.json").read_text()))
    rows = list(ReportReader(tmp_path / "out"))
    for row in rows:
        validate(row)
    (merged,) = [row for row in rows if row["type"] == "rule"]
    assert (merged["rejects"], merged["near_misses"]) == (["x"], ["y"])
    assert rows[-1]["counts"] == {"c": {"simulate": {"fail": 1}}, "d": {"simulate": {"pass": 1}}}
    assert [source["file"] for source in rows[0]["sources"]] == [str(a), str(b)]
    merge([tmp_path / "out"], label=False).write(tmp_path / "again", ["merge"])
    assert next(iter(ReportReader(tmp_path / "again")))["sources"] == rows[0]["sources"]


def test_merge_refuses_other_corpora(world: World) -> None:
    a, b = simple(world.folder / "a", {}), simple(world.folder / "b", {}, name="d", corpus="b")
    done = world.cli("merge", str(a), str(b))
    assert done.returncode == 2
    assert (
        f"the runs asked different corpora, so their results cannot stand side by side: {a} has aaaaaaaaaaaa"
        in done.stderr
    )


def test_a_backend_that_two_reports_have_is_refused_or_labelled(world: World) -> None:
    a = simple(world.folder / "linux" / "report.jsonl", {"x": "pass"})
    b = simple(world.folder / "mac" / "report.jsonl", {"x": "fail"}, machine="arm64")
    done = world.cli("merge", str(a), str(b))
    assert done.returncode == 2
    assert f"backend 'c' is in {a} and in {b}; --label names it after the machines" in done.stderr
    done = world.cli("merge", "--label", str(a), str(b))
    assert done.returncode == 1
    assert re.search(r"simulate +1 +1 +0/1\n", done.stdout)
    assert "c@Linux-x86_64" in done.stdout
    assert "c@Linux-arm64 · x · simulate · fail" in done.stdout
    twin = simple(world.folder / "twin" / "report.jsonl", {"x": "pass"})
    assert list(merge([a, twin], label=True).tally.backends) == ["c@linux", "c@twin"]
    with pytest.raises(UsageError, match="on machines of one kind and under one file name"):
        merge([a, a], label=True)


def test_merge_keeps_what_speaks_against_conforming(world: World) -> None:
    good = simple(world.folder / "a", {"x": "pass"})
    cut = write(world.folder / "cut", [header("d"), backend("d"), result("d", "x")])
    done = world.cli("merge", str(good), str(cut))
    assert done.returncode == 1
    assert "warning: report" in done.stderr
    assert "the last line is missing" in done.stderr
    missing = write(world.folder / "m", [header("d"), backend("d", "unavailable", required=True), footer(3)])
    assert world.cli("merge", str(good), str(missing)).returncode == 3
    incident = {"type": "incident", "backend": "d", "kind": "exit", "message": "code 7", "ids": []}
    noisy = write(world.folder / "n", [header("d"), backend("d"), incident, footer(1)])
    done = world.cli("merge", str(good), str(noisy))
    assert done.returncode == 1
    assert "d · exit: code 7" in done.stdout


def test_merge_never_overwrites_its_sources(world: World) -> None:
    a = simple(world.folder / "a", {"x": "pass"})
    text = a.read_text()
    done = world.cli("merge", str(a), "--out", str(a))
    assert done.returncode == 2
    assert "is one of those to be merged" in done.stderr
    assert a.read_text() == text


# -- JUnit ------------------------------------------------------------------------------------------------------------

SUITE = {"package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}
CHILDREN = {"failure": {"message", "type"}, "error": {"message", "type"}, "skipped": {"message"}}


def suites(path: Path) -> list[ET.Element]:
    """Parse a JUnit file and hold it against what the schemas of Ant and of Jenkins's xUnit plugin both allow."""
    root = ET.parse(path).getroot()
    assert (root.tag, root.attrib) == ("testsuites", {})
    for number, suite in enumerate(root):
        assert (suite.tag, set(suite.attrib)) == ("testsuite", SUITE)
        assert suite.attrib["id"] == str(number)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
        assert re.fullmatch(r"\d{1,3}\.\d+", suite.attrib["time"])
        first, *cases, out, err = suite
        assert (first.tag, out.tag, err.tag) == ("properties", "system-out", "system-err")
        assert all(p.tag == "property" and set(p.attrib) == {"name", "value"} and p.attrib["name"] for p in first)
        found = dict.fromkeys(CHILDREN, 0)
        for case in cases:
            assert (case.tag, set(case.attrib)) == ("testcase", {"classname", "name", "time"})
            assert len(case) <= 1
            for child in case:
                assert set(child.attrib) == CHILDREN[child.tag]
                found[child.tag] += 1
        counts = [int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")]
        assert counts == [len(cases), *found.values()]
    return list(root)


def test_junit_has_a_suite_per_backend_and_a_case_per_case(world: World) -> None:
    world.configs(3)
    file = world.folder / "junit.xml"
    other = mini("exit-code-7").replace("mini=", "other=")
    words = ["--backend", mini("wrong", "config-001"), "--backend", other, "--junit", str(file)]
    assert world.run(*words).code == 1
    first, second = suites(file)
    assert (first.attrib["name"], first.attrib["tests"], first.attrib["failures"]) == ("mini", "3", "1")
    (failure,) = first.iter("failure")
    assert failure.attrib["message"] == "expected accept, got reject config.object"
    assert "a plain transfer config is accepted" in (failure.text or "")
    assert {case.attrib["name"] for case in first.iter("testcase")} == {"config-000", "config-001", "config-002"}
    (error,) = second.iter("error")
    assert error.attrib["message"] == "exit: at bye the backend exited with code 7"


def test_junit_tells_failures_errors_and_what_is_tolerated_apart(tmp_path: Path) -> None:
    rows = [
        *(
            result("c", outcome, outcome)
            for outcome in ("pass", "fail", "error", "crash", "timeout", "not-run", "unsupported")
        ),
        result("c", "known", "fail", expected_failure=EXCUSE),
    ]
    absent = [backend("gone", "unavailable", hint="apt"), backend("bad", "broken")]
    report = write(tmp_path / "r", [header("c", "gone", "bad", "late"), backend("c"), *rows, *absent, footer(1)])
    write_junit(report, tmp_path / "j.xml")
    c, gone, bad, late = suites(tmp_path / "j.xml")
    told = {case.attrib["name"]: [child.tag for child in case] for case in c.iter("testcase")}
    assert told == {
        "pass": [],
        "fail": ["failure"],
        "error": ["error"],
        "crash": ["error"],
        "timeout": ["error"],
        "not-run": ["error"],
        "unsupported": ["skipped"],
        "known": ["skipped"],
    }
    assert [child.tag for suite in (gone, bad, late) for case in suite.iter("testcase") for child in case] == [
        "skipped",
        "error",
        "error",
    ]
    complete = write(
        tmp_path / "r", [header("c"), backend("c", complete=True), result("c", "x", "unsupported"), footer()]
    )
    write_junit(complete, tmp_path / "j.xml")
    assert len(list(suites(tmp_path / "j.xml")[0].iter("error"))) == 1


def test_junit_escapes_what_xml_cannot_hold(tmp_path: Path) -> None:
    odd = "<a b=\"c\" d='e'>&\x00\x1b[31m\u202e\ufffe\uffff\ud800]]>\n\té😀"
    report = write(
        tmp_path / "r",
        [header("c"), backend("c", language=odd), result("c", odd, "error", message=odd, why=odd, op=odd), footer(1)],
    )
    write_junit(report, tmp_path / "j.xml")
    (suite,) = suites(tmp_path / "j.xml")
    (case,) = suite.iter("testcase")
    assert case.attrib["name"] == (
        "<a b=\"c\" d='e'>&\\u0000\\u001b[31m\\u202e\\ufffe\\uffff\\ud800]]>\\u000a\\u0009é😀"
    )
    (error,) = suite.iter("error")
    assert case.attrib["name"] in error.attrib["message"]


def test_junit_that_cannot_be_written_is_a_usage_error(world: World) -> None:
    world.configs(1)
    done = world.run("--backend", mini(), "--junit", "/proc/nowhere/j.xml")
    assert done.code == 2
    assert "/proc/nowhere" in done.err
    assert done.report[-1]["type"] == "footer"
