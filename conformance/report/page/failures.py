"""The page's failures: each with what it is about, expected and got, and for simulations where the two sides part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from conformance.divergence import Divergence, State, Vicinity
from conformance.floats import decode
from conformance.outcome import FAIL, MEANINGS, Difference, Result
from conformance.report.page.markup import attributes, count, filter_link, fragment, rows, tag, text
from conformance.report.plots import distances, raster, trace
from conformance.report.repeat import with_case
from conformance.report.summary import ops_shown
from conformance.tally import Tally

MOST = 3_000
"""Failures shown; a backend that is wrong everywhere is no better understood by more of them."""

NUMBERS = 6
"""Steps before and after a divergence in the table of numbers."""


def in_order(tally: Tally) -> list[Result]:
    """Return what failed, unforeseen first, by operation, id and backend."""
    ops = {op: number for number, op in enumerate(ops_shown(tally))}
    names = {name: number for number, name in enumerate(tally.backends)}
    failed = [*tally.failures, *tally.expected]
    return sorted(
        failed, key=lambda r: (r.expected_failure is not None, ops.get(r.op, 0), r.id, names.get(r.backend, 0))
    )


def anchor(backend: str, case_id: str) -> str:
    """Return the id of a failure's element, which people may link to."""
    return f"failure/{backend}/{case_id}"


def failures(tally: Tally, rules_of: Mapping[str, Sequence[str]]) -> str:
    """Return all cards; ``rules_of`` gives the rules that a case is about."""
    shown = in_order(tally)
    cards, taken = [], set()
    for result in shown[:MOST]:
        name = anchor(result.backend, result.id)
        cards.append(card(tally, result, rules_of.get(result.id, ()), None if name in taken else name))
        taken.add(name)
    if len(shown) > MOST:
        cards.append(tag("p", f"… and {count(len(shown) - MOST, 'more failure')}, in the report.", class_="note"))
    return "\n".join(cards)


def card(tally: Tally, result: Result, rules: Sequence[str], name: str | None) -> str:
    """Return one failure, closed: its line, and what it opens to."""
    expected = result.expected_failure is not None
    outcome = "expected" if expected else result.outcome
    head = "".join(
        [
            tag("span", text(outcome), class_="chip " + ("known" if expected else "bad")),
            tag("span", text(result.id), class_="id"),
            tag("span", text(result.backend), class_="chip backend"),
            tag("span", text(result.op), class_="op"),
            tag("span", text(headline(result, tally.divergences.get((result.backend, result.id)))), class_="headline"),
        ]
    )
    data = {"data_backend": result.backend, "data_op": result.op, "data_outcome": outcome}
    opened = attributes(class_="failure", id=name, data_rules=" ".join(rules) or None, **data)
    body = "\n".join(part for part in _body(tally, result, rules, name) if part)
    return f"<details{opened}>{tag('summary', head)}{tag('div', body, class_='body')}</details>"


def headline(result: Result, divergence: Divergence | None) -> str:
    """Return the failure in a few words."""
    if result.outcome != FAIL or result.got is None:
        return result.message or MEANINGS[result.outcome]
    if result.differences:
        first = result.differences[0]
        more = len(result.differences) - 1 + result.more_differences
        apart = "" if first.ulps is None else f", {count(first.ulps, 'ulp')} apart"
        pair = f"expected {_short(first.expected)}, got {_short(first.got)}{apart}"
        return f"{first.path}: {pair}" + (f"; and {more} more" if more else "")
    if divergence is not None:
        return f"first divergence at {divergence.where}"
    due, got = verdict(result.expected), verdict(result.got)
    return "another output" if due == got else f"expected {due}, got {got}"


def _short(value: str) -> str:
    """Drop the bits of a float, which the table of differences shows."""
    return re.sub(r" \(([0-9a-f]{8}){1,2}\)$", "", value)


def verdict(said: Mapping[str, object]) -> str:
    """Return a verdict without its message."""
    if said.get("verdict") != "reject":
        return str(said.get("verdict", "no verdict"))
    return f"reject {said.get('code')} at {said.get('path') or 'the root'}"


