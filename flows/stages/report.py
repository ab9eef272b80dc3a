"""report: the results of a study, for programs, for people and as pictures."""

from typing import Any

from flows.layout import Layout
from flows.report import markdown
from flows.report.details import collect, what_is_missing
from flows.report.figures import picture
from flows.report.page import page
from rnn_core.files import whole_folder, write_json, write_text
from rnn_core.study import read_study


def report(layout: Layout) -> None:
    """Fill `reports/` from the comparisons of the study; says which are to come, and why."""
    study = read_study(layout.folder)
    there = [name for name in study.datasets if layout.comparison(name).exists()]
    found = {name: collect(layout, study, name) for name in there}
    results = {name: details["comparison"] for name, details in found.items()}
    missing = {
        name: what_is_missing(layout, study, name) for name in study.datasets if name not in there
    }
    with whole_folder(layout.reports, layout.scratch / "report") as folder:
        write_json(folder / layout.metrics.name, brief(results))
        write_text(folder / "report.md", markdown.report(study.study, results, missing))
        write_text(folder / "cells.svg", picture(results))
        write_text(folder / layout.page.name, page(study.study, found, missing))
        (folder / "details").mkdir()
        for name, details in found.items():
            write_json(folder / "details" / f"{name}.json", details)


def brief(results: dict[str, Any]) -> dict[str, Any]:
    """The results that programs read: means over seeds on the test side."""
    return {
        dataset: {
            "task": result["task"],
            "metric": result["metric"]["name"],
            "direction": result["metric"]["direction"],
            "champion": result["champion"],
            "decision": result["decision"],
            "reason": result["reason"],
            "candidates": {
                name: {
                    "mean": found["test"]["mean"],
                    "std": found["test"]["std"],
                    "seeds": len(found["seeds"]),
                }
                for name, found in result["candidates"].items()
            },
        }
        for dataset, result in results.items()
    }
