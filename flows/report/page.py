"""The report as one page that needs nothing beside it: no network, no script, no file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from flows.report import words
from flows.report.figures import charts, shown_examples
from flows.report.markdown import HOW_TO_READ
from flows.report.svg import DARK, LIGHT
from flows.report.words import Grid

PAGE = "page.html.jinja"
STYLE = "style.css"
"""Both lie beside this module, and are named in the `deps` of the stage."""

PAIRS = {"translation": "Translations", "speech_transcription": "Transcriptions"}
"""What pairs of input and output are called, by task."""

MOST_EXAMPLES = 6
MOST_CHARACTERS = 600
MOST_LABELS = 30
SHADES = 5


def page(study: str, found: Mapping[str, dict[str, Any]], missing: Mapping[str, str]) -> str:
    """The page of a study.

    Args:
        study: Name of the study.
        found: What `details.collect` says of each dataset that has been compared.
        missing: What is not there of the others, in words.
    """
    return rendered(
        PAGE,
        study=study,
        sections=[section(details) for details in found.values()],
        missing=missing,
        how_to_read=HOW_TO_READ.replace("*", ""),
    )


def rendered(template: str, **content: Any) -> str:
    """A template of this folder with its content, in which nothing is markup but our own."""
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (folder / STYLE).read_text()
    colours = {"light": LIGHT, "dark": DARK}
    return environment.get_template(template).render(
        style=Markup(style),  # noqa: S704 - our own file
        colours=colours,
        **content,
    )


def section(details: dict[str, Any]) -> dict[str, Any]:
    """One dataset as the template wants it."""
    result = details["comparison"]
    return {
        "dataset": details["dataset"],
        "task": result["task"].replace("_", " "),
        "champion": result["champion"],
        "decision": result["decision"],
        "sentence": words.sentence(result),
        "verdict": words.verdict(result),
        "evidence": words.evidence(result),
        "facts": words.facts(result),
        "candidates": words.candidates(result),
        "incomplete": [(n, c["outcome"]) for n, c in words.ranked(result) if c["outcome"]],
        "charts": [chart_of(chart) for chart in charts(details)],
        "examples": examples(details),
        "more": more(details),
        "missing": details["missing"],
        "reproduce": details["reproduce"],
        "serve": details["serve"],
    }


def chart_of(chart: Any) -> dict[str, Any]:
    """A figure as the template wants it."""
    picture = Markup(chart.svg)  # noqa: S704 - matplotlib escapes what it is given
    return {"title": chart.title, "words": chart.words, "svg": picture}


def more(details: dict[str, Any]) -> list[tuple[str, Grid]]:
    """Tables for who wants to know more, with their titles."""
    result = details["comparison"]
    tables = [
        ("Where simple advice leads", words.policies(result)),
        ("Every seed", words.seeds(result)),
        ("Tuning", words.tuning(result)),
        ("Diagnostics, means over seeds", words.diagnostics(result, details["diagnostics"])),
    ]
    return [(title, grid) for title, grid in tables if grid is not None and grid.rows]


def examples(details: dict[str, Any]) -> list[dict[str, Any]]:
    """What the shown candidates put out, in the form of their kind."""
    names, task = shown_examples(details), details["comparison"]["task"]
    found = {name: details["illustrations"][name] for name in names}
    kinds = {content.get("kind") for content in found.values()}
    shown: list[dict[str, Any]] = []
    if "text" in kinds:
        shown.append(side_by_side("Generated text", found, "text"))
    if "pairs" in kinds:
        shown.append(side_by_side(PAIRS.get(task, "Answers"), found, "pairs"))
    confused = {n: c for n, c in found.items() if c.get("kind") == "confusion"}
    shown += [confusion(name, content) for name, content in confused.items()]
    for kind in sorted(str(kind) for kind in kinds - {"text", "pairs", "confusion", "forecast"}):
        shown.append({"form": "unknown", "title": f"Examples of a kind that is not drawn: {kind}"})
    return shown


def side_by_side(title: str, found: dict[str, Any], kind: str) -> dict[str, Any]:
    """What several candidates made of the same inputs, grouped by input."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, content in found.items():
        if content.get("kind") == kind:
            for given, known, made in told(content, kind):
                group = groups.setdefault(given, [("reference", known)] if known else [])
                group.append((name, made))
    given = "prompt" if kind == "text" else "source"
    shown = list(groups.items())[:MOST_EXAMPLES]
    rows = [[(given, shortened(word)), *group] for word, group in shown]
    return {"form": "texts", "title": f"{title}: {' and '.join(found)}", "groups": rows}


def told(content: dict[str, Any], kind: str) -> list[tuple[str, str, str]]:
    """Of each example what was given, what is right, and what was made."""
    if kind == "text":
        return [(t["prompt"], "", shortened(t["text"])) for t in content["texts"]]
    return [
        (p["source"], shortened(p["reference"]), shortened(p["output"])) for p in content["pairs"]
    ]


def shortened(text: str) -> str:
    """The beginning of a text; empty ones are said to be."""
    if not text:
        return "(nothing)"
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} …"


def confusion(name: str, content: dict[str, Any]) -> dict[str, Any]:
    """How often each true label was given each label, with shades by the share of its row."""
    labels, counts = content["labels"][:MOST_LABELS], content["counts"][:MOST_LABELS]
    rows = []
    for label, row in zip(labels, counts, strict=False):
        whole = sum(row) or 1
        cells = [(n, -(-n * SHADES // whole)) for n in row[:MOST_LABELS]]
        rows.append((label, cells))
    right = sum(row[i] for i, row in enumerate(content["counts"]))
    total = sum(map(sum, content["counts"]))
    note = f"{words.count(right)} of {words.count(total)} items of the {content['split']} side"
    if len(content["labels"]) > MOST_LABELS:
        note += f"; the first {MOST_LABELS} of {len(content['labels'])} labels are shown"
    title = f"Confusion matrix: {name}, seed {content['seed']}"
    return {"form": "confusion", "title": title, "labels": labels, "rows": rows, "note": note}
