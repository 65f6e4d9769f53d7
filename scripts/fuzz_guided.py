"""Searches the loaders of pairs guided by coverage: Python under atheris, Rust under libFuzzer.

    python scripts/fuzz_guided.py python --minutes 10
    python scripts/fuzz_guided.py rust --minutes 10
    python scripts/fuzz_pairs.py --replay reports/pair-corpus/rust     # then: do all languages read it alike?

What covers something new is kept in reports/pair-corpus, and a crash in reports/pair-crashes. The exit code is 1 where
there is one. Julia and Mojo have no such tool: for them there is fuzz_pairs.py.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from pair_fuzz.artefact import pack  # noqa: E402
from pair_fuzz.drawing import draw  # noqa: E402

ATHERIS = "3.0.0"
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
SEEDS = 400
MOST_BYTES = 4096
# What cargo-fuzz hands to a nightly compiler, less the sanitizers that need one.
COVERAGE = (
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Clink-dead-code",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
)


def cache(name: str) -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spikeparity" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def python_command() -> tuple[list[str], dict[str, str]]:
    """Return what runs the search in the reference; atheris is installed into the cache (CPython up to 3.13)."""
    home = cache(f"atheris-{ATHERIS}-py{sys.version_info.major}.{sys.version_info.minor}")
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "ready").exists():
            words = ["--quiet", "--no-deps", "--target", str(home), f"atheris=={ATHERIS}"]
            subprocess.run([sys.executable, "-m", "pip", "install", *words], check=True)
            (home / "ready").touch()
    paths = os.pathsep.join([str(ROOT / "python"), str(ROOT), str(home)])
    return [sys.executable, str(ROOT / "scripts" / "pair_fuzz" / "guided_python.py")], {"PYTHONPATH": paths}


def rust_command() -> tuple[list[str], dict[str, str]]:
    """Build the search in the Rust library, on whatever toolchain there is, and return what runs it."""
    facts = subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout
    host = next(line.split()[1] for line in facts.splitlines() if line.startswith("host:"))
    target = cache("rust-fuzz")
    words = ["cargo", "build", "--quiet", "--release", "--target", host, "--target-dir", str(target)]
    manifest = str(ROOT / "rust" / "fuzz" / "Cargo.toml")
    flags = {"RUSTFLAGS": " ".join(COVERAGE)}
    subprocess.run([*words, "--manifest-path", manifest], check=True, env=os.environ | flags)
    return [str(target / host / "release" / "load")], {}


def seed(corpus: Path) -> None:
    """Begin a corpus with drawn pairs that have two files."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number in range(SEEDS):
        files = draw(0, number).files
        if len(packed := pack(files)) <= MOST_BYTES and set(files) == {"json", "npz"}:
            (corpus / f"seed-{number}").write_bytes(packed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", choices=("python", "rust"))
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    command, environment = python_command() if chosen.language == "python" else rust_command()
    corpus = ROOT / "reports" / "pair-corpus" / chosen.language
    crashes = ROOT / "reports" / "pair-crashes"
    crashes.mkdir(parents=True, exist_ok=True)
    seed(corpus)
    options = {
        "max_total_time": round(60 * chosen.minutes),
        "max_len": MOST_BYTES,
        "seed": chosen.seed,
        "timeout": 20,
        "rss_limit_mb": 2048,
        "print_final_stats": 1,
        "verbosity": 1,
        "artifact_prefix": f"{crashes}/{chosen.language}-",
    }
    words = [f"-{name}={value}" for name, value in options.items()]
    # First the corpus: atheris hands every word that is no option to libFuzzer.
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        environment |= {"TMPDIR": folder}
        done = subprocess.run([*command, str(corpus), *words], env=os.environ | environment)
    print(f"{chosen.language}: {len(list(corpus.iterdir()))} inputs kept, exit code {done.returncode}")
    return int(done.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
