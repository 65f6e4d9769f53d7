"""The page of a report, as HTML: complete, self-contained, and proof against what a report may hold."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import math
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from report_lines import backend, footer, header, result, write
from world import World, config_case, mini, tie_case

from conformance.divergence import RASTER_NEURONS, RASTER_STEPS, TRACE_STEPS, Divergence, first_divergence
from conformance.floats import encode
from conformance.report.page.document import render
from conformance.report.plots import raster, trace
from conformance.report.reader import ReadRun
from conformance.rules import all_rules

VOID = {"meta", "link", "input", "br", "col"}


class Page(HTMLParser):
    """A page taken apart: its elements with their attributes, in order; a tag that does not match is an error."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute of <{tag}> comes twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "script"):
            self.words.append(data)

    def all(self, tag: str, class_: str = "") -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a name and class."""
        return [
            a for name, a in self.elements if name == tag and (class_ in (a.get("class") or "").split() or not class_)
        ]

    @property
    def text(self) -> str:
        """All text."""
        return " ".join(" ".join(self.words).split())


def page_of(path: Path, *rows: dict[str, Any]) -> Page:
    """Write a report of these lines and return its page."""
    return Page(render(ReadRun(write(path / "r.jsonl", rows))))


@pytest.fixture(scope="module")
def tie_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real report: a simulation that loses a tie, a wrong reject, a crash, an expected failure, an incident."""
    world = World(tmp_path_factory.mktemp("page"))
    world.write(tie_case())
    world.configs(3)
    rejected = config_case("config-rejected") | {
        "rules": ["config.freeze-until-range"],
        "input": {"document": {"freeze_until": -2}},
        "expect": {"verdict": "reject", "code": "config.freeze-until-range", "path": "/freeze_until"},
    }
    world.write(rejected)
    known = world.folder / "known"
    known.mkdir()
    entry = '[[expected]]\nid = "config-001"\noutcome = "fail"\ncode = "*"\nreason = "young"\nlink = "https://example.org/1"\n'
    (known / "wrong.toml").write_text(entry)
    words = []
    for name, behaviour, at in (
        ("ulp", "one-ulp", "tie"),
        ("wrong", "wrong", "config-*"),
        ("dead", "crash", "config-000"),
    ):
        words += ["--backend", mini(behaviour, at).replace("mini=", f"{name}=")]
    done = world.run(*words, "--expectations", str(known))
    assert done.code == 1, done.err
    return world.folder / "report.jsonl"


@pytest.fixture(scope="module")
def page(tie_report: Path) -> Page:
    return Page(render(ReadRun(tie_report)))


