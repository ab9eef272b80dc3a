"""The program `gatewise`: run the command line, or say what to install for it.

The library alone does not need the packages of the command line. So this file checks that they are
installed before it imports any.
"""

import sys
from importlib.util import find_spec

NEEDED = (
    "babel",
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
"""Modules of the packages that the extra `pipeline` installs."""


def main() -> None:
    """Run the command line; if packages are missing, say how to install them and exit with 2.

    Ctrl-C exits with 130, and in silence also while modules are imported, which may take seconds.
    A module in C may turn it into an error of its own, which is printed.
    """
    try:
        if lacking := [name for name in NEEDED if find_spec(name) is None]:
            needs = f"gatewise needs {', '.join(lacking)}"
            sys.stderr.write(f"{needs}; in a clone of Gatewise: pip install '.[pipeline]'\n")
            sys.exit(2)
        from flows.commands.main import main as run  # noqa: PLC0415 - may lack packages

        run()
    except KeyboardInterrupt:
        sys.exit(130)
