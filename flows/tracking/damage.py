"""Damage of MLflow's database in a file. MLflow itself meets it only where it reads or writes."""

import sqlite3
from contextlib import closing
from pathlib import Path

from mlflow.store.db.base_sql_model import Base  # has the tables once MLflow has opened one

from flows.tracking.address import read_only
from rnn_core.readers.faults import some

COLUMNS = """
    SELECT tables.name, columns.name
    FROM sqlite_master AS tables JOIN pragma_table_xinfo(tables.name) AS columns
    WHERE tables.type = 'table'
"""
"""The question for the names of all tables, each with those of its columns, computed ones too."""

MOST_NAMED = 5
"""Most tables that are named."""


def damage_of(file: Path) -> str | None:
    """The damage of a database that MLflow has opened; None if it is whole, or in use."""
    try:
        with closing(sqlite3.connect(read_only(file), uri=True)) as database:
            (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
            there = set(database.execute(COLUMNS))
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as error:
        return f"is damaged: {error}"
    if told != "ok":
        return f"is damaged: {' '.join(told.split())}"
    tables = Base.metadata.sorted_tables
    wanted = {(table.name, column.name) for table in tables for column in table.columns}
    lost = sorted({table for table, _ in wanted - there})
    return f"has lost tables, or columns of them: {some(lost, MOST_NAMED)}" if lost else None