def _body(tally: Tally, result: Result, rules: Sequence[str], name: str | None) -> Iterator[str]:
    if result.why:
        yield tag("p", text(result.why), class_="why")
    yield _known(result)
    if rules:
        links = (tag("a", text(code), href=filter_link(rule=code)) for code in rules)
        yield tag("p", "Rules: " + ", ".join(links), class_="rules-of")
    yield _sides(result)
    yield _differences(result)
    divergence = tally.divergences.get((result.backend, result.id))
    if divergence is not None:
        yield from _divergence(divergence)
    log = tally.backends[result.backend].log
    if log and result.got is None:
        yield tag("p", f"Log: {tag('code', text(log))}", class_="note")
    yield _repeat(with_case(tally.backends[result.backend].repeat, result.id))
    if name is not None:
        yield tag("p", tag("a", "Link to this failure", href=fragment(name)), class_="note")


def _known(result: Result) -> str:
    known = result.expected_failure
    if known is None:
        return ""
    link = ""
    if known.link:
        safe = urlsplit(known.link).scheme in ("http", "https")
        where = tag("a", text(known.link), href=known.link, rel="noopener noreferrer") if safe else text(known.link)
        link = f" ({where})"
    until = f" Until {text(known.expires)}." if known.expires else ""
    return tag(
        "p",
        f"Expected to fail: {text(known.reason)}{link}.{until} {tag('code', text(known.entry))}",
        class_="known-why",
    )


def _sides(result: Result) -> str:
    if _both_accept(result):
        return ""
    due = _side("expected", "Expected", result.expected) if result.expected else ""
    if result.got is not None:
        got = _side("got", "Got", result.got)
    else:
        said = "".join(tag("code", text(line) or "&nbsp;") for line in result.message.splitlines()[:30])
        meaning = text(MEANINGS[result.outcome])
        got = tag("div", tag("h4", "Got") + tag("p", meaning) + tag("div", said, class_="message"), class_="side got")
    return tag("div", due + got, class_="sides")


def _side(kind: str, title: str, said: Mapping[str, object]) -> str:
    parts = [tag("h4", title), tag("p", tag("strong", text(said.get("verdict", "no verdict"))))]
    if said.get("verdict") == "reject":
        parts.append(tag("p", tag("code", text(said.get("code")))))
        parts.append(tag("p", "at " + (tag("code", text(said["path"])) if said.get("path") else "the root")))
    if said.get("message"):
        parts.append(tag("p", text(said["message"]), class_="said"))
    return tag("div", "".join(parts), class_=f"side {kind}")


def _both_accept(result: Result) -> bool:
    return result.got is not None and result.got.get("verdict") == result.expected.get("verdict") == "accept"


def _differences(result: Result) -> str:
    if not result.differences:
        digest = "Both sides accept; the case states its output by digest, and the digest differs."
        return tag("p", digest, class_="note") if _both_accept(result) else ""
    floats = any(difference.ulps is not None for difference in result.differences)
    names = ["at", "expected", "got", *(["ulps apart"] if floats else [])]
    head = rows(tag("th", name, scope="col") for name in names)
    body = "".join(rows(_difference(difference)[: len(names)]) for difference in result.differences)
    more = count(result.more_differences, "more difference")
    note = tag("p", f"… and {more}.", class_="note") if result.more_differences else ""
    return (
        tag("div", f"<table class='values'><thead>{head}</thead><tbody>{body}</tbody></table>", class_="scroll") + note
    )


def _difference(difference: Difference) -> list[str]:
    return [
        tag("td", tag("code", text(difference.path))),
        tag("td", text(difference.expected), class_="value"),
        tag("td", text(difference.got), class_="value"),
        tag("td", "" if difference.ulps is None else f"{difference.ulps:,}", class_="number"),
    ]


def _divergence(divergence: Divergence) -> Iterator[str]:
    yield tag("h4", f"First divergence: {divergence.where}")
    yield _states(divergence)
    near = divergence.vicinity
    if near is None:
        yield tag("p", "The backend's records have not the due shape after that, so there is no plot.", class_="note")
        return
    figures = [_spikes(divergence, near)]
    if near.expected.before:
        caption = (
            f"Membrane potential of neuron {divergence.neuron}: up to the value before the reset, down to the one after"
            " it. Below: how far the two sides are apart in ulps (logarithmic)."
        )
        figures.append(_figure("trace", trace(divergence), caption, _legend(("expected", "expected"), ("got", "got"))))
    yield tag("div", "".join(figures), class_="plots")
    yield _numbers(divergence, near)


