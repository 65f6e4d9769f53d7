"""What is said of operators that cannot be converted: why, and what to do instead."""

from __future__ import annotations

import re

ADVICE = (
    (
        r"max_?pool",
        "cannot be converted: spikes come one after the other, and a maximum over rates is none over spikes; "
        "use average pooling and train again",
    ),
    (r"avg_?pool", "cannot be converted: only AvgPool2d and AdaptiveAvgPool2d(1) can, of (channels, height, width)"),
    (r"conv", "cannot be converted: only an nn.Conv2d module can; a Conv1d is one of height 1"),
    (r"^mean$", "cannot be converted: use nn.AdaptiveAvgPool2d(1), and nn.Flatten behind it"),
    (r"^(cat|concat|concatenate|stack)$", "cannot be converted: only additions join what has parted"),
    (r"^i?sub_?$|^i?mul_?$|(true)?div(ide)?_?$", "cannot be converted: of arithmetic only x + y of two layers can"),
    (r"^(distributed)?dataparallel$", "only wraps a model: convert its .module"),
    (r"(?-i:^linear$)", "is called with parameters of its own: use an nn.Linear module"),
    (r"soft_?max", "need not be converted: leave it off, the largest logit is the largest probability"),
    (
        r"sigmoid|tanh|gelu|silu|elu|relu|mish|swish|softplus|hardtanh|clamp",
        "is no activation that firing rates can follow: use ReLU (or QCFSActivation) and train again",
    ),
    (
        r"batch_?norm|layer_?norm|group_?norm|instance_?norm|rms_?norm",
        "cannot be converted: only BatchNorm1d and BatchNorm2d modules can be folded into a Linear or Conv2d",
    ),
    (r"dropout", "cannot be converted: use nn.Dropout, which does nothing in eval mode"),
)

OTHERWISE = (
    "cannot be converted: what can are Linear, Conv2d, ReLU, QCFSActivation, BatchNorm1d and 2d, AvgPool2d, additions, "
    "Flatten, Dropout and Identity; "
    "replace it and train again"
)


def advice(name: str) -> str:
    """Return what is said of an operator, by the name of its module, function or method."""
    return next((text for pattern, text in ADVICE if re.search(pattern, name, re.IGNORECASE)), OTHERWISE)