def test_the_page_needs_nothing_from_elsewhere(page: Page) -> None:
    loading = {"img", "iframe", "object", "embed", "audio", "video", "source", "base", "image", "use"}
    assert not loading & {name for name, _ in page.elements}
    assert [a.get("href") for a in page.all("link")] == ["data:,"]
    assert all("src" not in a for a in page.all("script"))
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", page.source)
    outside = [a["href"] for a in page.all("a") if not str(a["href"]).startswith("#")]
    assert outside == ["https://example.org/1"]  # the link of an expectation, to be followed by a person
    (policy,) = [a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (source,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.source, re.S)
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_every_link_inside_the_page_leads_somewhere(page: Page) -> None:
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    targets = {unquote(str(a["href"])[1:]) for a in page.all("a") if str(a["href"]).startswith("#")}
    choices = {target for target in targets if "=" in target}
    assert targets - choices <= set(ids)
    assert "failure/ulp/tie" in ids
    options = {a.get("value") for a in page.all("option")}
    for choice in choices:
        assert {value for _, _, value in (pair.partition("=") for pair in choice.split("&"))} <= options


def test_matrix_and_failures_tell_what_the_report_does(page: Page) -> None:
    assert "NOT CONFORM 3 backends, 15 answers, 5 failures, 1 expected failures" in page.text
    assert "config.validate 4 4 0/4 (1 expected) 3/4" in page.text
    cards = {
        (a["data-backend"], a["data-op"], a["data-outcome"], a.get("data-rules"))
        for a in page.all("details", "failure")
    }
    assert cards == {
        ("ulp", "simulate", "fail", None),
        ("wrong", "config.validate", "fail", None),
        ("wrong", "config.validate", "fail", "config.freeze-until-range"),
        ("wrong", "config.validate", "expected", None),
        ("dead", "config.validate", "crash", None),
    }
    assert (
        "expected reject config.freeze-until-range at /freeze_until, got reject config.object at /nowhere" in page.text
    )
    assert "/readout/1: expected 1, got 0; and 1 more" in page.text
    assert "a potential exactly at threshold is a spike" in page.text
    assert "Expected to fail: young ( https://example.org/1 )" in page.text
    assert "was killed by SIGABRT" in page.text
    assert "--id tie" in page.text


def test_rules_are_shown_with_their_coverage(page: Page) -> None:
    (row,) = page.all("tr", "")[-1:]
    assert row["data-rule"] == "config.freeze-until-range"
    assert "freeze_until is an Integer below -1." in page.text
    assert "1 0 1 0/1 1" in page.text  # rejects, near misses, and the three backends
    assert "config-rejected wrong ✗" in page.text
    assert f"{len(all_rules()) - 1} rules with no selected case: file.path," in page.text


def test_a_divergence_is_plotted(page: Page) -> None:
    raster_svg, trace_svg = re.findall(r"<svg.*?</svg>", page.source, re.S)
    assert (
        'aria-label="Spikes of layer 0: 1 expected, 0 got in the steps shown; they part at step 1, neuron 1"'
        in raster_svg
    )
    assert raster_svg.count('<path class="expected"') == 1
    assert '<path class="both"' not in raster_svg
    assert '<path class="got"' not in raster_svg
    assert '<circle class="mark"' in raster_svg
    assert "step 1</text>" in trace_svg
    assert "expected, step 0: 0.5 (3fe0000000000000)" in trace_svg
    assert "threshold" in trace_svg
    assert "First divergence: step 1, layer 0, neuron 1" in page.text
    assert "Threshold 1.0. The potentials before the reset are equal." in page.text


ODD = "<script>alert(1)</script><b onclick=x>\"'&\x00\x1b[31m\u202e\u2066\ud800</details></style>"


def test_whatever_a_report_holds_stays_text(tmp_path: Path) -> None:
    excuse = {"entry": ODD, "reason": ODD, "link": "javascript:alert(1)//" + ODD, "expires": ODD}
    due = {"verdict": ODD, "code": ODD, "path": ODD, "message": ODD}
    difference = {"path": ODD, "expected": ODD, "got": ODD, "ulps": None}
    members = {"op": ODD, "message": ODD + "\n" + ODD, "expected": due, "why": ODD}
    rows = [
        header(ODD, tool=ODD, started=ODD, argv=[ODD], platform={"system": ODD}) | {"sources": [{"file": ODD}]},
        {"type": "rule", "code": ODD, "statement": ODD, "rejects": [ODD], "near_misses": [ODD + "2"]},
        backend(ODD, language=ODD, version=ODD, versions={ODD: ODD}, argv=[ODD], log=ODD, repeat=ODD),
        result(ODD, ODD, "fail", got=due | {"verdict": "reject"}, differences=[difference], **members),
        result(ODD, ODD, "fail", expected_failure=excuse, **members),
        result(ODD, ODD + "2", "crash", **members),
        {"type": "incident", "backend": ODD, "kind": ODD, "message": ODD, "ids": [ODD]},
        footer(1),
    ]
    page = page_of(tmp_path, *rows)
    assert len(page.all("script")) == 1
    assert not page.all("b")
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert not str(attributes.get("href", "")).startswith("javascript")
    raw = {char for char in page.source if unicodedata.category(char) in ("Cc", "Cf", "Cs")}
    assert raw == {"\n"}
    assert "<script>alert(1)</script>" in page.text  # and yet it can be read
    assert "\\u202e" in page.text
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))


def test_a_report_that_was_cut_says_so(tmp_path: Path) -> None:
    page = page_of(tmp_path, header("c", "d"), backend("c"), result("c", "x"))
    assert "INTERRUPTED" in page.text
    assert "the last line is missing; the run did not get to its end" in page.text
    assert "d not started: the run was cut short" in page.text


