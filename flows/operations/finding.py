"""A problem of a study that an examination finds."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A problem of a study, or a possible one.

    Attributes:
        what: Description of the problem.
        where: A file, a package, a port or a run.
        cure: The step that `--fix` takes, or that the user must take if there is no `fix`.
        fix: Takes that step; None if only the user can.
    """

    what: str
    where: str
    cure: str
    fix: Callable[[], None] | None = None
