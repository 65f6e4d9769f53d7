"""Pages made of what the code says of itself: the rules, and the help texts of the command line."""

from __future__ import annotations

import argparse

from conformance import cli
from conformance.rules import all_rules


def pages() -> dict[str, str]:
    """Return the generated pages by their place on the site."""
    return {"rules.md": rules(), "commands.md": commands()}


def rules() -> str:
    """Return the page of all rules, in their order."""
    rows = [f"| `{r.code}` | {_escaped(r.statement)} | {', '.join(r.ops)} |" for r in all_rules().values()]
    semantics = "[the semantics](../conformance/spec/semantics.md)"
    text = f"{len(rows)} rules, in the order in which they are checked, as {semantics} say. A code is permanent."
    head = ["# Rules", "", text, "", "| code | rejected | operations |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def commands() -> str:
    """Return the page of the command line: the help text of every verb, as the terminal shows it."""
    parser = cli.parser()
    parts = ["# Command line", "", "```text", parser.format_help().rstrip(), "```", ""]
    for name, verb in _verbs(parser).items():
        parts += [f"## {name}", "", "```text", verb.format_help().rstrip(), "```", ""]
    return "\n".join(parts)


def _verbs(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise LookupError("the command line has no verbs")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
