"""The table of rules (spec/rules.toml): which codes exist, in which order, for which operations, and the limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from conformance.toml import loads

SPEC = Path(__file__).parent / "spec"


@dataclass(frozen=True)
class Rule:
    """One rule of the contract.

    Attributes:
        code: Its permanent name, ``stage.what``.
        ops: The operations that can answer with it.
        statement: What is rejected, one sentence.
        order: Its position among all rules; of several broken rules the first is reported.
    """

    code: str
    ops: tuple[str, ...]
    statement: str
    order: int


@cache
def _document() -> dict[str, Any]:
    return loads((SPEC / "rules.toml").read_text(encoding="utf-8"))


@cache
def all_rules() -> dict[str, Rule]:
    """Return every rule by its code, in normative order."""
    rows = enumerate(_document()["rule"])
    return {row["code"]: Rule(row["code"], tuple(row["ops"]), row["statement"], order) for order, row in rows}


@cache
def operations() -> tuple[str, ...]:
    """Return the operations of the protocol, in the order in which reports show them."""
    return tuple(_document()["operations"])


def codes_of(ops: list[str]) -> set[str]:
    """Return the codes that a backend with these operations can answer with."""
    return {rule.code for rule in all_rules().values() if set(rule.ops) & set(ops)}


def limit(name: str) -> int:
    """Return one of the numbers in the table's ``[limits]``."""
    return int(_document()["limits"][name])
