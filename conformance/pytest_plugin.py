"""The pytest plugin: `pytest --conformance-backend rust` asks a backend the corpus, one test item per case.

pytest loads this file in every project of an environment that has the harness; without its options it does nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("conformance", "conformance of spiking-network backends")
    group.addoption(
        "--conformance-backend",
        action="append",
        default=[],
        metavar="B",
        help='ask this backend a corpus: a built-in one\'s name, a manifest.toml, or "name=command" (repeatable)',
    )
    group.addoption(
        "--conformance-corpus",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="a folder of case files (repeatable; default: the corpus that comes with the harness)",
    )
    group.addoption(
        "--conformance-op",
        action="append",
        default=[],
        metavar="GLOB",
        help="only cases whose operation matches, e.g. 'transfer.*' (repeatable)",
    )
    group.addoption(
        "--conformance-expectations",
        type=Path,
        metavar="DIR",
        help="what is known to fail: DIR/<backend>.toml; these cases are xfailed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the run where a backend is named; the rest of the harness is imported only then."""
    config.addinivalue_line("markers", "conformance: a corpus case that --conformance-backend puts to a backend")
    if config.getoption("conformance_backend"):
        from conformance.pytest_cases import Conformance

        config.pluginmanager.register(Conformance(config), "conformance-cases")
    elif any(config.getoption(f"conformance_{name}") for name in ("corpus", "op", "expectations")):
        raise pytest.UsageError("the options --conformance-… need --conformance-backend")
