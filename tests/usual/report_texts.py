"""Texts of the report, without markup."""

import re

from flows.stages.report import report
from rnn_core.study import read_study


def texts(layout):
    """The page and report.md after the stage ran, without markup and line breaks."""
    report(layout, read_study(layout.folder))
    page = re.sub(r"<(?:svg|style).*?</(?:svg|style)>", "", layout.page.read_text(), flags=re.S)
    page = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    return page, (layout.reports / "report.md").read_text()


def of_dataset(text, dataset, start="## "):
    """The part of report.md about a dataset."""
    return text.partition(f"{start}{dataset}\n")[2].partition(start)[0]
