"""The one exception of all rules, and the JSON Pointers that it carries."""

from __future__ import annotations

from types import TracebackType


class RejectedError(ValueError):
    """A datum breaks a rule.

    Attributes:
        code: the rule, as in rules.toml, for example `checkpoint.names-unique`; permanent.
        path: JSON Pointer (RFC 6901) to the smallest datum at fault; empty for the whole document.
        message: what was expected and what was found, for people; may change.

    """

    def __init__(self, code: str, path: str, message: str) -> None:
        """Hold the rule's code, the path and the message."""
        super().__init__(code, path, message)
        self.code = code
        self.path = path
        self.message = message

    def __str__(self) -> str:
        """One line with all three."""
        return f"{self.message} [{self.code} at {self.path or 'the root'}]"


def member(path: str, key: object) -> str:
    """Return the path of a member, with the key escaped (RFC 6901, section 3)."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


class below:
    """A context that prefixes the path of a rejection: what is checked inside is a part of something larger."""

    __slots__ = ("prefix",)

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Raise the rejection with the longer path."""
        if isinstance(error, RejectedError):
            raise RejectedError(error.code, self.prefix + error.path, error.message) from None
