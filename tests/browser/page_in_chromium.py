"""The page of a report in headless Chromium. Run by scripts/test_page, which sees to browser and Playwright.

The name keeps it out of the plain test run, which must pass without a browser; where it is run, nothing is skipped.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from world import World, config_case, mini, tie_case

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = "no Chromium (apt install chromium, or CHROMIUM=/path/to/it); the page cannot be tested without one"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    program = next((found for name in names if name and (found := shutil.which(name))), None)
    assert program is not None, MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page_url() -> Iterator[str]:
    """The page of a real run: a lost tie in a long simulation, wrong verdicts, a crash."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.configs(4)
        tie = tie_case()
        tie["input"]["steps"] = 120
        tie["expect"]["output"] = {"readout": [30, 60], "counts": [[30, 60]]}
        world.write(tie)
        world.write(
            config_case("config-rejected")
            | {
                "rules": ["config.freeze-until-range"],
                "input": {"document": {"freeze_until": -2}},
                "expect": {"verdict": "reject", "code": "config.freeze-until-range", "path": "/freeze_until"},
            }
        )
        words = []
        for name, behaviour, at in (
            ("ulp", "one-ulp", "tie"),
            ("wrong", "wrong", "config-*"),
            ("dead", "crash", "config-000"),
        ):
            words += ["--backend", mini(behaviour, at).replace("mini=", f"{name}=")]
        assert world.run(*words).code == 1
        assert world.cli("report", "report.jsonl", "--html", "page.html").returncode == 0
        yield (world.folder / "page.html").as_uri()


