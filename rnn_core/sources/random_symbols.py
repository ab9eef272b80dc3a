"""Lines of random symbols, to be remembered."""

import random
from pathlib import Path

from rnn_core.files import write_text
from rnn_core.sources.base import Source

ALPHABET = "abcdefgh"


class RandomSymbols(Source):
    """`symbols.txt`: lines of symbols that are drawn alike and apart; no line comes twice.

    Symbols of a line are independent, so a model that forgets them can only
    guess.
    """

    def __init__(self, num_lines: int, length: int, seed: int) -> None:
        self.num_lines = num_lines
        self.length = length
        self.seed = seed

    def fetch(self, folder: Path) -> None:
        assert self.num_lines <= len(ALPHABET) ** self.length, "there are fewer different lines"
        draw = random.Random(self.seed)
        lines: dict[str, None] = {}
        while len(lines) < self.num_lines:
            lines["".join(draw.choices(ALPHABET, k=self.length))] = None
        write_text(folder / "symbols.txt", "".join(f"{line}\n" for line in lines))


SOURCE = RandomSymbols(num_lines=6000, length=5, seed=2026)
