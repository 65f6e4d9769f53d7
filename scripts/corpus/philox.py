"""Philox4x32-10 (Salmon et al. 2011), so that a table can choose rates at the very edge of a random word."""

from __future__ import annotations

MASK = 0xFFFFFFFF


def words(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the four output words of a block."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (product1 >> 32) ^ c1 ^ k0, product1 & MASK, (product0 >> 32) ^ c3 ^ k1, product0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def word(seed: int, sample: int, step: int, index: int) -> int:
    """Return the word that decides whether input `index` fires at `step` (semantics.md, section 8)."""
    return words((step, index // 4, sample & MASK, sample >> 32), (seed & MASK, seed >> 32))[index % 4]


def silent(value: int) -> float:
    """The highest rate at which a word `value` does not fire yet: exact, as a word has 32 bits."""
    return value / 2**32


def firing(value: int) -> float:
    """The lowest multiple of 2^-32 at which a word `value` fires."""
    return (value + 1) / 2**32
