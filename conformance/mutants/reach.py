"""Which cases run the code that a fault changes: the others cannot tell it from the sound reference.

The sound reference answers all cases first, and a profiler takes note of the functions that each of them enters. A
fault is asked the cases that enter a function that it changes; all of its cases where it changes code that runs when
a module is loaded, be it in the middle of a case. That holds as long as the reference keeps nothing else from one case
for the next.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from types import CodeType, FrameType
from typing import Any

from conformance.mutants.reference import Modules


class Functions:
    """Every code object of the sound package, by number."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        codes = [code for module in modules.values() for code in _all(module.code)]
        self._numbers = {code: number for number, code in enumerate(codes)}

    def changed(self, modules: Modules) -> set[int]:
        """Return the numbers of the code objects that are other ones in these modules."""
        names = [name for name in self._modules if modules[name] is not self._modules[name]]
        pairs = ((self._modules[name].code, modules[name].code) for name in names)
        return {self._numbers[code] for pair in pairs for code in _changed(*pair)}

    def entered(self, action: Callable[[], Any]) -> tuple[Any, set[int], set[int]]:
        """Return what an action returns, and the numbers of the code objects that it enters: all, and while loading."""
        codes: set[CodeType] = set()
        at_load: set[CodeType] = set()
        loading = 0

        def note(frame: FrameType, event: str, argument: Any) -> None:
            nonlocal loading
            if event == "call":
                loading += frame.f_code.co_name == "<module>"
                (at_load if loading else codes).add(frame.f_code)
            elif event == "return":
                loading -= frame.f_code.co_name == "<module>"

        sys.setprofile(note)
        try:
            result = action()
        finally:
            sys.setprofile(None)
        return result, self._known(codes), self._known(at_load)

    def _known(self, codes: set[CodeType]) -> set[int]:
        return {self._numbers[code] for code in codes if code in self._numbers}


class Reach:
    """What the sound reference enters: when it is loaded, and for each case."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._at_load: set[int] = set()
        self._cases: defaultdict[int, set[str]] = defaultdict(set)

    def note(self, case: str, entered: Collection[int]) -> None:
        """Take note of the code objects that a case enters; of those at load where the case is empty."""
        if not case:
            self._at_load.update(entered)
            return
        for number in entered:
            self._cases[number].add(case)

    def cases(self, modules: Modules) -> set[str] | None:
        """Return the ids of the cases that can tell these modules from the sound ones; None for all."""
        changed = self._functions.changed(modules)
        if changed & self._at_load:
            return None
        return {case for number in changed for case in self._cases[number]}


def _all(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in _inner(code):
        yield from _all(inner)


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _changed(sound: CodeType, other: CodeType) -> Iterator[CodeType]:
    """Yield the code objects of the sound side that differ in themselves, whatever is inside them."""
    ours, theirs = _inner(sound), _inner(other)
    if _itself(sound) != _itself(other) or [code.co_name for code in ours] != [code.co_name for code in theirs]:
        yield sound
    for pair in zip(ours, theirs, strict=False):
        yield from _changed(*pair)


def _itself(code: CodeType) -> tuple[object, ...]:
    """Return what a code object does, without its place in the file and without the code objects in it."""
    constants = [repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType)]
    arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return (code.co_code, constants, arguments, names, code.co_exceptiontable)
