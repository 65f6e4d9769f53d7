"""scripts/jsontestsuite.py on a suite of a few files, as a folder and as a bare git directory."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    "y_array.json": b"[1]",
    "y_object_duplicated_key.json": b'{"a":1,"a":2}',
    "n_array_comma.json": b"[1,]",
    "n_bad_byte.json": b"[\xff]",
    "i_huge.json": b"[1e400]",
}


def suite(folder: Path, **more: bytes) -> Path:
    (folder / "test_parsing").mkdir(parents=True)
    for name, data in {**FILES, **{f"{name}.json": data for name, data in more.items()}}.items():
        (folder / "test_parsing" / name).write_bytes(data)
    return folder


def script(place: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "jsontestsuite.py"), str(place), "--backend", "python"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_agreement_and_the_list_of_stricter_rules(tmp_path: Path) -> None:
    done = script(suite(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "y_object_duplicated_key.json: reject json.duplicate-key" in done.stdout
    assert "i_huge.json: reject json.number-range" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["python", "5", "5"]


def test_a_bare_git_directory_is_read_without_a_work_tree(tmp_path: Path) -> None:
    folder = suite(tmp_path / "suite")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "suite")
    done = script(folder / ".git")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split() == ["python", "5", "5"]


def test_a_contradiction_to_the_suite_fails(tmp_path: Path) -> None:
    done = script(suite(tmp_path, n_fine=b"[]"))
    assert done.returncode == 1
    assert "THE ORACLE CONTRADICTS THE SUITE: n_fine.json" in done.stdout


def test_a_folder_without_texts_is_a_usage_error(tmp_path: Path) -> None:
    assert script(tmp_path).returncode == 2
