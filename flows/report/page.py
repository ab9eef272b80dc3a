"""The report as one page that needs no network, no script and no other file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from flows.report import advice, recurrence, tables, words
from flows.report.answer import Answer, answer
from flows.report.details import Details
from flows.report.figures import Chart, charts, shown_examples
from flows.report.glossary import GLOSSARY
from flows.report.svg import DARK, LIGHT
from flows.report.tables import Grid
from rnn_core.training.illustration import Confusion, Pairs, Texts
from rnn_core.wording import in_words

PAGE = "page.html.jinja"
STYLE = "style.css"
"""Both are next to this module, and are named in the `deps` of the stage."""

PAIRS = {"translation": "Translations", "speech_transcription": "Transcriptions"}
"""Titles for pairs of input and output, by task."""

Told: TypeAlias = tuple[str, str, str]
"""Texts of an example: input, correct output if it is known, and output of the model."""

MOST_EXAMPLES = 6
MOST_CHARACTERS = 600
MOST_LABELS = 30
SHADES = 5


def page(study: str, found: Mapping[str, Details], missing: Mapping[str, str]) -> str:
    """The page of a study.

    Args:
        study: Name of the study.
        found: Details of each dataset that has been compared.
        missing: The reason why each of the other datasets has none.
    """
    return rendered(
        PAGE,
        study=study,
        sections=[section(details) for details in found.values()],
        missing=missing,
        glossary=GLOSSARY,
        networks_title=recurrence.TITLE,
    )


def rendered(template: str, **content: Any) -> str:
    """Fill in a template of this folder; markup in the content is escaped, except our own."""
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (folder / STYLE).read_text(encoding="utf-8")
    colours = {"light": LIGHT, "dark": DARK}
    return environment.get_template(template).render(
        style=Markup(style),  # noqa: S704 - our own file
        colours=colours,
        **content,
    )


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure in the form that the template needs."""

    title: str
    words: str
    svg: Markup


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Outputs of several candidates for the same inputs, by input and candidate."""

    title: str
    groups: list[list[tuple[str, str]]]
    form: Literal["texts"] = "texts"


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix:
    """A matrix of counts with shades.

    Attributes:
        title: Title of the matrix.
        labels: Labels of its columns.
        rows: Label of each row, with a count and a shade for each column.
        note: The number of correct items.
    """

    title: str
    labels: Sequence[str]
    rows: list[tuple[str, list[tuple[int, int]]]]
    note: str
    form: Literal["confusion"] = "confusion"


Example: TypeAlias = SideBySide | ConfusionMatrix


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A share as a bar: its length in percent, and the share in words."""

    percent: str
    words: str


@dataclass(frozen=True, kw_only=True)
class PageSection:
    """One dataset in the form that the template needs."""

    dataset: str
    task: str
    recommended: str | None
    answer: Answer
    risk: Bar | None
    cost: Picture | None
    registered: str
    verdict: str
    evidence: list[str]
    facts: list[tuple[str, str]]
    candidates: Grid
    incomplete: list[tuple[str, str]]
    needed: str
    networks: Grid | None
    charts: list[Picture]
    examples: list[Example]
    more: list[tuple[str, Grid]]
    missing: list[str]
    reproduce: list[str]
    serve: list[str]


def bar(found: Answer) -> Bar | None:
    """The risk of an answer as a bar; None if it is not known."""
    if found.share is None:
        return None
    return Bar(percent=f"{100 * found.share:.1f}", words=words.chance_of(found.share))


def section(details: Details) -> PageSection:
    """One dataset in the form that the template needs."""
    comparison = details.comparison
    ranked, found = words.ranked(comparison), answer(comparison)
    drawn = {chart.name: picture_of(chart) for chart in charts(details)}
    return PageSection(
        dataset=details.dataset,
        task=in_words(comparison.task),
        recommended=comparison.decision.recommended,
        answer=found,
        risk=bar(found),
        cost=drawn.get("cost"),
        registered=words.registered_with_score(comparison),
        verdict=advice.verdict(comparison),
        evidence=advice.evidence(comparison),
        facts=words.facts(comparison),
        candidates=tables.candidates(comparison),
        incomplete=[(name, words.outcome(one)) for name, one in ranked if one.diverged],
        needed=recurrence.needed(comparison),
        networks=recurrence.table(comparison),
        charts=[picture for name, picture in drawn.items() if name != "cost"],
        examples=examples(details),
        more=more(details),
        missing=details.missing,
        reproduce=details.reproduce,
        serve=details.serve,
    )


