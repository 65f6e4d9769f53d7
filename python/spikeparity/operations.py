"""The operations of the protocol: from the `input` of a request to the `output` of its answer."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from spikeparity import rules, strict_json
from spikeparity.files import FOLDERS, Place
from spikeparity.matrix import RealArray
from spikeparity.neurons import inputs, references
from spikeparity.neurons.network import Network
from spikeparity.neurons.simulate import Simulation, Trace, format_of, simulate
from spikeparity.rejection import RejectedError, below
from spikeparity.strict_json import hex_float
from spikeparity.transfer import fine_tune, npy, pair, sidecar
from spikeparity.transfer.checkpoint import SNNCheckpoint
from spikeparity.transfer.fine_tune import TransferConfig, apply_transfer_config
from spikeparity.transfer.pair import Pair

Request = dict[str, Any]

STEPS_AT_ONCE = 4096


def run(identity: str, op: str, request: Request) -> dict[str, Any]:
    """Return the verdict on one request."""
    operation = OPERATIONS.get(op)
    if operation is None:
        return {"id": identity, "verdict": "unsupported", "reason": f"unknown operation {op!r}"}
    if request.get("profile", rules.PROFILES[0]) not in rules.PROFILES:
        return {"id": identity, "verdict": "unsupported", "reason": f"unknown profile {request['profile']!r}"}
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
    return described(SNNCheckpoint.from_document(document(request)))


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


def simulate_(request: Request) -> Any:
    """Answer simulate."""
    profile = request.get("profile", rules.PROFILES[0])
    with below("/network"):
        network = references.network_of(request["network"], FOLDERS.root, format_of(profile))
    record = request.get("record", [])
    stimulus = references.in_input(request["input"], FOLDERS.root)
    result = simulate(network, request["steps"], stimulus, record, profile)
    return {"readout": readout(result)} | {name: RECORDS[name](result) for name in record}


def encode_poisson(request: Request) -> Any:
    """Answer encode.poisson: one sample, in blocks of steps that bound the memory."""
    inputs.steps_(request["steps"])
    due = inputs.Due(None, request["steps"], batches=False)
    poisson = {"kind": "poisson"} | {key: request[key] for key in ("rates", "seed", "sample") if key in request}
    inputs.check(poisson, due, inputs.POISSON_RULES)
    drive = inputs.drive(poisson, None)
    spikes: list[list[int]] = []
    for begin in range(0, due.steps, STEPS_AT_ONCE):
        spikes += inputs.index_lists(drive.presented(begin, min(begin + STEPS_AT_ONCE, due.steps))[:, 0])
    return {"spikes": spikes}


def checkpoint_load(request: Request) -> Any:
    """Answer checkpoint.load."""
    return loaded(pair.load(Place.below(FOLDERS.root, request["base"], "/base")))


def checkpoint_save(request: Request) -> Any:
    """Answer checkpoint.save: what a load of the saved pair answers."""
    place = Place.below(FOLDERS.scratch, request["base"], "/base")
    place.parent()
    if "network" in request:
        with below("/network"):
            network = Network.from_document(request["network"])
        contents = pair.of_network(network)
    else:
        contents = pair.of_checkpoint(checkpoint_of(request))
    with pair.locked(place) as saving:  # what is loaded must be what was written, not what somebody writes next
        saving.run(contents, compress=request.get("compress", True))
        return loaded(pair.load(place))


def activation_qcfs(request: Request) -> Any:
    """Answer activation.qcfs."""
    from spikeparity.conversion.arithmetic import qcfs  # the kernels of a conversion are loaded with it

    return {"y": hex_floats(qcfs(request["x"], request["theta"], request["T"]))}


def convert_normalize(request: Request) -> Any:
    """Answer convert.normalize."""
    from spikeparity.conversion.arithmetic import normalize

    layers = normalize(request["layers"], request["scales"])
    return {"layers": [{key: hex_floats(array) for key, array in layer.items()} for layer in layers]}


def loaded(found: Pair) -> Any:
    """Return what is told of a pair."""
    members = [
        {"name": part.name, "shape": list(part.shape), "sha256": npy.digest(array)}
        for part, array in zip(found.members, found.arrays, strict=True)
    ]
    document = found.document
    return {
        "n_layers": len(document["layer_names"]),
        "total_params": document["total_params"],
        "layer_names": document["layer_names"],
        "frozen_layers": sorted(set(document.get("frozen_layers", ()))),
        "format_version": sidecar.version(document),
        "members": members,
    }


def described(checkpoint: SNNCheckpoint) -> Any:
    """Return what is told of a checkpoint."""
    return {
        "n_layers": checkpoint.n_layers,
        "total_params": checkpoint.total_params,
        "layer_names": checkpoint.layer_names,
        "frozen_layers": checkpoint.frozen_layers,
    }


def readout(result: Simulation) -> Any:
    """Return the readout: counts as integers, potentials in hex."""
    return result.readout.tolist() if result.readout.dtype == np.int64 else hex_floats(result.readout)


def counts(result: Simulation) -> Any:
    """Return `counts[layer][neuron]`."""
    return by_sample(result, [layer.tolist() for layer in result.counts])


def spikes(result: Simulation) -> Any:
    """Return `spikes[layer][step]`, the ascending indices of the neurons that fired."""
    return by_sample(result, [inputs.index_lists(layer) for layer in result.spikes or ()])


def potential(result: Simulation) -> Any:
    """Return `potential[layer][neuron]`."""
    return by_sample(result, [hex_floats(layer) for layer in result.potential])


def trace(result: Simulation) -> Any:
    """Return `trace[layer][step]`, the potentials before and after the reset."""
    return by_sample(result, [trace_of(layer) for layer in result.trace or ()])


def trace_of(layer: Trace) -> Any:
    """Return the trace of one layer; of a batch, one per sample."""
    if layer.before.ndim > 2:
        return [trace_of(Trace(*pair)) for pair in zip(layer.before, layer.after, strict=True)]
    pairs = zip(hex_floats(layer.before), hex_floats(layer.after), strict=True)
    return [{"before": before, "after": after} for before, after in pairs]


def by_sample(result: Simulation, layers: list[Any]) -> list[Any]:
    """Put the axis of samples, which each layer of a batch has, before that of layers."""
    return [list(sample) for sample in zip(*layers, strict=True)] if result.readout.ndim > 1 else layers


def hex_floats(array: RealArray) -> Any:
    """Return an array of float64 as nested lists of 16 hex digits, of float32 of 8."""
    digits = array.astype(array.dtype.newbyteorder(">")).tobytes().hex()
    width = 2 * array.itemsize
    words = np.array([digits[at : at + width] for at in range(0, len(digits), width)], dtype=object)
    return words.reshape(array.shape).tolist()


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
    "simulate": simulate_,
    "encode.poisson": encode_poisson,
    "checkpoint.load": checkpoint_load,
    "checkpoint.save": checkpoint_save,
    "activation.qcfs": activation_qcfs,
    "convert.normalize": convert_normalize,
}

RECORDS: dict[str, Callable[[Simulation], Any]] = {
    "counts": counts,
    "spikes": spikes,
    "potential": potential,
    "trace": trace,
}
