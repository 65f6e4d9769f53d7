"""How well a corpus covers the rules: per rule its rejects, its near misses, and the operations without a reject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.case import Case
from conformance.rules import Rule, all_rules

REJECTS = 2
NEAR_MISSES = 2

NOT_IN_A_CORPUS = frozenset({"checkpoint.sidecar-size"})
"""Rules whose faults are too large for a corpus; the tests of each backend make such files on the spot."""


@dataclass(frozen=True)
class Coverage:
    """The cases of one rule.

    Attributes:
        rule: The rule.
        rejects: Ids of the cases that must be rejected with it (at first).
        near_misses: Ids of the cases that nearly break it and must be accepted.
        bare_ops: Operations of the rule in which no case is rejected with it.
    """

    rule: Rule
    rejects: tuple[str, ...]
    near_misses: tuple[str, ...]
    bare_ops: tuple[str, ...]

    @property
    def gaps(self) -> list[str]:
        """What is missing, in words; empty where the rule is covered."""
        if self.rule.code in NOT_IN_A_CORPUS:
            return []
        gaps = []
        if len(self.rejects) < REJECTS:
            gaps.append(f"{len(self.rejects)} of {REJECTS} rejects")
        if len(self.near_misses) < NEAR_MISSES:
            gaps.append(f"{len(self.near_misses)} of {NEAR_MISSES} near misses")
        if self.bare_ops:
            gaps.append(f"never rejected in {', '.join(self.bare_ops)}")
        return gaps


def coverage(cases: Iterable[Case]) -> list[Coverage]:
    """Return the coverage of every rule, in normative order."""
    rejects: dict[str, dict[str, str]] = {}
    near: dict[str, list[str]] = {}
    for case in cases:
        if case.expect["verdict"] == "accept":
            for code in dict.fromkeys(case.rules):
                near.setdefault(code, []).append(case.id)
        elif "code" in case.expect:
            rejects.setdefault(case.expect["code"], {})[case.id] = case.op
    return [_coverage(rule, rejects.get(rule.code, {}), near.get(rule.code, [])) for rule in all_rules().values()]


def _coverage(rule: Rule, rejects: dict[str, str], near_misses: list[str]) -> Coverage:
    covered = set(rejects.values())
    return Coverage(rule, tuple(rejects), tuple(near_misses), tuple(op for op in rule.ops if op not in covered))
