"""Faults in the user's files, all reported together."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rnn_core.errors import DataError

MOST_TOLD = 10
"""Faults of a kind that are kept and told; of further ones, how many there are."""

SEVERAL = " faults\n  "
"""Part of the text of an error with several faults, a line each."""


class Faults:
    """Faults that were found, grouped by their remedy.

    Args:
        lacking: Parameters of other tasks that advice must not name.

    Attributes:
        found: The first faults of each kind.
        more: How many further ones there are.
    """

    def __init__(self, *, lacking: Collection[str] = ()) -> None:
        self.lacking = lacking
        self.found: dict[str, list[str]] = {}
        self.more: Counter[str] = Counter()

    def add(self, what: str, cure: str, **settings: str) -> None:
        """Note a fault.

        Args:
            what: What is wrong, and where: file, row, value, as the person wrote them.
            cure: What to do; faults with the same one have one kind.
            **settings: What else helps, by the parameter that it sets.
        """
        possible = (how for parameter, how in settings.items() if parameter not in self.lacking)
        cure = ", or ".join((cure, *possible))
        kept = self.found.setdefault(cure, [])
        if len(kept) < MOST_TOLD:
            kept.append(what)
        else:
            self.more[cure] += 1

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the faults that what runs within it raises, and go on after it."""
        try:
            yield
        except FaultsError as error:
            for cure, faults in error.found.items():
                for what in faults:
                    self.add(what, cure)
            self.more.update(error.more)
        except DataError as error:
            self.add(str(error), "")

    def check(self) -> None:
        """Refuse the files if anything was noted.

        Raises:
            FaultsError: If it was.
        """
        if self.found:
            raise FaultsError(self.found, self.more)


class FaultsError(DataError):
    """Something in the user's own files is wrong.

    A single fault takes one line; several take one line each, those of a kind
    together, with what to do below them.

    Args:
        found: Faults by what helps against them.
        more: How many further ones of each kind there are.
    """

    def __init__(self, found: dict[str, list[str]], more: Mapping[str, int] | None = None) -> None:
        super().__init__(told(found, more or {}))
        self.found = found
        self.more = dict(more or {})

    @classmethod
    def one(cls, what: str, cure: str) -> "FaultsError":
        """The error for one fault; see `Faults.add`."""
        return cls({cure: [what]})

    def __reduce__(
        self,
    ) -> tuple[type["FaultsError"], tuple[dict[str, list[str]], dict[str, int]]]:
        """A copy for another process, made of what this one was made of."""
        return type(self), (self.found, self.more)


def told(found: Mapping[str, list[str]], more: Mapping[str, int]) -> str:
    """Describe faults in messages."""
    count = sum(map(len, found.values())) + sum(more.values())
    if count == 1:
        ((cure, (what,)),) = found.items()
        return f"{what}; {cure}" if cure else what
    lines = []
    for cure, faults in found.items():
        lines += [f"  {what}" for what in faults]
        if cure in more:
            lines.append(f"  ... and {more[cure]} more of this kind")
        if cure:
            lines.append(f"    what to do: {cure}")
    return f"{count}{SEVERAL}" + "\n".join(lines).removeprefix("  ")


def then(notes: Iterable[str]) -> str:
    """Notes on what was read, as they follow in a message."""
    return "".join(f"; {note}" for note in notes)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
