"""report: the results of a study, for programs, for people and as a picture."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flows.layout import Layout
from rnn_core.files import read_json, whole_folder, write_json, write_text
from rnn_core.params import read_study

HOW_TO_READ = (
    "Mean and standard deviation over seeds on the test side. A candidate is a cell and its hidden "
    "size. The champion is the cheapest one that is, with 95 % confidence, no more than the margin "
    "worse than the best on the validation side, confirmed once on the test side; where that "
    "cannot be told, the best on validation is provisional. *behind*: by how much a candidate is "
    "worse than the best of the others on validation, with limits that hold together at 95 %. "
    "MACs: multiply-accumulates of the recurrent layers for one step of one sequence."
)
ADVICE = {
    "decided": "Of the candidates, use",
    "provisional": "It is not decided; for now use",
}
POLICIES = {
    "gatewise": "all candidates, by the rule",
    "gru_first": "gru first, lstm if it is not good enough",
    "always_lstm": "always lstm",
    "always_best": "all candidates, the best on the test side by hindsight",
}
CHAMPION_COLOUR = "#d1495b"
CELL_COLOUR = "#30638e"
BASELINE_COLOUR = "#8d99ae"
PANELS_IN_A_ROW = 3


def report(layout: Layout) -> None:
    """Fill `reports/` from the comparisons of the study; names those that are to come."""
    study = read_study(layout.folder)
    there = [name for name in study.datasets if layout.comparison(name).exists()]
    results = {name: read_json(layout.comparison(name)) for name in there}
    missing = [name for name in study.datasets if name not in there]
    with whole_folder(layout.reports, layout.scratch / "report") as folder:
        write_json(folder / layout.metrics.name, brief(results))
        write_text(folder / "report.md", markdown(study.study, results, missing))
        write_text(folder / "cells.svg", picture(results))


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


def markdown(study: str, results: dict[str, Any], missing: Sequence[str] = ()) -> str:
    """The results for a person, and the datasets that have none yet."""
    lines = [
        f"# Which cell to use: study `{study}`",
        "",
        HOW_TO_READ,
        "",
        "![Test score of every cell on every dataset](cells.svg)",
        "",
    ]
    for dataset, result in results.items():
        lines += [f"## {dataset}", "", verdict(result), "", evidence(result), ""]
        lines += [*table(result), "", *advice(result), ""]
        if definition := result["metric"]["definition"]:
            lines += [f"{result['metric']['name']}: {definition}.", ""]
    if missing:
        lines += [f"Not compared yet: {', '.join(missing)}.", ""]
    return "\n".join(lines)


def verdict(result: dict[str, Any]) -> str:
    """What to do, in a sentence or two."""
    metric, champion = result["metric"], result["champion"]
    if champion is None:
        return f"No cell can be recommended: {result['reason']}."
    score = result["candidates"][champion]["test"]["mean"]
    names = result["baselines"]
    best = min(names, key=lambda name: _loss(metric, names[name]))
    beaten = _loss(metric, names[best]) < _loss(metric, score)
    text = (
        f"{ADVICE[result['decision']]} **{champion}**: {score:.4g} {metric['unit']} "
        f"({metric['direction']} is better)"
    )
    if result["runner_up"]:
        side = "better" if result["ahead"] >= 0 else "worse"
        text += f", {abs(result['ahead']):.2g} {side} than {result['runner_up']}"
    if result["optimum"] is not None:
        text += f"; the best that is possible is {result['optimum']:.4g}"
    if beaten:
        return f"The simple baseline {best} beats every cell, with {names[best]:.4g}. {text}."
    return f"{text}."


def evidence(result: dict[str, Any]) -> str:
    """What the decision rests on, and what would change it."""
    parts = [f"**{result['decision']}**, with a margin of {result['margin']:g}: {result['reason']}"]
    if result["spread"] is not None:
        parts.append(f"a difference spreads over seeds by {result['spread']:.2g} margins")
    if (need := result["need"]) is not None:
        parts.append(needed(need))
    half, twice = result["half_margin"], result["twice_margin"]
    if result["champion"] is not None and result["runner_up"] is not None:
        parts.append(f"half the margin: {half or 'abstains'}; twice: {twice or 'abstains'}")
    return "; ".join(parts) + "."


def needed(need: dict[str, Any]) -> str:
    """What is missing for a decision, in words."""
    if need["seeds"] is not None:
        return f"{need['seeds']} seeds would decide it if means and spreads stay as they are"
    if need["items"] is not None:
        return f"more seeds would not decide it, {need['items']:.2g} times the items would"
    return "neither more seeds nor more items would decide it"


def advice(result: dict[str, Any]) -> list[str]:
    """What one would have come to by following simple advice."""
    titles = ["policy", "leads to", "trains", "MACs trained", "MACs of a step", "regret"]
    rows = [titles, ["---"] * len(titles)]
    for name, policy in result["policies"].items():
        regret, step = policy["regret"], policy["step_cost"]
        rows.append(
            [
                POLICIES[name],
                policy["chosen"] or "nothing",
                str(len(policy["tried"])),
                f"{policy['training_cost']:.3g}",
                "" if step is None else f"{step:,}",
                "" if regret is None else f"{regret:.2g}",
            ]
        )
    return [f"| {' | '.join(row)} |" for row in rows]


def _loss(metric: dict[str, str], score: float) -> float:
    return score if metric["direction"] == "lower" else -score


def table(result: dict[str, Any]) -> list[str]:
    """Candidates from best to worst on the validation side, then the baselines."""
    others = further_metrics(result)
    titles = [
        "candidate",
        f"test {result['metric']['name']}",
        "validation",
        "behind",
        *(f"test {name}" for name in others),
        "parameters",
        "MACs",
        "epochs",
    ]
    rows = [titles, ["---"] * len(titles)]
    for name, cell in ranked(result):
        shown = f"**{name}**" if name == result["champion"] else name
        scores = [spread(cell[side]) for side in ("test", "validation")] + [behind(cell)]
        if cell["outcome"]:
            scores[0] += f" ({cell['outcome']})"
        further = [f"{cell['others'][other]:.4g}" if cell["others"] else "" for other in others]
        cost = [f"{cell['cost'][what]:,}" for what in ("parameters", "multiply_accumulates")]
        epochs = ", ".join(str(seed["epochs"]) for seed in cell["seeds"])
        rows.append([shown, *scores, *further, *cost, epochs])
    for name, score in result["baselines"].items():
        rows.append([f"*{name}*", f"{score:.4g}", *[""] * (len(titles) - 2)])
    return [f"| {' | '.join(row)} |" for row in rows]


def further_metrics(result: dict[str, Any]) -> list[str]:
    """Names of the metrics beside the one that decides."""
    return sorted({name for cell in result["candidates"].values() for name in cell["others"]})


def ranked(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Cells by their mean validation score, those that diverged last."""

    def place(item: tuple[str, dict[str, Any]]) -> tuple[bool, float]:
        mean = item[1]["validation"]["mean"]
        return bool(item[1]["outcome"]), 0.0 if mean is None else _loss(result["metric"], mean)

    return sorted(result["candidates"].items(), key=place)