def test_a_run_that_conforms_has_a_short_page(tmp_path: Path) -> None:
    absent = backend("d", "unavailable", reason="no compiler", hint="apt install gcc")
    page = page_of(tmp_path, header("c", "d"), backend("c"), result("c", "x"), absent, footer())
    assert "CONFORM 1 backends, 1 answers, 0 failures" in page.text
    assert "None: every answer is the due one." in page.text
    assert "unavailable: no compiler; to get it: apt install gcc" in page.text
    assert not page.all("details")
    assert not page.all("form")


def test_what_is_not_offered_is_no_failure_of_a_rule(tmp_path: Path) -> None:
    rule = {"type": "rule", "code": "network.chain", "statement": "s", "rejects": ["x", "y"], "near_misses": []}
    rows = [
        result("c", "x"),
        result("c", "y", "unsupported"),
        result("d", "x", "unsupported"),
        result("d", "y", "unsupported"),
    ]
    page = page_of(tmp_path, header("c", "d"), rule, backend("c"), backend("d"), *rows, footer())
    assert "network.chain s rejects x y 2 0 1 –" in page.text


def test_a_flood_of_failures_is_cut(tmp_path: Path) -> None:
    rows = [result("c", f"x{n}", "error") for n in range(3_005)]
    page = page_of(tmp_path, header("c"), backend("c"), *rows, footer(1))
    assert len(page.all("details", "failure")) == 3_000
    assert "… and 5 more failures, in the report." in page.text


# -- divergences in the report, and their plots -----------------------------------------------------------------------


def outputs(steps: int, neurons: int, at: tuple[int, int], value: float = 0.5) -> Iterator[dict[str, Any]]:
    """Yield two outputs of one layer: equal but for one potential."""
    for side in range(2):
        states = []
        for step in range(steps):
            before = [encode(value)] * neurons
            if side and step == at[0]:
                before[at[1]] = encode(math.nextafter(value, math.inf) if math.isfinite(value) else 1.0)
            states.append({"before": before, "after": before})
        spikes = [[n for n in range(neurons) if (n + step) % 3 == 0] for step in range(steps)]
        yield {"counts": [[0] * neurons], "spikes": [spikes], "trace": [states]}


NETWORK = {"layers": [{"neuron": {"threshold": 1.0}}]}


@pytest.mark.parametrize("at", [(0, 0), (250, 100), (499, 199)])
def test_what_a_report_holds_of_a_divergence_is_bounded(at: tuple[int, int]) -> None:
    divergence = first_divergence(NETWORK, *outputs(500, 200, at))
    assert divergence is not None
    near = divergence.vicinity
    assert near is not None
    assert (divergence.step, divergence.neuron, divergence.ulps) == (*at, 1)
    assert (near.steps, near.neurons, near.raster_neurons) == (500, 200, RASTER_NEURONS)
    assert len(near.expected.spikes) == len(near.got.spikes) == RASTER_STEPS
    assert len(near.expected.before) == len(near.got.after) == TRACE_STEPS
    assert at[0] - near.raster_step in range(RASTER_STEPS)
    assert at[0] - near.trace_step in range(TRACE_STEPS)
    shown = range(near.raster_neuron, near.raster_neuron + RASTER_NEURONS)
    assert at[1] in shown
    for offset, spikes in enumerate(near.got.spikes):
        assert spikes == [n for n in shown if (n + near.raster_step + offset) % 3 == 0]
    assert near.expected.before[at[0] - near.trace_step] != near.got.before[at[0] - near.trace_step]
    for plot in (raster(divergence), trace(divergence)):
        assert plot.count("<svg") == 1
        assert "nan" not in plot
        assert "inf" not in plot


