"""Start-up of the Rust backend: hands standard input and output to ``spikeparity._rust`` and loads nothing else."""

from __future__ import annotations

import signal

from spikeparity._rust import serve


def main() -> None:
    """Answer requests on standard input and output until ``bye``, the end of input or Ctrl-C."""
    # Python notes a signal and acts on it in the interpreter, which does not run while Rust serves.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    serve()


if __name__ == "__main__":
    main()
