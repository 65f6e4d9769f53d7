"""Faults put into backends on purpose, each a small named patch, to see that the corpus notices every one of them.

`python/*.toml` holds those of the Python reference, which ``python -m conformance mutants`` runs; `rust/`, `julia/` and
`mojo/` hold those that ``scripts/native_mutants.py`` builds and runs.
"""
