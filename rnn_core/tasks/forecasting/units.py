"""Units of columns: a model answers only in those that it was trained on."""

from collections.abc import Mapping

from rnn_core.readers.faults import Faults


def refuse_other_units(found: Mapping[str, str], trained: Mapping[str, str], name: str) -> None:
    """Refuse columns in another unit than on the training set; numbers alone are taken as in it.

    Args:
        found: Units of the columns of a table that have one.
        trained: Those of the table that the model was trained on.
        name: What to call the table in errors.

    Raises:
        DataError: Names all.
    """
    faults = Faults()
    for column, unit in found.items():
        known = trained.get(column)
        if unit != known:
            before = known or "numbers without a unit"
            faults.add(
                f"{name}: column {column!r} is in {unit}, and the model was trained on {before}",
                f"convert it to {known or 'what these count'}, and write the numbers alone",
            )
    faults.check()