def behind(candidate: dict[str, Any]) -> str:
    """By how much a candidate is worse than the best of the others, with limits."""
    side = candidate["validation"]
    if "worse_by" not in side:
        return ""
    text = f"{side['worse_by']:.2g}"
    if side["at_least"] is not None:
        text += f" [{side['at_least']:.2g}, {side['at_most']:.2g}]"
    return text + (" worse" if side["inferior"] else "")


def spread(side: dict[str, float | None]) -> str:
    """Mean and standard deviation, as far as there are any."""
    if side["mean"] is None:
        return "diverged"
    return f"{side['mean']:.4g}" + ("" if side["std"] is None else f" ± {side['std']:.2g}")


def picture(results: dict[str, Any]) -> str:
    """Every seed of every cell, a panel for each dataset, as SVG with stable bytes."""
    style: dict[Any, Any] = {"svg.hashsalt": "gatewise", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(style):
        columns = min(len(results), PANELS_IN_A_ROW)
        rows = -(-len(results) // columns)
        figure = Figure(figsize=(3.6 * columns, 2.9 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for axis, (dataset, result) in zip(axes, results.items(), strict=False):
            draw_panel(axis, dataset, result)
        for axis in axes[len(results) :]:
            axis.set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def draw_panel(axis: Axes, dataset: str, result: dict[str, Any]) -> None:
    """One dataset: a dot for each seed, a bar at each mean, a line at the best baseline."""
    cells = ranked(result)[::-1]
    for row, (name, cell) in enumerate(cells):
        colour = CHAMPION_COLOUR if name == result["champion"] else CELL_COLOUR
        scores = [seed["test"] for seed in cell["seeds"] if seed["test"] is not None]
        axis.plot(scores, [row] * len(scores), "o", color=colour, alpha=0.6, markersize=4)
        if scores:
            axis.plot([cell["test"]["mean"]] * 2, [row - 0.3, row + 0.3], color=colour, lw=2)
    baselines = result["baselines"].values()
    best = min(baselines, key=lambda score: _loss(result["metric"], score))
    axis.axvline(best, color=BASELINE_COLOUR, ls="--", lw=1)
    if result["optimum"] is not None:
        axis.axvline(result["optimum"], color=BASELINE_COLOUR, lw=1)
    axis.set_yticks(range(len(cells)), [name for name, _ in cells])
    axis.set_title(dataset)
    better = result["metric"]["direction"]
    axis.set_xlabel(f"test {result['metric']['name']}, {better} is better")
    axis.spines[["top", "right"]].set_visible(False)
