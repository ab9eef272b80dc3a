"""The text that `gatewise` prints without a command: the three things to use it for."""

from rnn_core.tasks import REGISTRY as TASKS

WELCOME = """\
Gatewise trains recurrent cells on your sequence data, says which one to use,
and gives you the model.

  1. Bring your data       gatewise new FOLDER --task TASK --data FILE
  2. Find the cell         gatewise run [FOLDER]
     See it again          gatewise status [FOLDER]
  3. Use the model         gatewise predict STUDY.DATASET FILE
     Serve it over HTTP    gatewise serve

TASK is {tasks}.

Help: gatewise --help, or gatewise COMMAND --help.
Completion with TAB: gatewise --install-completion.
"""


def welcome() -> str:
    """The text, with the names of all tasks."""
    *most, last = TASKS
    return WELCOME.format(tasks=wrapped([*most, f"or {last}"]))


def wrapped(names: list[str]) -> str:
    """Names with commas between them, on lines of at most 80 characters."""
    lines = ["TASK is "]
    for name in names:
        word = name if name is names[-1] else f"{name}, "
        if len(lines[-1] + word) > 80:
            lines.append(" " * len("TASK is "))
        lines[-1] += word
    return "\n".join(line.rstrip() for line in lines).removeprefix("TASK is ")
