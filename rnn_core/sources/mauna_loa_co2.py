"""Weekly atmospheric CO2 at Mauna Loa, 1958 to 2001, as packaged with statsmodels.

By Keeling and Whorf (2004), Oak Ridge National Laboratory; in the public domain. 2,284
weeks, 59 of them without a value.
"""

from pathlib import Path

from rnn_core.sources.base import Source


class MaunaLoaCO2(Source):
    """One CSV file with the columns `date` and `co2` (parts per million by volume)."""

    def fetch(self, folder: Path) -> None:
        from statsmodels.datasets import co2  # noqa: PLC0415 - takes a second to import

        table = co2.load_pandas().data
        table.to_csv(
            folder / "co2.csv", index_label="date", float_format="%.1f", lineterminator="\n"
        )


SOURCE = MaunaLoaCO2()
