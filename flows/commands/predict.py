"""`gatewise predict`, `generate` and `backtest`: use a registered model from a terminal."""

import math
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from flows.own_data.settings import read_settings
from flows.system.command_line import command_line
from flows.system.environment import use_defaults
from rnn_core.errors import DataError, GatewiseError, ParameterError, StudyError
from rnn_core.files import write_text
from rnn_core.parameters import parse
from rnn_core.readers.faults import Faults
from rnn_core.tasks.base.serves import row_names

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from flows.tracking.alias import Asked
    from rnn_core.tasks.base.task import Task

MOST_ROWS = 40
"""Most rows of errors that are shown; --output writes all of them to a file."""

STDIN = "-"
"""The argument that means standard input instead of a file."""


class Served(NamedTuple):
    """A registered model and its task, without MLflow's wrapper."""

    task: "Task"
    model: "nn.Module"


def predict(
    model: str,
    given: Path,
    settings: Sequence[str],
    output: Path | None,
    horizon: int | None = None,
) -> None:
    """Answer a file or folder of raw input, into a CSV file or onto the terminal.

    Args:
        model: Name of a registered model.
        given: The file or folder.
        settings: Options of the answer, as `name=value`.
        output: The CSV file; None: the terminal.
        horizon: Rows to forecast; None: as many as the model was trained for.

    Raises:
        ParameterError: If the model or an option does not exist.
        DataError: If the input cannot be used.
    """
    served = load(model)
    wanted = read_settings(settings) | horizon_setting(served.task, horizon)
    parameters = parse(served.task.AnswerParameters, wanted, "", "--set")
    with input_file(given) as path, faults_of(given):
        table = served.task.read_input(path)
        answer, faults = answer_each(served, table, parameters)
    if output is not None:
        write_text(output, answer.to_csv(index=False))
        sys.stdout.write(f"{len(answer)} rows are in {output}\n")
    else:
        sys.stdout.write(shown(answer))
        sys.stdout.flush()
    faults.check()


def horizon_setting(task: "Task", horizon: int | None) -> dict[str, int]:
    """The option of an answer that --horizon sets.

    Raises:
        ParameterError: If the task does not forecast.
    """
    if horizon is None:
        return {}
    if "horizon" not in {field.name for field in fields(task.AnswerParameters)}:
        raise ParameterError("--horizon is an option of forecasting models; leave it out here")
    return {"horizon": horizon}


def backtest(
    model: str, given: Path, start: str | None, stride: int, horizon: int, output: Path | None
) -> None:
    """Compare a registered model's forecasts from past points of a table with what followed.

    Args:
        model: Name of a registered model.
        given: The table.
        start: See `rnn_core.tasks.forecasting.ahead.backtest.Origins`.
        stride: See there.
        horizon: See there.
        output: CSV file for all forecasts.

    Raises:
        ParameterError: If the model does not forecast.
        DataError: If the table cannot be used.
    """
    from rnn_core.tasks.forecasting.ahead.backtest import (  # noqa: PLC0415 - as above
        Origins,
        errors_by,
    )
    from rnn_core.tasks.forecasting.ahead.backtest import backtest as tried  # noqa: PLC0415
    from rnn_core.tasks.forecasting.task import Forecasting  # noqa: PLC0415 - takes long

    served = load(model)
    if not isinstance(served.task, Forecasting):
        raise ParameterError(f"{model} does not forecast; backtest takes forecasting models")
    with input_file(given) as path, faults_of(given):
        table = served.task.read_input(path)
    asked = Origins(start=start, stride=stride, horizon=horizon)
    forecasts, left_out, seen = tried(served.task, served.model, table, asked)
    for what in ("origin", "step"):
        errors = errors_in_words(errors_by(forecasts, what), what)
        sys.stdout.write(f"mean absolute error by {what}\n{errors}\n\n")
    if left_out:
        count = len(left_out)
        sys.stdout.write(f"{count} origins could not be forecast; the first: {left_out[0]}\n")
    if seen:
        sys.stdout.write(
            f"note: {seen} origins are followed by rows that the model was trained on or chosen "
            "by; their errors are lower than those to expect\n"
        )
    if output is not None:
        write_text(output, forecasts.to_csv(index=False))
        sys.stdout.write(f"{len(forecasts)} forecasts are in {output}\n")