class Visit:
    """A page in a window of its own, and what it asked for or complained about."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        options = {"viewport": {"width": 1280, "height": 900}} | options
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)

    def shown(self) -> list[str]:
        """Return the ids of the failures that can be seen, as backend/case."""
        cards = self.page.locator("details.failure:visible")
        return [card.removeprefix("failure/") for card in cards.evaluate_all("cards => cards.map(card => card.id)")]

    def focused(self) -> str:
        """Return the id of the failure that has the focus."""
        return str(self.page.evaluate("document.activeElement.closest('details.failure')?.id"))


@pytest.fixture
def visit(browser: Browser, page_url: str) -> Iterator[Visit]:
    visit = Visit(browser, page_url)
    yield visit
    assert visit.complaints == []
    assert {url.partition("#")[0] for url in visit.requests} == {page_url}
    visit.context.close()


ALL = [
    "wrong/config-000", "dead/config-000", "wrong/config-001", "wrong/config-002", "wrong/config-003",
    "wrong/config-rejected", "ulp/tie",
]  # fmt: skip


def test_it_opens_and_shows_every_failure(visit: Visit) -> None:
    assert visit.shown() == ALL
    assert visit.page.locator("#shown").text_content() == "7 shown"
    assert visit.page.title() == "NOT CONFORM · conformance"


@pytest.mark.parametrize(
    ("field", "value", "left"),
    [
        ("op", "simulate", ["ulp/tie"]),
        ("backend", "dead", ["dead/config-000"]),
        ("rule", "config.freeze-until-range", ["wrong/config-rejected"]),
        ("outcome", "crash", ["dead/config-000"]),
    ],
)
def test_it_filters(visit: Visit, field: str, value: str, left: list[str]) -> None:
    visit.page.select_option(f"#{field}", value)
    assert visit.shown() == left
    assert visit.page.locator("#shown").text_content() == "1 of 7 shown"
    assert visit.page.evaluate("location.hash") == f"#{field}={value}"
    visit.page.reload()
    assert visit.shown() == left
    visit.page.click("#clear")
    assert len(visit.shown()) == 7


def test_it_searches_all_that_a_failure_says(visit: Visit) -> None:
    for words, left in (
        ("exactly THRESHOLD", ["ulp/tie"]),
        ("sigabrt", ["dead/config-000"]),
        ("config-rejected /nowhere", ["wrong/config-rejected"]),
        ("nothing says this", []),
    ):
        visit.page.fill("#q", words)
        assert visit.shown() == left


def test_filters_add_up(visit: Visit) -> None:
    visit.page.select_option("#backend", "wrong")
    visit.page.fill("#q", "config-00")
    assert visit.shown() == ["wrong/config-000", "wrong/config-001", "wrong/config-002", "wrong/config-003"]
    visit.page.select_option("#rule", "config.freeze-until-range")
    assert visit.shown() == []


def test_the_matrix_leads_to_its_failures(visit: Visit) -> None:
    visit.page.click("table.matrix a[href='#backend=dead&op=config.validate']")
    assert visit.shown() == ["dead/config-000"]
    assert visit.page.evaluate("document.getElementById('failures').getBoundingClientRect().top") < 450


def test_a_rule_leads_to_a_failure(visit: Visit) -> None:
    visit.page.select_option("#backend", "dead")
    visit.page.click("tr[data-rule='config.freeze-until-range'] summary")
    visit.page.click("tr[data-rule] li a")
    card = visit.page.locator("details.failure[open]")
    assert card.get_attribute("id") == "failure/wrong/config-rejected"  # though the filter had hidden it
    assert visit.focused() == "failure/wrong/config-rejected"
    assert card.locator(".side.got code").first.text_content() == "config.object"
    top = card.evaluate("card => card.getBoundingClientRect().top")
    assert 0 <= top < 450


def test_a_link_from_outside_opens_its_failure(browser: Browser, page_url: str) -> None:
    visit = Visit(browser, page_url + "#failure/ulp/tie")
    card = visit.page.locator("details.failure[open]")
    assert card.get_attribute("id") == "failure/ulp/tie"
    assert card.locator("svg").count() == 2
    assert visit.complaints == []
    visit.context.close()


def test_it_can_be_used_by_keyboard_alone(visit: Visit) -> None:
    keys = visit.page.keyboard
    keys.press("/")
    assert visit.page.evaluate("document.activeElement.id") == "q"
    keys.type("jk/config-rejected")
    assert visit.page.input_value("#q") == "jk/config-rejected"
    keys.press("Escape")
    assert len(visit.shown()) == 7
    order = visit.shown()
    keys.press("j")
    keys.press("j")
    assert visit.focused() == f"failure/{order[1]}"
    keys.press("k")
    assert visit.focused() == f"failure/{order[0]}"
    keys.press("Enter")
    assert visit.page.locator("details.failure[open]").count() == 1
    for _ in range(12):  # on to the links and the button inside, in their order
        keys.press("Tab")
        if visit.page.evaluate("document.activeElement.className") == "copy":
            break
    keys.press("Enter")
    visit.page.wait_for_selector("button.copy >> text=/Copied|Selected/")


def test_all_can_be_opened_and_closed(visit: Visit) -> None:
    visit.page.click("#open")
    assert visit.page.locator("details.failure[open]").count() == 7
    visit.page.click("#open")
    assert visit.page.locator("details.failure[open]").count() == 0


def test_it_fits_a_phone(browser: Browser, page_url: str) -> None:
    visit = Visit(browser, page_url, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    visit.page.tap("#open")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
    small = visit.page.evaluate("""() => [...document.querySelectorAll("#filters :is(select, input, button)")]
        .filter(field => field.getBoundingClientRect().height < 40).map(field => field.id)""")
    assert small == []
    plot = visit.page.locator("figure.raster .plot")
    mark = "plot => plot.querySelector('line.mark').getBoundingClientRect().left - plot.getBoundingClientRect().left"
    assert 0 <= plot.evaluate(mark) <= 360
    visit.context.close()


# Relative luminance and contrast as WCAG 2 defines them, of every text against the first ground behind it.
CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const part = (value) => { value /= 255; return value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return rgb(getComputedStyle(document.documentElement).backgroundColor);
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.checkVisibility() || node.closest("script, style")) continue;
    const svg = node.closest("svg");
    const ink = rgb(svg ? getComputedStyle(node).fill : getComputedStyle(node).color);
    const pair = [light(ink), light(ground(svg || node))].sort((a, b) => b - a);
    const ratio = (pair[0] + .05) / (pair[1] + .05);
    if (ratio < 4.5) poor.add(`${node.tagName}.${node.getAttribute("class")} ${ratio.toFixed(2)}`);
  }
  return [...poor];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_light_and_dark(browser: Browser, page_url: str, scheme: Any) -> None:
    visit = Visit(browser, page_url, color_scheme=scheme)
    visit.page.click("#open")
    assert visit.page.evaluate(CONTRAST) == []
    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    bright = sum(int(part) for part in ground.removeprefix("rgb(").removesuffix(")").split(",")) > 384
    assert bright == (scheme == "light")
    visit.context.close()


def test_it_reads_without_script(browser: Browser, page_url: str) -> None:
    visit = Visit(browser, page_url, java_script_enabled=False)
    assert visit.page.locator("details.failure").count() == 7
    assert not visit.page.locator("#filters").is_visible()
    visit.page.click("details.failure[id='failure/ulp/tie'] > summary")
    assert visit.page.locator("figure.raster svg").is_visible()
    visit.context.close()
