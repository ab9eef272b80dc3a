"""What is wrong with a person's own files, all of it told at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from rnn_core.errors import DataError

MOST_TOLD = 10
"""Faults of a kind that are told; of further ones, how many there are."""

SEVERAL = " faults\n  "
"""Stands in the text of an error that tells several faults, a line each."""


class Faults:
    """What was found to be wrong, by what helps against it."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, what: str, cure: str) -> None:
        """Note a fault.

        Args:
            what: What is wrong, and where: file, row, value, as the person wrote them.
            cure: What to do; faults with the same one are of a kind.
        """
        self.found.setdefault(cure, []).append(what)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the faults that what runs within it raises, and go on after it."""
        try:
            yield
        except FaultsError as error:
            for cure, faults in error.found.items():
                self.found.setdefault(cure, []).extend(faults)
        except DataError as error:
            self.add(str(error), "")

    def check(self) -> None:
        """Refuse the files if anything was noted.

        Raises:
            FaultsError: If it was.
        """
        if self.found:
            raise FaultsError(self.found)


class FaultsError(DataError):
    """Something in a person's own files is wrong.

    A single fault is told in a line; several are told in one line each, those of a kind
    together, with what to do below them.

    Args:
        found: Faults by what helps against them.
    """

    def __init__(self, found: dict[str, list[str]]) -> None:
        super().__init__(told(found))
        self.found = found

    def __reduce__(self) -> tuple[type["FaultsError"], tuple[dict[str, list[str]]]]:
        """A copy for another process, made of what this one was made of."""
        return type(self), (self.found,)


def told(found: dict[str, list[str]]) -> str:
    """Faults, for a person."""
    count = sum(map(len, found.values()))
    if count == 1:
        ((cure, (what,)),) = found.items()
        return f"{what}; {cure}" if cure else what
    lines = []
    for cure, faults in found.items():
        lines += [f"  {what}" for what in faults[:MOST_TOLD]]
        if len(faults) > MOST_TOLD:
            lines.append(f"  ... and {len(faults) - MOST_TOLD} more of this kind")
        if cure:
            lines.append(f"    what to do: {cure}")
    return f"{count}{SEVERAL}" + "\n".join(lines).removeprefix("  ")
