"""QCFS, the quantization-clip-floor-shift activation (conversion.md, section 2)."""

import math

from conformance.oracle.hexfloat import to_hex
from conformance.oracle.stimulus import STEPS
from conformance.oracle.values import Rejected, Value, array, check, integer, number, real

Arguments = dict[str, Value]


def qcfs(arguments: Arguments) -> dict[str, object]:
    """Answer `activation.qcfs`."""
    check((("qcfs.input", input_fault), ("qcfs.theta", theta_fault), ("qcfs.steps", steps_fault)), arguments)
    steps = integer(arguments["T"])
    assert steps is not None
    results = [activation(number(x), number(arguments["theta"]), float(steps)) for x in array(arguments["x"])]
    for i, y in enumerate(results):
        if not math.isfinite(y):
            raise Rejected("qcfs.non-finite", f"/x/{i}")
    return {"y": [to_hex(y) for y in results]}


def activation(x: float, theta: float, steps: float) -> float:
    """Return the activation of one number."""
    scaled = x * steps
    quotient = scaled / theta
    shifted = quotient + 0.5
    if shifted < 1.0:
        level = 0.0
    elif shifted >= steps:
        level = steps
    else:
        level = float(math.floor(shifted))
    height = level * theta
    return height / steps


def input_fault(arguments: Arguments) -> str | None:
    """qcfs.input."""
    entries = arguments["x"]
    if not isinstance(entries, list):
        return "/x"
    for i, entry in enumerate(entries):
        x = real(entry)
        if x is None or not math.isfinite(x):
            return f"/x/{i}"
    return None


def theta_fault(arguments: Arguments) -> str | None:
    """qcfs.theta."""
    theta = real(arguments["theta"])
    return None if theta is not None and math.isfinite(theta) and theta > 0.0 else "/theta"


def steps_fault(arguments: Arguments) -> str | None:
    """qcfs.steps."""
    steps = integer(arguments["T"])
    return None if steps is not None and 1 <= steps <= STEPS else "/T"