def _states(divergence: Divergence) -> str:
    head = rows(tag("th", name, scope="col") for name in ("", "before the reset", "margin", "spike", "after the reset"))
    body = "".join(
        rows([tag("th", name, scope="row", class_=name), *_state(state, divergence.threshold)])
        for name, state in (("expected", divergence.expected), ("got", divergence.got))
    )
    apart = "" if divergence.ulps is None else f" The potentials before the reset are {_apart(divergence.ulps)}."
    note = tag("p", f"Threshold {divergence.threshold!r}.{apart}", class_="note")
    return (
        tag("div", f"<table class='values'><thead>{head}</thead><tbody>{body}</tbody></table>", class_="scroll") + note
    )


def _apart(ulps: int) -> str:
    return f"{count(ulps, 'ulp')} apart" if ulps else "equal"


def _state(state: State, threshold: float) -> list[str]:
    margin = state.margin(threshold)
    return [
        tag("td", _value(state.before), class_="value"),
        tag("td", "" if margin is None else repr(margin), class_="value"),
        tag("td", "spike" if state.spike else "no spike"),
        tag("td", _value(state.after), class_="value"),
    ]


def _value(hex_digits: str | None) -> str:
    number = decode(hex_digits)
    return "none" if number is None else f"{number!r} {tag('code', text(hex_digits), class_='bits')}"


def _spikes(divergence: Divergence, near: Vicinity) -> str:
    if not any(near.expected.spikes) and not any(near.got.spikes):
        return tag("p", f"Layer {divergence.layer} has no spikes on either side in these steps.", class_="note")
    steps = _part("step", near.raster_step, len(near.expected.spikes), near.steps)
    neurons = _part("neuron", near.raster_neuron, near.raster_neurons, near.neurons)
    caption = f"Spikes of layer {divergence.layer}: {steps}, {neurons}. The ring marks the first divergence."
    legend = _legend(
        ("both", "on both sides"), ("expected", "expected only (upper half)"), ("got", "got only (lower half)")
    )
    return _figure("raster", raster(divergence), caption, legend)


def _part(noun: str, first: int, shown: int, total: int) -> str:
    return f"all {count(total, noun)}" if shown == total else f"{noun}s {first} to {first + shown - 1} of {total:,}"


def _legend(*entries: tuple[str, str]) -> str:
    marks = (tag("span", tag("i", class_=kind) + said, class_="key") for kind, said in entries)
    return tag("div", "".join(marks), class_="legend")


def _figure(kind: str, plot: str, caption: str, legend: str) -> str:
    scrolling = tag("div", plot, class_="plot scroll", tabindex=0, role="group", aria_label="Plot; scrolls sideways")
    return tag("figure", legend + scrolling + tag("figcaption", text(caption)), class_=kind)


def _numbers(divergence: Divergence, near: Vicinity) -> str:
    """Return the plotted potentials near the divergence as a table, for those who read numbers or hear the page."""
    if not near.expected.before:
        return ""
    head = rows(tag("th", n, scope="col") for n in ("step", "expected before reset", "got before reset", "ulps apart"))
    at, apart = divergence.step - near.trace_step, distances(near)
    body = []
    for offset in range(max(0, at - NUMBERS), min(len(apart), at + NUMBERS + 1)):
        distance = apart[offset]
        cells = [
            tag("th", str(near.trace_step + offset), scope="row"),
            tag("td", _value(near.expected.before[offset]), class_="value"),
            tag("td", _value(near.got.before[offset]), class_="value"),
            tag("td", "" if distance is None else f"{distance:,}", class_="number"),
        ]
        body.append(f'<tr class="here">{"".join(cells)}</tr>' if offset == at else rows(cells))
    table = f"<table class='values'><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"
    return tag("details", tag("summary", "The numbers") + tag("div", table, class_="scroll"), class_="numbers")


def _repeat(command: str) -> str:
    button = '<button type="button" class="copy" hidden>Copy</button>'
    return tag("div", tag("span", "Repeat", class_="label") + tag("code", text(command)) + button, class_="repeat")
