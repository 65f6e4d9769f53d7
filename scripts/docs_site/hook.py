"""What MkDocs calls: adds the pages that live outside docs/, and turns links between files into links of the site."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "python")]

from mkdocs.structure.files import File, Files  # noqa: E402

from docs_site import generated, links  # noqa: E402

PICTURES = "benchmarks/results"


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and pictures that stand elsewhere in the repository."""
    for page, path in links.PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / path).read_text(encoding="utf-8")))
    for page, text in generated.pages().items():
        files.append(File.generated(config, page, content=text))
    for picture in sorted((ROOT / PICTURES).glob("*.png")):
        files.append(File.generated(config, f"{PICTURES}/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Rewrite links; a file that the site does not have becomes its name."""
    here = links.repository_path(page.file.src_uri)

    def rewritten(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        if urlsplit(target).scheme or target.startswith("#"):
            return match[0]
        path, mark, anchor = target.partition("#")
        there = links.site_path(here, path)
        if files.get_file_from_path(there) is None:
            return text if text.startswith("!") else f"{text[1:-1]} (`{links.resolved(here, path)}`)"
        return f"{text}({links.relative(page.file.src_uri, there)}{mark}{anchor})"

    return links.outside_code(markdown, lambda prose: links.LINK.sub(rewritten, prose))