def picture_of(chart: Chart) -> Picture:
    """A figure in the form that the template needs."""
    svg = Markup(chart.svg)  # noqa: S704 - matplotlib escapes what it is given
    return Picture(title=chart.title, words=chart.words, svg=svg)


def more(details: Details) -> list[tuple[str, Grid]]:
    """Further tables, with their titles."""
    comparison = details.comparison
    found = [
        ("How well each class is found on the test set", tables.recalls(comparison)),
        ("Where simple advice leads", tables.policies(comparison)),
        ("Every seed", tables.seeds(comparison)),
        ("Tuning", tables.tuning(comparison)),
        ("Diagnostics, means over seeds", tables.diagnostics(comparison, details.diagnostics)),
    ]
    return [(title, grid) for title, grid in found if grid is not None and grid.rows]


def examples(details: Details) -> list[Example]:
    """Outputs of the candidates with examples; forecasts are in a figure instead."""
    found = {name: details.illustrations[name] for name in shown_examples(details)}
    title = f"{PAIRS.get(details.comparison.task, 'Answers')}: {' and '.join(found)}"
    texts = {name: told_texts(one) for name, one in found.items() if isinstance(one, Texts)}
    pairs = {name: told_pairs(one) for name, one in found.items() if isinstance(one, Pairs)}
    shown: list[Example] = []
    if texts:
        shown.append(side_by_side(f"Generated text: {' and '.join(found)}", "prompt", texts))
    if pairs:
        shown.append(side_by_side(title, "source", pairs))
    confused = {name: one for name, one in found.items() if isinstance(one, Confusion)}
    return [*shown, *(confusion(name, one) for name, one in confused.items())]


def told_texts(shown: Texts) -> list[Told]:
    """For each text the prompt and the output; there is no correct output."""
    return [(one.prompt, "", shortened(one.text)) for one in shown.texts]


def told_pairs(shown: Pairs) -> list[Told]:
    """For each pair the source, the reference and the output."""
    return [(one.source, shortened(one.reference), shortened(one.output)) for one in shown.pairs]


def side_by_side(title: str, given: str, found: Mapping[str, Sequence[Told]]) -> SideBySide:
    """Group outputs of several candidates for the same inputs by input.

    Args:
        title: Title of the examples.
        given: Name of the input.
        found: Texts of each candidate.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, told in found.items():
        for source, known, made in told:
            group = groups.setdefault(source, [("reference", known)] if known else [])
            group.append((name, made))
    shown = list(groups.items())[:MOST_EXAMPLES]
    rows = [[(given, shortened(word)), *group] for word, group in shown]
    return SideBySide(title=title, groups=rows)


def shortened(text: str) -> str:
    """The beginning of a text; "(nothing)" if it is empty."""
    if not text:
        return "(nothing)"
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} …"


def confusion(name: str, shown: Confusion) -> ConfusionMatrix:
    """Count predicted labels by true label, with shades by the share of the row."""
    labels, counts = shown.labels[:MOST_LABELS], shown.counts[:MOST_LABELS]
    rows = []
    for label, row in zip(labels, counts, strict=False):
        whole = sum(row) or 1
        cells = [(n, -(-n * SHADES // whole)) for n in row[:MOST_LABELS]]
        rows.append((label, cells))
    right = sum(row[i] for i, row in enumerate(shown.counts))
    total = sum(map(sum, shown.counts))
    note = f"{words.count(right)} of {words.count(total)} items of the {shown.split} set"
    if len(shown.labels) > MOST_LABELS:
        note += f"; the first {MOST_LABELS} of {len(shown.labels)} labels are shown"
    title = f"Confusion matrix: {name}, seed {shown.seed}"
    return ConfusionMatrix(title=title, labels=labels, rows=rows, note=note)
