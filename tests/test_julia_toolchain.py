"""The Julia toolchain: which Julia it finds, why it refuses one, and the backend processes it starts.

Small scripts play the good and the broken Julias; the last tests need a real one and fail without it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import pytest

from conformance.toolchains import Launch, UnavailableError
from conformance.toolchains import julia as toolchain

# What the smoke test sees of a good Julia; each start is noted.
GOOD = """#!/bin/sh
echo "$@" >> "$0.calls"
printf 1.10.4
"""
# A shell cannot easily die of SIGSEGV by itself; this is what a shell reports of a child that has.
CRASHING = """#!/bin/sh
kill -SEGV $$
"""
HELLO = '{"cmd":"hello","protocol":1,"root":"/","scratch":"/tmp"}\n{"cmd":"bye"}\n'


def program(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and no Julia anywhere."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.delenv("JULIA_EXE", raising=False)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert shutil.which("julia") is None, "these tests need a PATH without julia"
    return folder


@pytest.fixture
def on_path(tmp_path: Path, cache: Path) -> Path:
    """Where a julia on PATH would lie."""
    return tmp_path / "bin" / "julia"


def fault() -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        toolchain.find_julia()
    return caught.value


def calls(julia: Path) -> int:
    return len(Path(f"{julia}.calls").read_text().splitlines())


# ---- which Julia -----------------------------------------------------------------------------------------------------


def test_without_any_julia_the_reason_names_the_places_and_the_hint_the_command(cache: Path) -> None:
    error = fault()
    assert "no julia on PATH" in error.reason
    assert str(cache) in error.reason
    assert error.hint == toolchain.how_to_get()


@pytest.mark.parametrize(
    ("lines", "known"),
    [
        ('ID=debian\nVERSION_ID="12"\n', True),
        ('ID=debian\nVERSION_ID="13"\n', False),
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="12"\n', False),
    ],
)
def test_only_debian_12_is_offered_the_script(tmp_path: Path, lines: str, known: bool) -> None:
    (tmp_path / "os-release").write_text(lines)
    assert toolchain.is_debian_12(tmp_path / "os-release") is known
    assert not toolchain.is_debian_12(tmp_path / "missing")


def test_elsewhere_the_hint_is_juliaup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "is_debian_12", lambda: False)
    assert "juliaup" in toolchain.how_to_get()


def test_julia_on_path_is_found_and_started_once_only(on_path: Path) -> None:
    program(on_path, GOOD)
    assert toolchain.find_julia() == toolchain.Julia(on_path, "1.10.4")
    assert toolchain.find_julia().version == "1.10.4"
    assert calls(on_path) == 1


def test_another_program_in_its_place_is_checked_again(on_path: Path) -> None:
    program(on_path, GOOD)
    toolchain.find_julia()
    program(on_path, GOOD.replace("1.10.4", "1.11.0-rc1"))
    assert toolchain.find_julia().version == "1.11.0-rc1"
    program(on_path, CRASHING)
    assert "crashes on exceptions" in fault().reason


def test_the_launcher_of_juliaup_is_asked_each_time(on_path: Path) -> None:
    launcher = program(on_path.with_name("julialauncher"), GOOD)
    on_path.symlink_to(launcher)
    toolchain.find_julia()
    toolchain.find_julia()
    assert Path(f"{on_path}.calls").read_text().split().count("--version") >= 2


def test_a_julia_that_crashes_on_exceptions_is_refused_with_that_reason(on_path: Path) -> None:
    program(on_path, CRASHING)
    error = fault()
    assert error.reason == f"{on_path} crashes on exceptions"


def test_a_crash_below_a_wrapper_script_is_a_crash_too(on_path: Path) -> None:
    program(on_path, "#!/bin/sh\nsh -c 'kill -SEGV $$'\n")
    assert "crashes on exceptions" in fault().reason


def test_a_refused_julia_is_checked_again_next_time(on_path: Path) -> None:
    program(on_path, CRASHING)
    fault()
    assert not list((toolchain.cache_folder()).glob("checked-*"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\nprintf 1.4.2\n", "is Julia 1.4.2; 1.5 or newer is needed"),
        ("#!/bin/sh\necho 'julia: bad option' >&2; exit 1\n", "does not work as a julia: julia: bad option"),
        ("#!/bin/sh\necho hello\n", "does not work as a julia: hello"),
        ("#!/nowhere/sh\n", "cannot be started: No such file or directory"),
    ],
)
def test_what_is_no_usable_julia_is_refused(on_path: Path, text: str, reason: str) -> None:
    program(on_path, text)
    assert fault().reason == f"{on_path} {reason}"


def test_a_julia_that_never_ends_is_refused(on_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "TIMEOUT", 0.2)
    program(on_path, "#!/bin/sh\nexec sleep 60\n")
    assert "does not end" in fault().reason


def test_julia_exe_is_taken_alone(on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(on_path, GOOD)
    named = program(tmp_path / "other" / "julia", GOOD.replace("1.10.4", "1.9.0"))
    monkeypatch.setenv("JULIA_EXE", str(named))
    assert toolchain.find_julia() == toolchain.Julia(named, "1.9.0")
    program(named, CRASHING)
    assert fault().reason == f"JULIA_EXE names {named}, which crashes on exceptions"
    monkeypatch.setenv("JULIA_EXE", str(tmp_path / "nowhere"))
    assert fault().reason == f"JULIA_EXE names {tmp_path / 'nowhere'}, which is no program"
    assert fault().hint == "unset JULIA_EXE or correct it"


def test_the_private_julia_stands_in_for_none_and_for_a_broken_one(cache: Path, on_path: Path) -> None:
    private = program(toolchain.private_prefix() / "bin" / "julia", GOOD)
    assert private.is_relative_to(cache)
    assert toolchain.find_julia().executable == private
    program(on_path, CRASHING)
    assert toolchain.find_julia().executable == private
    program(private, CRASHING)
    assert fault().reason == f"{on_path} crashes on exceptions"
    program(on_path, GOOD)
    assert toolchain.find_julia().executable == on_path


def test_a_cache_that_cannot_be_written_is_one_clear_line(on_path: Path, cache: Path) -> None:
    program(on_path, GOOD)
    cache.write_text("a file where the folder should be")
    error = fault()
    assert str(cache) in error.reason
    assert error.hint == "set XDG_CACHE_HOME"


# ---- how it is started -----------------------------------------------------------------------------------------------


def test_the_users_own_julia_variables_do_not_reach_the_backend(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    for name in ("JULIA_PROJECT", "JULIA_LOAD_PATH", "JULIA_DEPOT_PATH", "JULIA_CPU_TARGET"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("JULIAUP_CHANNEL", "lts")
    environment = toolchain.julia_environment(Path("/package"))
    assert environment["JULIA_PROJECT"] is None
    assert environment["JULIA_CPU_TARGET"] is None
    assert environment["JULIA_LOAD_PATH"] == f"/package{os.pathsep}@stdlib"
    assert Path(str(environment["JULIA_DEPOT_PATH"])).is_relative_to(cache)
    assert "JULIAUP_CHANNEL" not in environment
    assert not {"JULIA_PROJECT", "JULIA_CPU_TARGET"} & toolchain.full_environment(Path("/package")).keys()


def test_the_package_is_compiled_once_for_each_julia_and_state_of_the_sources(on_path: Path, tmp_path: Path) -> None:
    program(on_path, GOOD)
    package = tmp_path / "package"
    (package / "src").mkdir(parents=True)
    (package / "Project.toml").write_text("name = 'x'\n")
    source = package / "src" / "x.jl"
    source.write_text("module x end\n")
    julia = toolchain.Julia(on_path, "1.10.4")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: toolchain.compile_package(julia, package), range(4)))
    assert calls(on_path) == 1
    source.write_text("module x end # changed\n")
    toolchain.compile_package(julia, package)
    assert calls(on_path) == 2


def test_a_package_that_does_not_load_is_one_clear_line(on_path: Path, tmp_path: Path) -> None:
    program(on_path, "#!/bin/sh\nprintf 'WARNING: x\\nERROR: LoadError: bad\\nStacktrace:\\n [1] y\\n' >&2; exit 1\n")
    (tmp_path / "Project.toml").touch()
    with pytest.raises(UnavailableError) as caught:
        toolchain.compile_package(toolchain.Julia(on_path, "1.10.4"), tmp_path)
    assert caught.value.reason == "the package SpikeParity does not load in Julia 1.10.4: ERROR: LoadError: bad"


def test_there_are_two_transports_and_no_other() -> None:
    with pytest.raises(ValueError, match="process, juliacall"):
        toolchain.launch("socket")


def test_juliacall_is_started_as_such_or_unavailable_but_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(_: str) -> str:
        return "0.9.24"

    monkeypatch.setattr(metadata, "version", version)
    launch = toolchain.launch("juliacall")
    assert launch.argv == [sys.executable, "-m", "spikeparity.julia_backend"]
    assert launch.versions == {"transport": "juliacall", "juliacall": "0.9.24"}

    def missing(_: str) -> str:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(UnavailableError, match="juliacall is not installed"):
        toolchain.launch("juliacall")


# ---- the script that installs one ------------------------------------------------------------------------------------


def script(prefix: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    words = ["bash", str(Path(toolchain.__file__).with_name("get_julia.sh")), str(prefix)]
    return subprocess.run(words, env=os.environ | environment, capture_output=True, text=True)


def test_the_script_leaves_alone_what_works(tmp_path: Path) -> None:
    program(tmp_path / "julia" / "bin" / "julia", GOOD)
    done = script(tmp_path / "julia")
    assert (done.returncode, done.stdout) == (0, f"Julia 1.5.3 is in {tmp_path / 'julia'}\n")


def test_the_script_never_writes_into_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    done = script(tmp_path / "mine")
    assert done.returncode == 1
    assert "is no Julia of this script" in done.stderr
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_without_packages_the_script_says_so_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    if not toolchain.is_debian_12():
        assert "install juliaup" in script(tmp_path / "julia").stderr
        return
    program(tmp_path / "bin" / "apt-get", "#!/bin/sh\necho 'E: no network' >&2; exit 100\n")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = script(tmp_path / "prefix" / "julia", PATH=path, SPIKEPARITY_DEBS=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "E: no network; set SPIKEPARITY_DEBS" in done.stderr
    assert not list((tmp_path / "prefix").iterdir())


def test_the_command_ends_with_3_where_julia_cannot_be_had(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JULIA_EXE", "/nowhere/julia")
    assert toolchain.main(["install"]) == 3
    assert toolchain.main(["test"]) == 3
    assert toolchain.main(["frobnicate"]) == 2
    assert toolchain.main(["install", "a", "b"]) == 2


# ---- with a real Julia -----------------------------------------------------------------------------------------------


def converse(launch: Launch, requests: str) -> list[dict[str, object]]:
    environment = {k: v for k, v in (os.environ | launch.env).items() if v is not None}
    done = subprocess.run(launch.argv, env=environment, input=requests, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_backend_process_says_hello_with_julias_version() -> None:
    launch = toolchain.launch()
    [hello] = converse(launch, HELLO)
    assert hello["language"] == "Julia"
    assert {key: hello[key] for key in launch.versions} == launch.versions
    assert launch.versions["transport"] == "process"


def test_the_backend_answers_each_line_before_the_next_has_come() -> None:
    launch = toolchain.launch()
    environment = {k: v for k, v in (os.environ | launch.env).items() if v is not None}
    with subprocess.Popen(launch.argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stdout is not None
        for name in ("a", "b"):
            request: dict[str, object] = {"cmd": "run", "id": name, "op": "config.validate", "input": {"document": {}}}
            # A line that has begun must not hold back the answer to the one before it.
            child.stdin.write(json.dumps(request).encode() + b'\n{"cmd":')
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["id"] == name
            child.stdin.write(b'"root","root":"/"}\n')
        child.stdin.close()
        assert child.stdout.read() == b""
    assert child.returncode == 0


def test_what_julia_code_prints_does_not_reach_the_answers(tmp_path: Path) -> None:
    launch = toolchain.launch()
    main = Path(launch.argv[-1])
    noisy = tmp_path / "noisy.jl"
    served = "using SpikeParity"
    assert served in main.read_text()
    noisy.write_text(
        main.read_text().replace(served, served + '\nprintln("stray"); ccall(:puts, Cint, (Cstring,), "C")')
    )
    [hello] = converse(Launch([*launch.argv[:-1], str(noisy)], launch.env), HELLO)
    assert hello["name"] == "julia"
