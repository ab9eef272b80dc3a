"""The user's description of the names of recordings."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

FIELD = re.compile(r"\{(word|speaker|take|_)\}")

HOW = "say how names are read, such as `--set names='{word}_{speaker}_{take}'`"


@dataclass(frozen=True, kw_only=True)
class NameParameters:
    """Meaning of the names of recordings.

    Attributes:
        names: The form of the names without their ends, such as `{speaker}/{word}_{take}`;
            `{_}` is anything, and a field takes as much as it can, the first the most. Empty:
            it is found out from all names together.
    """

    names: str = ""

    def check_names(self) -> None:
        """Refuse a form that tells no word.

        Raises:
            ValueError: If it is one.
        """
        fields = FIELD.findall(self.names)
        if self.names and "word" not in fields:
            raise ValueError(f"names {self.names!r} has no {{word}}; {HOW}")
        if len({f for f in fields if f != "_"}) < sum(f != "_" for f in fields):
            raise ValueError(f"names {self.names!r} has a field twice; {HOW}")
        if set("{}") & set(FIELD.sub("", self.names)):
            raise ValueError(f"names {self.names!r} has a field that is not known; {HOW}")


def read_name(name: PurePosixPath, form: str) -> dict[str, str] | None:
    """The fields of the name of a recording, without its end; None if it has another form.

    Folders above those that the form has are not looked at.
    """
    expression = ""
    for index, part in enumerate(FIELD.split(form)):
        if index % 2 == 0:
            expression += re.escape(part)
        elif part == "_":
            expression += "[^/]*"
        else:
            expression += rf"(?P<{part}>\d+)" if part == "take" else rf"(?P<{part}>[^/]+)"
    levels = form.count("/") + 1
    match = re.fullmatch(expression, "/".join(name.parts[-levels:]))
    return match.groupdict() if match else None
