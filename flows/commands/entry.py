"""The program `gatewise`: the command line, or what to install for it.

The library by itself has no need of what the command line is made of, so that this file imports
nothing of it before it has looked whether all is there.
"""

import sys
from importlib.util import find_spec

NEEDED = (
    "distributed",
    "dvc",
    "fastapi",
    "filelock",
    "fsspec",
    "httptools",
    "httpx",
    "jinja2",
    "markupsafe",
    "matplotlib",
    "mlflow",
    "num2words",
    "openpyxl",
    "packaging",
    "pandas",
    "pandera",
    "paramiko",
    "prefect",
    "prefect_dask",
    "prometheus_client",
    "psutil",
    "pyarrow",
    "pydantic",
    "rapidfuzz",
    "regex",
    "rich",
    "sacrebleu",
    "scipy",
    "sentencepiece",
    "sklearn",
    "soundfile",
    "soxr",
    "sqlalchemy",
    "starlette",
    "statsmodels",
    "typer",
    "uvicorn",
    "yaml",
)
"""What `gatewise[pipeline]` installs, by the names of its modules."""


def main() -> None:
    """Run the command line; without what it needs, say how to install that and exit with 2."""
    if lacking := [name for name in NEEDED if find_spec(name) is None]:
        sys.stderr.write(f"gatewise needs {', '.join(lacking)}: pip install 'gatewise[pipeline]'\n")
        sys.exit(2)
    from flows.commands.main import main as run  # noqa: PLC0415 - it may not be possible

    run()
