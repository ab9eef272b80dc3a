"""`gatewise champion`: show which version answers, since when and why, and change it."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flows.system.command_line import command_line
from flows.system.environment import use_defaults
from flows.system.home import as_typed, enter_home
from rnn_core import wording

if TYPE_CHECKING:
    from flows.operations.champion import Champion
    from flows.tracking.moves import Move
    from rnn_core.comparison.statistics.pair import Pair

MOVED_ELSEWHERE = (
    "the reason is not known: it was moved in MLflow, or a process was killed at that moment"
)
"""Text for a champion without a recorded move."""

SHORT_DIGEST = 12
"""Characters of a digest that are shown."""

OLDER = "the time is not known"
"""Text for a champion that was promoted before moves were recorded."""


def show(model: str | None) -> None:
    """Print the champion of a model, or of every one."""
    found = _champions(model)
    if not found:
        sys.stdout.write("No model is registered yet: `gatewise run` registers champions.\n")
    for champion in found:
        sys.stdout.writelines(f"{line}\n" for line in told(champion))


def history(model: str) -> None:
    """Print every move of a model's alias, the last one first."""
    (champion,) = _champions(model)
    if champion.version is not None and champion.move is None:
        sys.stdout.write(f"version {champion.version.version} now: {MOVED_ELSEWHERE}\n")
    for move in reversed(champion.moves):
        sys.stdout.write(f"{in_words(move)}\n")
    if not champion.moves and champion.version is None:
        sys.stdout.write(f"No version of {model} was ever the champion.\n")


def promote(model: str, version: int, because: str) -> None:
    """Make a version the champion."""
    _begin()
    from flows.operations import champion  # noqa: PLC0415 - reads the settings made above

    _tell(champion.promote(model, str(version), because))


def rollback(model: str, to: int | None, because: str) -> None:
    """Make the previous champion, or another version, the champion again."""
    _begin()
    from flows.operations import champion  # noqa: PLC0415 - reads the settings made above

    _tell(champion.rollback(model, None if to is None else str(to), because))


def shadow(model: str, version: int | None) -> None:
    """Make a version the challenger of the champion; None ends that."""
    _begin()
    from flows.operations import champion  # noqa: PLC0415 - reads the settings made above

    found = champion.shadow(model, None if version is None else str(version))
    sys.stdout.writelines(f"{line}\n" for line in told(found))
    if version is not None:
        both = command_line("serve", model, f"{model}@challenger")
        sys.stdout.write(f"`{both}` asks both.\n")


def score(model: str, data: Path) -> None:
    """Print the comparison of challenger and champion on data whose truth is known."""
    whole = data.resolve()
    with as_typed(data):
        _begin()
        from flows.operations import champion  # noqa: PLC0415 - reads the settings made above

        judged = champion.score(model, whole)
    left_out = f", {judged.left_out} left out that one was trained or chosen on"
    told = compared(judged.metric, judged.champion_score, judged.pair, left_out)
    sys.stdout.write(f"{told}\n")


def score_logged(model: str, data: Path) -> None:
    """Print the comparison of the logged answers of both, by the truth in the data."""
    whole = data.resolve()
    with as_typed(data):
        _begin()
        from flows.operations import logged_answers  # noqa: PLC0415 - reads the settings made above

        found = logged_answers.score_logged(model, whole)
    unknown = f", {found.unknown} left out whose truth is not known"
    first, second = (1000 * seconds for seconds in found.seconds)
    sys.stdout.write(
        f"{compared(found.metric, found.champion_score, found.pair, unknown)}\n"
        f"Half of the requests took the champion {first:.3g} ms, the challenger {second:.3g} ms.\n"
    )


def compared(metric: str, champion_score: float, pair: "Pair", left_out: str) -> str:
    """The comparison of a challenger with the champion, in a sentence."""
    from flows.report.words import difference  # noqa: PLC0415 - imports what a command may not need
    from flows.tracking.promotion import LEVEL  # noqa: PLC0415 - imports MLflow

    clusters = f" in {pair.num_clusters} clusters" if pair.num_clusters < pair.num_items else ""
    how = "better" if pair.better_by > 0 else "worse"
    apart = f"{how} by {abs(pair.better_by):.4g}" if pair.better_by else "as good"
    p = min(pair.p_better, pair.p_worse)
    return (
        f"{wording.in_words(metric)}: the champion has {champion_score:.4g}, and the challenger is "
        f"{apart} "
        f"(paired test over {pair.num_items} items{clusters}{left_out}; one-sided p = "
        f"{difference(p, LEVEL)})."
    )


def _begin() -> None:
    use_defaults()
    enter_home(Path())


def _champions(model: str | None) -> list["Champion"]:
    _begin()
    from flows.operations.champion import champions  # noqa: PLC0415 - reads the settings made above

    return champions(model)


def _tell(champion: "Champion") -> None:
    sys.stdout.writelines(f"{line}\n" for line in told(champion))
    sys.stdout.write("It stays until a model is significantly better, or you move it again.\n")


def told(champion: "Champion") -> Iterator[str]:
    """The lines about a model: its champion, and the reason for it."""
    from flows.report.answer import STATES  # noqa: PLC0415 - imports what a command may not need
    from flows.tracking.moves import scores_on_test  # noqa: PLC0415 - imports MLflow

    version = champion.version
    if version is None:
        yield f"{champion.name}: no version has the alias"
        return
    tags = version.tags
    parts = [tags.get("gatewise.cell", "an unknown cell")]
    scores = scores_on_test(tags)
    parts += [f"test {metric} {shortened(score)}" for metric, score in scores.items()]
    if decision := tags.get("gatewise.decision"):
        parts.append(STATES["only_one"] if "gatewise.alone" in tags else decision)
    yield f"{champion.name}: version {version.version}, {', '.join(parts)}"
    if champion.move is not None:
        yield f"  {in_words(champion.move)}"
    elif because := tags.get("gatewise.promoted_because"):
        yield f"  once promoted, since {because}; {MOVED_ELSEWHERE if champion.moves else OLDER}"
    else:
        yield f"  {MOVED_ELSEWHERE}"
    if champion.challenger is not None:
        yield f"  version {champion.challenger.version} is its challenger"


def in_words(move: "Move") -> str:
    """A move in words."""
    before = f" from version {move.before}" if move.before else ""
    who = move.by if move.by_hand else f"gatewise ({move.by})"
    evidence = ", ".join(evidence_in_words(move.evidence))
    shown = f" [{evidence}]" if evidence else ""
    moved = f"{move.number}. {move.time} to version {move.version}{before}"
    return f"{moved} by {who}: {move.because}{shown}"


def evidence_in_words(evidence: Mapping[str, str]) -> Iterator[str]:
    """The evidence of a move, part by part."""
    for name, value in evidence.items():
        if name == "digest":
            yield f"digest {value[:SHORT_DIGEST]}"
        elif name.startswith("test_"):
            yield f"{wording.in_words(name)} {shortened(value)}"
        else:
            yield value


def shortened(number: str) -> str:
    """A number as in other messages; text that is no number stays."""
    try:
        return f"{float(number):.4g}"
    except ValueError:
        return number
