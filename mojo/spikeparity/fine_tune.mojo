"""Transfer learning on checkpoints: the transfer config, and freezing and unfreezing of layers."""

from .document import Document
from .rules import Rejection


struct TransferConfig(Movable):
    """What to freeze and how fast to train; the defaults are those of the contract."""

    var freeze_until: Int
    """The last layer to freeze by index; -1 adds nothing."""
    var freeze_until_name: Optional[String]
    """The last layer to freeze by name, in place of the index."""
    var lr_backbone: Float64
    """The learning rate of frozen layers."""
    var lr_head: Float64
    """The learning rate of all others."""

    def __init__(out self):
        """Starts with the defaults."""
        self.freeze_until = -1
        self.freeze_until_name = None
        self.lr_backbone = 0.0
        self.lr_head = 0.01


def read_config(
    document: Document, root: Int
) raises Rejection -> TransferConfig:
    """Validates a transfer config.

    Args:
        document: Holds the config.
        root: The config.

    Returns:
        The config with its defaults filled in.

    Raises:
        Rejection: The first broken rule of the stage `config`.
    """
    config_object(document, root)
    config_unknown_key(document, root)
    config_freeze_until_type(document, root)
    config_freeze_until_range(document, root)
    config_learning_rate_type(document, root)
    config_learning_rate_range(document, root)
    var config = TransferConfig()
    for key in document.keys(root):
        if document.is_text(key, "lr_backbone"):
            config.lr_backbone = document.number(key + 1).or_else(0)
        elif document.is_text(key, "lr_head"):
            config.lr_head = document.number(key + 1).or_else(0)
        elif document.is_string(key + 1):
            config.freeze_until_name = String(document.text(key + 1))
        else:
            config.freeze_until = document.integer(key + 1).or_else(-1)
    return config^


def config_object(document: Document, root: Int) raises Rejection:
    """Enforces the rule: the config is an object.

    Args:
        document: Holds the config.
        root: The config.

    Raises:
        Rejection: The rule is broken.
    """
    if not document.is_object(root):
        raise document.reject("config.object", root, "an object")


def config_unknown_key(document: Document, root: Int) raises Rejection:
    """Enforces the rule: every key is a known one.

    Args:
        document: Holds the config.
        root: The config, an object.

    Raises:
        Rejection: The rule is broken.
    """
    for key in document.keys(root):
        if not document.is_one_of(
            key, ["freeze_until", "lr_backbone", "lr_head"]
        ):
            raise document.reject_because(
                "config.unknown-key",
                key + 1,
                "unknown key, expected freeze_until, lr_backbone or lr_head",
            )


def config_freeze_until_type(document: Document, root: Int) raises Rejection:
    """Enforces the rule: freeze_until is a string or an Integer.

    Args:
        document: Holds the config.
        root: The config, an object.

    Raises:
        Rejection: The rule is broken.
    """
    var node = document.member(root, "freeze_until")
    if (
        node
        and not document.is_string(node.value())
        and not document.integer(node.value())
    ):
        raise document.reject(
            "config.freeze-until-type",
            node.value(),
            "a layer name or an Integer",
        )


def config_freeze_until_range(document: Document, root: Int) raises Rejection:
    """Enforces the rule: an index is at least -1.

    Args:
        document: Holds the config.
        root: The config, an object.

    Raises:
        Rejection: The rule is broken.
    """
    var node = document.member(root, "freeze_until")
    if node and document.integer(node.value()).or_else(-1) < -1:
        raise document.reject(
            "config.freeze-until-range", node.value(), "an index of at least -1"
        )


def config_learning_rate_type(document: Document, root: Int) raises Rejection:
    """Enforces the rule: learning rates are Numbers.

    Args:
        document: Holds the config.
        root: The config, an object.

    Raises:
        Rejection: The rule is broken.
    """
    for key in document.keys(root):
        if not document.is_text(key, "freeze_until") and not document.number(
            key + 1
        ):
            raise document.reject(
                "config.learning-rate-type", key + 1, "a Number"
            )


def config_learning_rate_range(document: Document, root: Int) raises Rejection:
    """Enforces the rule: learning rates are finite and not negative; -0.0 is not negative.

    Args:
        document: Holds the config.
        root: The config, its learning rates Numbers.

    Raises:
        Rejection: The rule is broken.
    """
    for key in document.keys(root):
        if document.is_text(key, "freeze_until"):
            continue
        var rate = document.number(key + 1).or_else(0)
        if not (rate >= 0 and rate - rate == 0):
            raise document.reject(
                "config.learning-rate-range",
                key + 1,
                "a finite learning rate of at least 0",
            )
