"""Command lines for users, which they can copy into a shell."""

import shlex
from pathlib import Path


def command_line(*words: str | Path) -> str:
    """A command of Gatewise.

    Args:
        words: Its words. Paths are folders of studies or files; the current folder is left out,
            as it is the default.
    """
    return shlex.join(["gatewise", *(written(word) for word in words if word != Path())])


def study_command(folder: Path, *words: str) -> str:
    """A command for a study, right wherever the user stands.

    Use it where the folder is no longer as the user typed it.

    Args:
        folder: The study's folder.
        words: The words before it.
    """
    return command_line(*words, folder.resolve())


def written(word: str | Path) -> str:
    """A word as a program reads it: a path must not look like an option."""
    return f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
