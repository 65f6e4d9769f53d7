"""What is said of operators that cannot be converted: why, and what to do instead."""

from __future__ import annotations

import re

NOT_YET = (
    "cannot be converted yet, because network documents have only dense layers: "
    "convert a model of Linear layers without branches"
)

ADVICE = (
    (
        r"max_?pool",
        "cannot be converted: spikes come one after the other, and a maximum over rates is none over spikes; "
        "use average pooling and train again",
    ),
    (r"conv|avg_?pool|batch_?norm[23]d|^i?add_?$|^__i?add__$", NOT_YET),
    (r"^(distributed)?dataparallel$", "only wraps a model: convert its .module"),
    (r"(?-i:^linear$)", "is called with parameters of its own: use an nn.Linear module"),
    (r"soft_?max", "need not be converted: leave it off, the largest logit is the largest probability"),
    (
        r"sigmoid|tanh|gelu|silu|elu|relu|mish|swish|softplus|hardtanh|clamp",
        "is no activation that firing rates can follow: use ReLU (or QCFSActivation) and train again",
    ),
    (
        r"batch_?norm|layer_?norm|group_?norm|instance_?norm|rms_?norm",
        "cannot be converted: only an nn.BatchNorm1d module can be folded into a Linear",
    ),
    (r"dropout", "cannot be converted: use nn.Dropout, which does nothing in eval mode"),
)

OTHERWISE = (
    "cannot be converted: what can are Linear, ReLU, QCFSActivation, BatchNorm1d, Flatten, Dropout and Identity; "
    "replace it and train again"
)


def advice(name: str) -> str:
    """Return what is said of an operator, by the name of its module, function or method."""
    return next((text for pattern, text in ADVICE if re.search(pattern, name, re.IGNORECASE)), OTHERWISE)
