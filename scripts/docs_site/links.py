"""Where a file of the repository stands on the site, and links between the two."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

# Pages of the site that are files of the repository outside docs/.
PAGES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "corpus.md": "conformance/corpus/README.md",
    "julia.md": "julia/README.md",
    **{
        f"spec/{name}.md": f"conformance/spec/{name}.md"
        for name in ("semantics", "pairs", "networks", "conversion", "protocol")
    },
}
# Files whose content is on the site in another form.
ALIASES = {"conformance/spec/rules.toml": "rules.md"}
LINK = re.compile(r"(!?\[[^\]\[]*\])\(([^)\s]+)\)")
FENCE = re.compile(r"(^```.*?^```[ \t]*$)", re.MULTILINE | re.DOTALL)


def repository_path(page: str) -> str:
    """Return which file of the repository a page was made of."""
    return PAGES.get(page, f"docs/{page}")


def resolved(here: str, target: str) -> str:
    """Return the repository path that a link in the file `here` names."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(here), target))


def site_path(here: str, target: str) -> str:
    """Return the page or picture of the site that a link in the file `here` leads to."""
    path = resolved(here, target)
    pages = {file: page for page, file in PAGES.items()} | ALIASES
    return pages.get(path, path.removeprefix("docs/"))


def relative(page: str, there: str) -> str:
    """Return the link from one page of the site to another."""
    return posixpath.relpath(there, posixpath.dirname(page) or ".")


def outside_code(markdown: str, change: Callable[[str], str]) -> str:
    """Apply `change` to what is no fenced code block."""
    parts = FENCE.split(markdown)
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parts))
