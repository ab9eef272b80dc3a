"""Patterns for `regex` of words and characters in the scripts of the world.

They need its version 1, `(?V1)`, for differences of sets.
"""

KATAKANA = r"\p{Word_Break=Katakana}\uff9e\uff9f"
UNSPACED = rf"\p{{Han}}\p{{Hiragana}}\p{{Line_Break=SA}}{KATAKANA}"
"""Letters that are written without spaces between words: Chinese and Japanese, and those that
Unicode Standard Annex 14 calls SA: Thai, Lao, Khmer, Burmese and the like."""

SPACED = rf"[[\p{{L}}\p{{N}}_]--[{UNSPACED}]]"
GOES_ON = rf"[[\p{{L}}\p{{N}}_\p{{M}}\u200c\u200d]--[{UNSPACED}]]"
"""Characters that continue a word: combining marks stay with what they follow, and joiners join."""

WORD_OR_MARK = (
    rf"{SPACED}{GOES_ON}*|[{KATAKANA}][{KATAKANA}\p{{M}}]*|(?=[{UNSPACED}])\X\p{{M}}*"
    r"|(?=[^\p{L}\p{N}_\s])\X\p{M}*"
)
"""A word, a run of katakana, a character of another script without spaces, or a mark. A character
is what a reader takes for one: with its combining marks (Unicode Standard Annex 29)."""
