"""A template: a small working backend in some language, to be copied into a folder of one's own and grown there."""

from __future__ import annotations

from pathlib import Path

from conformance.errors import UsageError

FOLDER = Path(__file__).parent / "templates"
LANGUAGES = ("python", "c", "javascript", "go", "java")
OPERATION = "encode.poisson"
PLACEHOLDER = "my-backend"
"""The name that the templates' files carry; it is replaced by that of the copy."""


def write(language: str, folder: Path, name: str) -> list[Path]:
    """Copy the template of a language into ``folder`` under a name of its own, whole or not at all.

    Returns:
        The files written, the manifest last.

    Raises:
        UsageError: The name is none, a file is there already, or one cannot be written.
    """
    from conformance.manifest import check_name

    check_name(name, f"--name {name!r}")
    # pip compiles what it installs, so a folder of byte code may lie beside the template's own files.
    files = [file for file in (FOLDER / language).iterdir() if file.is_file()]
    sources = sorted(files, key=lambda file: file.suffix == ".toml")
    targets = [folder / source.name for source in sources]
    for target in targets:
        if target.exists() or target.is_symlink():
            raise UsageError(f"{target} is there already; nothing was written (--dir names another folder)")
    for source, target in zip(sources, targets, strict=True):
        _write(target, source.read_text(encoding="utf-8").replace(PLACEHOLDER, name))
    return targets


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{target}: {error.strerror}") from None
