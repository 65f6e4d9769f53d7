"""The operations of the protocol: from the `input` of a request to the `output` of its answer."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from spikeparity import strict_json
from spikeparity.rejection import RejectedError, below
from spikeparity.strict_json import hex_float
from spikeparity.transfer import fine_tune
from spikeparity.transfer.checkpoint import SNNCheckpoint
from spikeparity.transfer.fine_tune import TransferConfig, apply_transfer_config

Request = dict[str, Any]


def run(identity: str, op: str, request: Request) -> dict[str, Any]:
    """Return the verdict on one request."""
    operation = OPERATIONS.get(op)
    if operation is None:
        return {"id": identity, "verdict": "unsupported", "reason": f"unknown operation {op!r}"}
    try:
        return {"id": identity, "verdict": "accept", "output": operation(request)}
    except RejectedError as error:
        verdict = {"id": identity, "verdict": "reject"}
        return verdict | {"code": error.code, "path": error.path, "message": error.message}


def json_parse(request: Request) -> Any:
    """Answer json.parse."""
    return {"value": strict_json.tagged(document(request))}


def checkpoint_validate(request: Request) -> Any:
    """Answer checkpoint.validate."""
    checkpoint = SNNCheckpoint.from_document(document(request))
    return {
        "n_layers": checkpoint.n_layers,
        "total_params": checkpoint.total_params,
        "layer_names": checkpoint.layer_names,
        "frozen_layers": checkpoint.frozen_layers,
    }


def config_validate(request: Request) -> Any:
    """Answer config.validate."""
    config = TransferConfig.from_document(document(request))
    return {
        "freeze_until": config.freeze_until,
        "lr_backbone": hex_float(config.lr_backbone),
        "lr_head": hex_float(config.lr_head),
    }


def transfer_freeze(request: Request) -> Any:
    """Answer transfer.freeze."""
    return {"frozen_layers": fine_tune.freeze(checkpoint_of(request), request).frozen_layers}


def transfer_unfreeze(request: Request) -> Any:
    """Answer transfer.unfreeze."""
    return {"frozen_layers": fine_tune.unfreeze(checkpoint_of(request), request).frozen_layers}


def transfer_apply(request: Request) -> Any:
    """Answer transfer.apply."""
    checkpoint = checkpoint_of(request)
    with below("/config"):
        config = TransferConfig.from_document(request["config"])
    checkpoint, rates = apply_transfer_config(checkpoint, config)
    return {"frozen_layers": checkpoint.frozen_layers, "learning_rates": [hex_float(rate) for rate in rates]}


def document(request: Request) -> Any:
    """Return the document of a request: a value, or the strict reading of a text."""
    if "document" in request:
        return request["document"]
    return strict_json.parse(request["text"] if "text" in request else base64.b64decode(request["base64"]))


def checkpoint_of(request: Request) -> SNNCheckpoint:
    """Return the checkpoint of a request."""
    with below("/checkpoint"):
        return SNNCheckpoint.from_document(request["checkpoint"])


OPERATIONS: dict[str, Callable[[Request], Any]] = {
    "json.parse": json_parse,
    "checkpoint.validate": checkpoint_validate,
    "config.validate": config_validate,
    "transfer.freeze": transfer_freeze,
    "transfer.unfreeze": transfer_unfreeze,
    "transfer.apply": transfer_apply,
}
