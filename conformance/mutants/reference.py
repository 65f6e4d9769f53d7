"""The Python reference loaded from patched sources: a child of a fork gets the mutant where the parent has nothing."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from conformance.errors import UsageError

PACKAGE = "spikeparity"


@dataclass(frozen=True)
class Module:
    """A module of the package: its source, its code, and whether it is a package itself."""

    text: str
    code: CodeType
    is_package: bool


Modules = Mapping[str, Module]
"""Modules by their names."""


def sources() -> dict[str, str]:
    """Return the sources of the installed reference: file, relative to the package, → text.

    Raises:
        UsageError: The package is not there.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UsageError("the package spikeparity is not there; pip install spikeparity")
    folder = Path(spec.origin).parent
    files = (file for file in sorted(folder.rglob("*.py")) if "_julia" not in file.parts and "_mojo" not in file.parts)
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}


def compiled(texts: Mapping[str, str], known: Modules) -> Modules:
    """Compile texts, taking over from `known` what has not changed.

    Raises:
        SyntaxError: A text is not Python.
    """
    modules = {}
    for file, text in texts.items():
        parts = [PACKAGE, *file.removesuffix(".py").removesuffix("__init__").strip("/").split("/")]
        name = ".".join(part for part in parts if part)
        if name in known and known[name].text == text:
            modules[name] = known[name]
        else:
            code = compile(text, f"<{PACKAGE}>/{file}", "exec", dont_inherit=True)
            modules[name] = Module(text, code, file.endswith("__init__.py"))
    return modules


class _Loader(InspectLoader):
    def __init__(self, module: Module) -> None:
        self._module = module

    def get_source(self, fullname: str) -> str | None:
        return None

    def get_code(self, fullname: str) -> CodeType:
        return self._module.code

    def is_package(self, fullname: str) -> bool:
        return self._module.is_package


class _Finder(MetaPathFinder):
    def __init__(self, modules: Modules) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._modules:
            return None
        module = self._modules[fullname]
        return ModuleSpec(fullname, _Loader(module), is_package=module.is_package)


class Reference:
    """The reference, or a mutant of it, in this process, which saves below `scratch`."""

    def __init__(self, modules: Modules, scratch: Path) -> None:
        for name in [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Finder(modules))
        importlib.import_module(f"{PACKAGE}.operations")
        self._backend = importlib.import_module(f"{PACKAGE}.backend")
        self._scratch = scratch
        self._root: Path | None = None

    def answer(self, line: bytes, root: Path) -> dict[str, Any]:
        """Return the answer to a request line as its reader would see it; places start at `root`."""
        if root != self._root:
            hello = {"cmd": "hello", "protocol": 1, "root": str(root), "scratch": str(self._scratch)}
            self._backend.answer_line(json.dumps(hello).encode())
            self._root = root
        _, reply = self._backend.answer_line(line)
        try:
            answer: dict[str, Any] = json.loads(json.dumps(reply))
        except (TypeError, ValueError) as error:
            return {"verdict": "error", "message": f"the answer is no JSON: {error}"}
        return answer
