"""python -m flows.recording.template FOLDER MODULE ...: runs DVC in copies of itself.

DVC takes half a second to import, and PyTorch with the code of a stage three, which every stage
would wait for. This process imports all that once. For each command that it is sent it forks: one
copy of it is DVC, and a copy of that one, made before DVC has done anything, waits to be the
stage. DVC runs by its shell, as in `dvc repro`, what is no stage of ours, and every stage once
the code has been edited.

A command is a line of JSON on standard input, `{"number": 1, "log": "/a/file", "arguments":
["status"]}`; its end is one on standard output, `{"number": 1, "code": 0}`. Each process ends
with its parent.
"""

import gc
import json
import os
import selectors
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TextIO

from dvc.cli import main as dvc
from dvc.stage import run
from dvc.stage.exceptions import StageCmdFailedError

from flows.recording.quick_lock import use_quick_locks
from flows.system.bound import die_with_parent, name_process
from flows.trainings.processes import CALLED, now, use_one_thread

OF_DVC = (
    *(f"dvc.{name}" for name in ("analytics", "cachemgr", "cli.parser", "data_cloud", "dirs")),
    *(f"dvc.{name}" for name in ("lock", "rwlock", "scm", "stage.cache", "utils.strictyaml")),
    *(f"dvc.repo.{name}" for name in ("artifacts", "datasets", "metrics", "open_repo", "params")),
    *(f"dvc.repo.{name}" for name in ("plots", "reproduce", "stage")),
    "dvc_data.hashfile.db.local",
    "dvc_data.hashfile.status",
    "flufl.lock",
    "ruamel.yaml",
    "scmrepo.git",
    "zc.lockfile",
)
"""What DVC imports to run a stage, most of it when it needs it."""

LATER = {
    "flows.stages.prepare": ("pandas", "pandera.pandas"),
    "flows.stages.evaluate": ("torch.fx.experimental.symbolic_shapes",),
}
"""What stages import when they need it, and then wait a second for."""

STAGE = "exec gatewise "
"""How the command of a stage of ours begins in dvc.yaml."""


class Code:
    """Our code as it was imported, for as long as nobody edits it.

    Args:
        modules: What is imported, with all that it imports.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        self.imported_at = time.time_ns()
        for name in ("flows.commands.main", *modules):
            import_module(name)
            import_if_there(*LATER.get(name, ()))
        ours = [m for n, m in sys.modules.items() if n.partition(".")[0] in {"flows", "rnn_core"}]
        self.files = [Path(module.__file__) for module in ours if module.__file__]

    def is_current(self) -> bool:
        """Whether the files are still those that were imported.

        It goes by the time of their last change of any kind, which no program sets back.
        """
        try:
            return all(file.stat().st_ctime_ns < self.imported_at for file in self.files)
        except FileNotFoundError:
            return False


def import_if_there(*modules: str) -> None:
    """Import what saves time later; another version of a library may have it elsewhere."""
    for name in modules:
        with suppress(ModuleNotFoundError):
            import_module(name)


class StandIn:
    """A copy of this process that waits to be a stage."""

    def __init__(self) -> None:
        reader, writer = os.pipe()

        def wait() -> int:
            os.close(writer)
            with os.fdopen(reader, "rb") as call:
                line = call.read()
            return be_stage(**json.loads(line)) if line else 0

        self.process = fork(wait)
        os.close(reader)
        self.writer = writer

    def run(self, command: str, *, cwd: str, env: dict[str, str]) -> int:
        """Let it be the stage that a command names; returns the code that it ends with."""
        call = {"command": command, "folder": cwd, "environment": {**env, CALLED: str(now())}}
        with os.fdopen(self.writer, "wb") as writer:
            writer.write(json.dumps(call).encode())
        _, status = os.waitpid(self.process, 0)
        return os.waitstatus_to_exitcode(status)


def fork(be: Callable[[], int]) -> int:
    """Copy this process into one that does one thing and ends with the code that it returns.

    Returns:
        The id of the copy, which ends with this process.
    """
    return os.fork() or end_with(be)


def end_with(be: Callable[[], int]) -> NoReturn:
    """Do one thing and end, without the tidying up that is for the process copied from."""
    die_with_parent()
    code = 1
    try:
        code = be()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - a copy never goes on as what it was copied from
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def be_stage(command: str, folder: str, environment: dict[str, str]) -> int:
    """Be the program `gatewise`, as the shell would start it."""
    from flows.commands.main import main  # noqa: PLC0415 - imported by `Code`

    _, *sys.argv = shlex.split(command)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    name_process(" ".join(sys.argv[1:]))
    main()
    return 0


def be_dvc(log: str, arguments: list[str], code: Code) -> int:
    """Be DVC's command line, with another copy at hand to be the stage."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    name_process("dvc")
    nothing, file = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND)
    for source, target in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(source, target)
    run_stages_by(StandIn(), code)
    return int(dvc(arguments))


def run_stages_by(stand_in: StandIn, code: Code) -> None:
    """Let DVC give a stage of ours to the copy that waits for it, as long as its code is current.

    By then DVC has hashed the code: what it writes into dvc.lock is what ran.
    """
    by_shell = run._run

    def run_command(executable: str | None, command: str, **options: Any) -> None:
        if not (command.startswith(STAGE) and code.is_current()):
            by_shell(executable, command, **options)
            return
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the stage, whose end is awaited
        status = stand_in.run(command, cwd=options["cwd"], env=options["env"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if status:
            raise StageCmdFailedError(command, status)

    run._run = run_command


def serve(code: Code, ends: TextIO) -> None:
    """Start each command that is sent, and tell of each that ends, until the input does."""
    with selectors.DefaultSelector() as ready, open(0, "rb", buffering=0) as commands:
        ready.register(commands, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is not commands:
                    ready.unregister(key.fileobj)
                    ends.write(end_of(*key.data))
                    os.close(key.fd)
                elif line := commands.readline():
                    number, process = start(json.loads(line), code)
                    ended = os.pidfd_open(process)
                    ready.register(ended, selectors.EVENT_READ, (number, process))
                else:
                    return


def start(command: dict[str, Any], code: Code) -> tuple[int, int]:
    """Start a command; returns its number and its process."""
    process = fork(lambda: be_dvc(command["log"], command["arguments"], code))
    return command["number"], process


def end_of(number: int, process: int) -> str:
    """The line that tells of the end of a command."""
    _, status = os.waitpid(process, 0)
    return json.dumps({"number": number, "code": os.waitstatus_to_exitcode(status)}) + "\n"


def main() -> None:
    """Import everything and wait for commands."""
    folder, *modules = sys.argv[1:]
    ends = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what modules may print when they are imported is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for DVC and the stages
    use_one_thread()
    code = Code(modules)
    import_if_there(*OF_DVC)
    use_quick_locks()
    os.chdir(folder)
    gc.freeze()  # what is never looked at by the collector stays shared
    serve(code, ends)


if __name__ == "__main__":
    main()