def test_layers_without_neurons_are_passed_over() -> None:
    sides = []
    for side in outputs(10, 12, (4, 7)):
        sides.append({"counts": [[], *side["counts"]], "spikes": [[], *side["spikes"]], "trace": [[], *side["trace"]]})
    network = {"layers": [{"kind": "avgpool2d"}, *NETWORK["layers"]]}
    divergence = first_divergence(network, *sides, [(2, 4, 6), (2, 2, 3)])
    assert divergence is not None
    assert divergence.where == "step 4, layer 1, neuron 7 (channel 1, row 0, column 1)"
    assert first_divergence(network, *sides, [(12,), (12,)]) == dataclasses.replace(divergence, place=None)
    assert Divergence.from_row(dataclasses.asdict(divergence)) == divergence
    assert "they part at step 4, neuron 7" in raster(divergence)


def test_an_answer_that_goes_to_pieces_later_still_shows_where_it_parted() -> None:
    due, got = outputs(10, 3, (2, 1))
    got["trace"][0][5] = {"before": "nonsense"}
    divergence = first_divergence(NETWORK, due, got)
    assert divergence is not None
    assert (divergence.step, divergence.vicinity) == (2, None)
    assert raster(divergence) == trace(divergence) == ""


def test_a_potential_that_is_none_is_no_divergence_of_potentials() -> None:
    due, got = outputs(10, 3, (2, 1))
    got["trace"][0][2]["before"][1] = 0.5
    with pytest.raises(ValueError, match="16 or 8 hex digits"):
        first_divergence(NETWORK, due, got)


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 1e-300, 1.0, 1e16, 1.7976931348623157e308, -1.7e308])
@pytest.mark.parametrize("threshold", [5e-324, 1.0, 1.7976931348623157e308])
def test_plots_cope_with_any_potential(value: float, threshold: float) -> None:
    network = {"layers": [{"neuron": {"threshold": threshold}}]}
    divergence = first_divergence(network, *outputs(4, 2, (1, 0), value))
    assert divergence is not None
    plot = trace(divergence)
    assert "nan" not in plot
    assert "inf" not in plot
    for number in re.findall(r' (?:c?[xy][12]?|height)="([^"]*)"', plot):
        assert -1 <= float(number) <= 1000


def test_plots_leave_out_what_is_not_finite() -> None:
    due, got = outputs(6, 2, (1, 0))
    for step, value in enumerate((math.nan, math.inf, -math.inf)):
        got["trace"][0][step + 2]["before"][0] = encode(value)
    divergence = first_divergence(NETWORK, due, got)
    assert divergence is not None
    plot = trace(divergence)
    assert plot.count('<circle class="got"') == 3
    assert plot.count('<circle class="expected"') == 6


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"step": "1"}, "'1' is no integer"),
        ({"expected": {"before": "x", "after": "x", "spike": True}}, "'x' is not 16 or 8 hex digits"),
        ({"vicinity": {}}, "expected"),
        ({"threshold": "<b>"}, "could not convert"),
    ],
)
def test_a_divergence_of_another_shape_is_refused(change: dict[str, Any], says: str) -> None:
    divergence = first_divergence(NETWORK, *outputs(4, 2, (1, 0)))
    assert divergence is not None
    row = dataclasses.asdict(divergence)
    assert Divergence.from_row(row) == divergence
    with pytest.raises((LookupError, TypeError, ValueError), match=says):
        Divergence.from_row(row | change)


# -- the verb ---------------------------------------------------------------------------------------------------------


def test_report_on_the_command_line(world: World, tie_report: Path) -> None:
    html, junit, summary = (world.folder / "out" / name for name in ("r.html", "r.xml", "r.md"))
    words = ["report", str(tie_report), "--html", str(html), "--junit", str(junit), "--summary", str(summary)]
    done = world.cli(*words)
    assert (done.returncode, done.stdout) == (0, "")
    assert html.read_text() == render(ReadRun(tie_report))
    assert junit.read_text().startswith("<?xml")
    assert summary.read_text().startswith("# NOT CONFORM")
    printed = world.cli("report", str(tie_report))
    assert "first divergence: step 1, layer 0, neuron 1" in printed.stdout
    assert "NOT CONFORM (3 backends, 15 answers" in printed.stdout
    done = world.cli("report", str(tie_report), "--html", "/proc/nowhere/r.html")
    assert done.returncode == 2
    assert "/proc/nowhere" in done.stderr
