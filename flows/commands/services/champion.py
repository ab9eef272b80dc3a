"""`gatewise champion`: show which version answers, since when and why, and change it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flows.system.command_line import command_line
from flows.system.environment import use_defaults
from flows.system.home import enter_home
from rnn_core import wording

if TYPE_CHECKING:
    from flows.operations.champion import Champion
    from flows.tracking.moves import Move
    from rnn_core.comparison.statistics.pair import Pair

MOVED_ELSEWHERE = (
    "the reason is not known: it was moved in MLflow, or a process was killed at that moment"
)
"""Text for a champion without a recorded move."""

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
    _begin()
    from flows.operations import champion  # noqa: PLC0415 - reads the settings made above

    judged = champion.score(model, whole)
    left_out = f", {judged.left_out} left out that one was trained or chosen on"
    sys.stdout.write(f"{compared(judged.champion_score, judged.pair, left_out)}\n")


def score_logged(model: str, data: Path) -> None:
    """Print the comparison of the logged answers of both, by the truth in the data."""
    whole = data.resolve()
    _begin()
    from flows.operations import logged_answers  # noqa: PLC0415 - reads the settings made above

    found = logged_answers.score_logged(model, whole)
    unknown = f", {found.unknown} left out whose truth is not known"
    first, second = (1000 * seconds for seconds in found.seconds)
    sys.stdout.write(
        f"{wording.in_words(found.metric)}: {compared(found.champion_score, found.pair, unknown)}\n"
        f"Half of the requests took the champion {first:.3g} ms, the challenger {second:.3g} ms.\n"
    )


def compared(champion_score: float, pair: "Pair", left_out: str) -> str:
    """The comparison of a challenger with the champion, in a sentence."""
    from flows.report.words import difference  # noqa: PLC0415 - imports what a command may not need
    from flows.tracking.promotion import LEVEL  # noqa: PLC0415 - imports MLflow

    clusters = f" in {pair.num_clusters} clusters" if pair.num_clusters < pair.num_items else ""
    how = "better" if pair.better_by > 0 else "worse"
    apart = f"{how} by {abs(pair.better_by):.4g}" if pair.better_by else "as good"
    p = min(pair.p_better, pair.p_worse)
    return (
        f"The champion scores {champion_score:.4g}, and the challenger is {apart} "
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
    from flows.tracking.moves import scores_on_test  # noqa: PLC0415 - imports MLflow

    version = champion.version
    if version is None:
        yield f"{champion.name}: no version has the alias"
        return
    tags = version.tags
    parts = [tags.get("gatewise.cell", "an unknown cell")]
    scores = scores_on_test(tags)
    parts += [f"test {metric} {float(score):.4g}" for metric, score in scores.items()]
    if decision := tags.get("gatewise.decision"):
        parts.append(f"{decision}, without rivals" if "gatewise.alone" in tags else decision)
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
    evidence = "; ".join(f"{name} {value}" for name, value in sorted(move.evidence.items()))
    shown = f" [{evidence}]" if evidence else ""
    moved = f"{move.number}. {move.time} to version {move.version}{before}"
    return f"{moved} by {who}: {move.because}{shown}"
