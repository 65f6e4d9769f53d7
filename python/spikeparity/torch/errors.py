"""The exception of modules that a network document cannot say."""

from __future__ import annotations


class ModuleError(ValueError):
    """A module, or a part of it, is not what a network document or a checkpoint can say.

    Attributes:
        module: path of the part at fault, as `named_modules` has it (`features.0`); empty for the module itself, or
            where no part is at fault.

    """

    def __init__(self, message: str, module: str = "") -> None:
        """Hold the message, which says what to do, and the path of the part."""
        super().__init__(message)
        self.module = module
