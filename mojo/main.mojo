"""The Mojo backend process: JSON Lines on standard input and output (conformance/spec/protocol.md)."""

from spikeparity import serve


def main() raises:
    """Serves until `bye` or the end of input.

    Raises:
        Error: Standard input or output failed.
    """
    serve()
