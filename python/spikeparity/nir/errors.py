"""The exception of what NIR cannot carry, and the key under which what it cannot is recorded."""

from __future__ import annotations

# In the metadata of a graph: JSON text of what NIR itself has no place for.
KEY = "spikeparity"

# What a network does that NIR does not say, or says otherwise.
SEMANTICS = {
    "order": "v = v + I, or v = (decay * v) + I; spike; reset; then the next layer, within the step",
    "comparison": "v >= threshold",
}


class NIRError(ValueError):
    """A network, or a graph, that cannot be carried over; the message names the layer or node and says what to do."""
