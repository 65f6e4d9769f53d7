"""The page's rules: how many cases reject with each, how many nearly break it, and how each backend fares at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from conformance.outcome import EXPECTED_FAILURE, PASS, UNSUPPORTED
from conformance.report.page.failures import anchor
from conformance.report.page.markup import count, filter_link, fragment, rows, tag, text
from conformance.report.reader import Row
from conformance.rules import all_rules
from conformance.tally import Tally

Outcomes = Mapping[tuple[str, str], str]
"""(backend, case id) → outcome, of the cases that some rule names."""


def rules_of(rules: Mapping[str, Row]) -> dict[str, list[str]]:
    """Return case id → codes of the rules that it is about, in the order of the rules."""
    found: dict[str, list[str]] = {}
    for code, row in rules.items():
        for case_id in dict.fromkeys(cases_of(row)):
            found.setdefault(case_id, []).append(code)
    return found


def cases_of(row: Row) -> list[str]:
    """Return the ids of a rule's cases."""
    return [str(case_id) for kind in ("rejects", "near_misses") for case_id in row.get(kind, ())]


def table(rules: Mapping[str, Row], tally: Tally, outcomes: Outcomes) -> str:
    """Return the table of rules, a body per stage."""
    names = tally.asked
    head = [tag("th", name, scope="col") for name in ("rule", "rejects", "near misses")]
    head += [tag("th", text(name), scope="col", class_="number") for name in names]
    bodies = []
    for stage, group in groupby(rules.items(), key=lambda item: item[0].partition(".")[0]):
        title = rows([tag("th", text(stage), colspan=len(head), scope="colgroup")])
        bodies.append(f'<tbody class="stage">{title}{"".join(_row(c, r, names, outcomes) for c, r in group)}</tbody>')
    whole = f"<table class='rules'><thead>{rows(head)}</thead>{''.join(bodies)}</table>"
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label="Rules") + _untouched(rules)


def _row(code: str, row: Row, names: Sequence[str], outcomes: Outcomes) -> str:
    ids = list(dict.fromkeys(cases_of(row)))
    cells = [
        tag("th", _about(code, row, names, outcomes), scope="row"),
        tag("td", str(len(row.get("rejects", ()))), class_="number", data_label="rejects"),
        tag("td", str(len(row.get("near_misses", ()))), class_="number", data_label="near misses"),
        *(_field(code, ids, name, outcomes) for name in names),
    ]
    return f'<tr data-rule="{text(code)}">{"".join(cells)}</tr>\n'


def _about(code: str, row: Row, names: Sequence[str], outcomes: Outcomes) -> str:
    lists = []
    for kind, title in (("rejects", "rejects"), ("near_misses", "near misses")):
        items = [tag("li", _case(str(case_id), names, outcomes)) for case_id in row.get(kind, ())]
        if items:
            lists.append(tag("h5", title) + tag("ul", "".join(items)))
    summary = tag("summary", tag("code", text(code)) + tag("span", text(row.get("statement", "")), class_="statement"))
    return tag("details", summary + "".join(lists))


def _case(case_id: str, names: Sequence[str], outcomes: Outcomes) -> str:
    wrong = [name for name in names if outcomes.get((name, case_id), PASS) not in (PASS, UNSUPPORTED)]
    links = (tag("a", f"{text(name)} ✗", href=fragment(anchor(name, case_id)), class_="bad") for name in wrong)
    return " ".join([text(case_id), *links])


def _field(code: str, ids: Sequence[str], name: str, outcomes: Outcomes) -> str:
    found = [outcomes[name, case_id] for case_id in ids if (name, case_id) in outcomes]
    due = [outcome for outcome in found if outcome != UNSUPPORTED]
    if not due:
        return tag("td", "–", class_="number absent", data_label=name)
    passed = due.count(PASS)
    if passed == len(due):
        return tag("td", str(passed), class_="number good", data_label=name)
    kind = "known" if passed + due.count(EXPECTED_FAILURE) == len(due) else "bad"
    label = f"{passed} of {len(due)}: show what {name} fails of {code}"
    link = tag("a", f"{passed}/{len(due)}", href=filter_link(rule=code, backend=name), aria_label=label)
    return tag("td", link, class_=f"number {kind}", data_label=name)


def _untouched(rules: Mapping[str, Row]) -> str:
    missing = [code for code in all_rules() if code not in rules]
    if not missing:
        return ""
    return tag("p", f"{count(len(missing), 'rule')} with no selected case: {text(', '.join(missing))}.", class_="note")


def stages(rules: Mapping[str, Row]) -> Iterator[tuple[str, list[str]]]:
    """Yield each stage with its codes, for a list to choose from."""
    for stage, group in groupby(rules, key=lambda code: code.partition(".")[0]):
        yield stage, list(group)