def errors_in_words(errors: "pd.DataFrame", what: str) -> str:
    """Errors of each target for a terminal: the last rows, and the mean of all rows."""
    lines = []
    for target, own in errors.groupby("target", sort=False):
        rows = own.droplevel("target")
        rows.loc["mean"] = rows.mean()
        text = rows.tail(MOST_ROWS).rename_axis(what).reset_index().astype({what: str})
        text[what] = text[what].str.removesuffix(" 00:00:00")
        lines += [f"{target}:", text.to_string(index=False, float_format="{:.4g}".format)]
        if len(rows) > MOST_ROWS:
            lines.append(f"({len(rows) - MOST_ROWS} rows before these are not shown)")
    return "\n".join(lines)


def answer_each(
    served: Served, table: "pd.DataFrame", parameters: Any
) -> tuple["pd.DataFrame", Faults]:
    """Answer the rows that can be answered, or the series where rows belong together.

    Returns:
        The answer, with the other rows empty or without the other series, and the faults of these.

    Raises:
        DataError: If nothing can be answered; names all faults.
    """
    if not served.task.rows_stand_alone:
        return served.task.answer_some(served.model, table, parameters)
    faults = Faults()
    try:
        return served.task.answer(served.model, table, parameters), faults
    except DataError:
        if len(table) < 2:
            raise
        import pandas as pd  # noqa: PLC0415 - takes long

        named = table.set_axis(pd.Index(row_names(table), name="row"))
        answer = partial(served.task.answer, served.model, parameters=parameters)
        parts = list(answer_halves(answer, named, range(len(named)), faults))
        if not parts:
            if len({what for alike in faults.found.values() for what in alike}) > 1:
                faults.check()
            raise
    answered = pd.concat(parts).reindex(range(len(table)))
    given = [column for column in answered.columns if column in table.columns]
    answered[given] = table[given].to_numpy()
    return answered, faults


def answer_halves(
    answer: Callable[["pd.DataFrame"], "pd.DataFrame"],
    table: "pd.DataFrame",
    rows: range,
    faults: Faults,
) -> Iterator["pd.DataFrame"]:
    """Answer rows that cannot be answered together, as far as possible.

    The rows are halved, and so is each half that cannot be answered. So each wrong row among many
    is found with a few answers.

    Args:
        answer: Answers a table.
        table: Raw input.
        rows: Two or more rows of it, by position.
        faults: Collects the faults of rows without an answer.
    """
    middle = len(rows) // 2
    for part in (rows[:middle], rows[middle:]):
        try:
            yield answer(table.iloc[part.start : part.stop]).set_axis(part)
        except DataError:
            if len(part) > 1:
                yield from answer_halves(answer, table, part, faults)
            else:
                with faults.noted():
                    raise


def generate(model: str, prompt: str, settings: Sequence[str]) -> None:
    """Continue a prompt, and print each piece as soon as it is produced.

    Raises:
        ParameterError: If the model does not exist, or does not write text.
        DataError: If the model cannot read the prompt; then nothing is printed.
    """
    served = load(model)
    task: Any = served.task
    if not hasattr(task, "stream"):
        raise ParameterError(
            f"{model} does not write text; use: {command_line('predict', model, 'FILE')}"
        )
    parameters = parse(task.AnswerParameters, read_settings(settings), "", "--set")
    pieces = task.stream(served.model, prompt, parameters)
    for piece in chain([prompt + next(pieces, "")], pieces):  # the first reads the prompt
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")


