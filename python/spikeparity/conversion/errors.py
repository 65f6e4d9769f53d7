"""The exception of what cannot be converted."""

from __future__ import annotations


class ConversionError(ValueError):
    """A model, or what it is to be converted with, cannot be converted.

    Attributes:
        module: path of the module at fault, as `named_modules` has it (`features.0`); empty for the model itself, or
            where no module is at fault.

    """

    def __init__(self, message: str, module: str = "") -> None:
        """Hold the message, which says what to do, and the path of the module."""
        super().__init__(message)
        self.module = module
