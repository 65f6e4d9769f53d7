"""The one exception of all rules, and the JSON Pointers that it carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


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


@contextmanager
def below(prefix: str) -> Iterator[None]:
    """Prefix the path of a rejection: what is checked inside is a part of something larger."""
    try:
        yield
    except RejectedError as error:
        raise RejectedError(error.code, prefix + error.path, error.message) from None
