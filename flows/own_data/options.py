"""Parameters of data in messages, written as the options of `gatewise new`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from rnn_core.errors import DataError, ParameterError
from rnn_core.readers.faults import FaultsError
from rnn_core.tasks.base.task import Task

SET = re.compile(r"\bset data\.(\w+) to ('[^']*'|\"[^\"]*\"|[\w.-]*\w)")
"""Advice to set a parameter, as in params.yaml."""

NAMED = re.compile(r"\bdata\.(\w+)\b(?!/|\.\w)")
"""A parameter, as in params.yaml."""


@contextmanager
def in_options(kind: type[Task]) -> Iterator[None]:
    """Write the parameters in errors as options: there is no params.yaml yet to set them in."""
    try:
        yield
    except FaultsError as error:
        found = {
            as_options(cure, kind): [as_options(what, kind) for what in faults]
            for cure, faults in error.found.items()
        }
        more = {as_options(cure, kind): number for cure, number in error.more.items()}
        raise FaultsError(found, more) from error
    except (DataError, ParameterError) as error:
        error.args = tuple(as_options(str(part), kind) for part in error.args)
        raise


def as_options(text: str, kind: type[Task]) -> str:
    """A message with `--set` in place of the parameters of a task's data."""

    def written(match: re.Match[str], form: str) -> str:
        is_known = match[1] in kind.DataParameters.__dataclass_fields__
        return match.expand(form) if is_known else match[0]

    text = SET.sub(lambda match: written(match, r"use --set \1=\2"), text)
    return NAMED.sub(lambda match: written(match, r"--set \1"), text)