def load(model: str) -> Served:
    """Load `study.dataset`, `study.dataset@3`, or any address that MLflow knows.

    Raises:
        ParameterError: If there is no such model.
        StudyError: If its files are missing or changed, or MLflow does not answer.
    """
    use_defaults()
    # It takes seconds, and reads settings made above.
    from flows.tracking.refusals import FAILURES, refusal_of, short_cause  # noqa: PLC0415

    try:
        return load_address(model)
    except FAILURES as error:
        raise StudyError(f"{model} cannot be loaded: {refusal_of(error)}") from None
    except GatewiseError:
        raise
    except Exception as error:  # of the library that reads from such an address, such as botocore
        raise StudyError(f"{model} cannot be loaded: {short_cause(error)}") from error


def load_address(model: str) -> Served:
    """Load a model from its address in MLflow.

    Args:
        model: Its name or address, as the user typed it.

    Raises:
        ParameterError: If there is no such model.
        StudyError: If its files, or packages that it needs, are missing.
    """
    from mlflow import MlflowClient  # noqa: PLC0415 - as in `load`
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - as above

    from flows.tracking import registered  # noqa: PLC0415 - as above
    from flows.tracking.alias import ABSENT  # noqa: PLC0415 - as above

    asked = asked_for(model)
    try:
        address = model if asked is None else asked.address
        loaded: Any = registered.load_registered(address).unwrap_python_model()
        return Served(loaded.task, loaded.model)
    except ModuleNotFoundError as error:
        registered.registered_models()  # raises it too if it is MLflow's database that needs it
        raise StudyError(f"{model} needs {error.name}, which is not installed") from None
    except (MlflowException, OSError) as error:
        if isinstance(error, MlflowException) and error.error_code not in ABSENT:
            raise
        client = MlflowClient()
        if asked is not None and asked.find(client) is not None:
            raise StudyError(f"{model} cannot be loaded: its files are gone") from None
        if isinstance(error, OSError):
            raise
    known = registered.registered_models()
    missing = registered.no_such(client, asked) if asked else registered.no_model(model, known)
    raise ParameterError(missing)


def asked_for(model: str) -> "Asked | None":
    """The version that a user names; None if it is another address in MLflow."""
    from flows.tracking.alias import asked_of  # noqa: PLC0415 - as in `load`

    try:
        return asked_of(model)
    except ParameterError:
        return None


@contextmanager
def faults_of(given: Path) -> Iterator[None]:
    """Make errors about the input name it as the user typed it."""
    try:
        yield
    except DataError as error:
        text = str(error)
        if str(given) == STDIN or given.name in text:
            raise
        raise DataError(f"{given}: {text}") from None


@contextmanager
def input_file(given: Path) -> Iterator[Path]:
    """The input as a file or folder; standard input is written to a file."""
    if str(given) != STDIN:
        if not given.exists():
            raise DataError(f"there is no {given}; give a file, a folder, or - for standard input")
        yield given
        return
    with TemporaryDirectory() as temporary:
        file = Path(temporary) / "input.txt"
        with file.open("wb") as target:
            shutil.copyfileobj(sys.stdin.buffer, target)
        yield file


def shown(answer: "pd.DataFrame") -> str:
    """An answer for the terminal: a single column as text, anything else as CSV."""
    if len(answer.columns) == 1:
        return "\n".join(str(value) for value in answer.iloc[:, 0]) + "\n"
    text: str = answer.apply(shortest).to_csv(index=False)
    return text


def shortest(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Numbers with six digits, or more if the values of a column differ in later digits.

    With six digits, 7,800,000,000 and 7,800,400,000 would look the same. The number of digits
    shows differences down to a thousandth of the range of the column.
    """
    if column.dtype.kind != "f":
        return column
    import numpy as np  # noqa: PLC0415 - takes long

    known = column[np.isfinite(column)]
    size, apart = known.abs().max(), known.max() - known.min()
    ratio = size / apart if len(known) > 1 and apart > 0 else 1.0
    digits = min(max(6, math.ceil(math.log10(max(ratio, 1.0))) + 4), 17)
    return column.map(lambda value: plain(value, digits), na_action="ignore")


def plain(value: float, digits: int) -> str:
    """A number with `digits` significant digits, without a power of ten if its size is usual."""
    if value == 0 or not 1e-5 <= abs(value) < 1e16:
        return f"{value:.{digits}g}"
    decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
