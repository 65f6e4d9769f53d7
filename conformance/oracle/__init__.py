"""The oracle: a slow, obviously right program that says which answer is due (semantics.md). It imports no backend."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from conformance.oracle import activation, checkpoint, fine_tune, json_text, normalize, pair, simulate
from conformance.oracle.places import Folder
from conformance.oracle.profile import PROFILES
from conformance.oracle.values import Rejected, Value, from_python


class Folders(NamedTuple):
    """The folders of a request: what it reads lies below one, what it saves below the other."""

    root: Folder
    scratch: Folder


def answer(op: str, input: dict[str, Any], root: Path | None = None, scratch: Path | None = None) -> dict[str, Any]:
    """Return the due answer to a request, without `id` and `message`.

    `input` is what `json.load` reads from a case. Files are read below `root`, the corpus of the case; nothing is
    written below `scratch`, which is asked only where its links lead. A text with several kinds of JSON fault, any of
    which may be reported, has the code `json.*`. An unknown profile is answered with the verdict `unsupported`, a
    failure to read with `error`.

    Raises:
        KeyError: The operation is unknown.
        ValueError: The request reads a file and `root` is not given.
    """
    folders = Folders(Folder(root), Folder(scratch))
    if input.get("profile") not in (None, *PROFILES):
        return {"verdict": "unsupported"}
    try:
        return {"verdict": "accept", "output": OPERATIONS[op](input, folders)}
    except Rejected as rejected:
        return {"verdict": "reject", "code": rejected.code, "path": rejected.path}
    except OSError as error:
        return {"verdict": "error", "message": str(error)}


def text_bytes(input: dict[str, Any]) -> bytes:
    """Return the bytes of a text under test."""
    if "text" in input:
        return str(input["text"]).encode()
    return base64.b64decode(input["base64"], validate=True)


def document(input: dict[str, Any]) -> Value:
    """Return the document of an operation that takes DOC (protocol.md, Values)."""
    return from_python(input["document"]) if "document" in input else json_text.parse(text_bytes(input))


def arguments(input: dict[str, Any]) -> dict[str, Value]:
    """Return the members of a request."""
    return {key: from_python(member) for key, member in input.items()}


OPERATIONS: dict[str, Callable[[dict[str, Any], Folders], dict[str, object]]] = {
    "json.parse": lambda input, _: {"value": json_text.tagged(json_text.parse(text_bytes(input)))},
    "checkpoint.validate": lambda input, _: checkpoint.validate(document(input)),
    "config.validate": lambda input, _: fine_tune.validate(document(input)),
    "transfer.freeze": lambda input, _: fine_tune.freeze(arguments(input)),
    "transfer.unfreeze": lambda input, _: fine_tune.unfreeze(arguments(input)),
    "transfer.apply": lambda input, _: fine_tune.apply(arguments(input)),
    "simulate": lambda input, folders: simulate.simulate(arguments(input), folders.root),
    "encode.poisson": lambda input, _: simulate.encode(arguments(input)),
    "checkpoint.load": lambda input, folders: pair.loaded(arguments(input), folders.root),
    "checkpoint.save": lambda input, folders: pair.saved(arguments(input), folders.scratch),
    "activation.qcfs": lambda input, _: activation.qcfs(arguments(input)),
    "convert.normalize": lambda input, _: normalize.normalize(arguments(input)),
}
