"""python -m flows.quick_dvc ARGUMENT ...: DVC's command line, quicker with dvc.lock.

DVC changes dvc.lock by way of a parser that keeps comments and is ten times as slow as the one
it reads with: two seconds for each stage of the sample study. dvc.lock has no comments, and
read the quick way it is written back the same to the byte, as a test sees.
"""

import sys
from pathlib import Path
from typing import Any


def read_locks_quickly() -> None:
    """Let DVC read the dvc.lock that it is about to change as it reads any other."""
    from dvc.utils.serialize import _yaml  # noqa: PLC0415 - with DVC, in its process alone

    keep_comments = _yaml.parse_yaml_for_update

    def parse(text: str, path: str) -> Any:
        is_lock = Path(path).name == "dvc.lock"
        return _yaml.parse_yaml(text, path) if is_lock else keep_comments(text, path)

    _yaml.parse_yaml_for_update = parse


if __name__ == "__main__":
    from dvc.cli import main

    read_locks_quickly()
    sys.exit(main(sys.argv[1:]))
