"""Say whether a recurrence is needed: reference networks in words and as a table."""

from flows.report import words
from flows.report.tables import Grid
from rnn_core.comparison.networks import Beside, ReferenceResult
from rnn_core.comparison.outcome import Comparison
from rnn_core.comparison.rounding import exceeds

TITLE = "Without a recurrence"

NO_MEMORY = "memoryless"
"""The cell without a recurrence."""

SURE = 2.0
"""Standard errors within which a difference may be chance."""


def needed(comparison: Comparison) -> str:
    """Say whether a recurrence is needed on a dataset; empty if it was not tested."""
    found, recommended = comparison.references, comparison.recommended
    if found is None:
        return (
            "Networks without a recurrence are left out: no model of this kind can be made around "
            "one."
        )
    if not found:
        return ""
    if recommended is not None and recommended.result.cell == NO_MEMORY:
        return f"No recurrence is needed here: {recommended.name}, which is recommended, has none."
    best = best_network(comparison)
    if recommended is None or best is None:
        lacking = "candidate" if recommended is None else "network without one"
        return f"Whether a recurrence is needed is not known: no {lacking} has a score."
    name, test, worse_by = best
    than = "as good as" if test.worse_by == 0 else f"{by(test)} than"
    apart = f"{than} {recommended.name} on the test set"
    if as_good(comparison):
        return f"A recurrence is not needed here: {name}, which has none, is {apart}."
    surely = test.error is not None and exceeds(worse_by - SURE * test.error, 1)
    return (
        f"A recurrence is {'' if surely else 'probably '}needed here: {name}, the best without one "
        f"on the validation set, is {apart}."
    )


def best_network(comparison: Comparison) -> tuple[str, Beside, float] | None:
    """The best reference network on the validation set that can be compared on the test set.

    Returns:
        Its name, its scores on the test set, and by how many margins it is worse there than the
        recommended candidate; None if there is none.
    """
    for name, found in words.by_validation(comparison.references or {}, comparison.metric):
        if found.test.worse_by is not None:
            return name, found.test, found.test.worse_by
    return None


def as_good(comparison: Comparison) -> str:
    """Say that a network without a recurrence is as good as what is recommended, if one is."""
    best, recommended = best_network(comparison), comparison.recommended
    if best is None or recommended is None or recommended.result.cell == NO_MEMORY:
        return ""
    name, test, worse_by = best
    if exceeds(worse_by, 1):
        return ""
    if exceeds(-worse_by, 1):
        said = f"is better than {recommended.name} by more than the margin"
    else:
        said = f"is as good as {recommended.name}, within the margin"
    return f"{name}, which has no recurrence ({words.score(test.mean)}), {said}"


def by(found: Beside) -> str:
    """The difference of a network from the recommended candidate, in margins."""
    assert found.worse_by is not None
    error = "" if found.error is None else f" ± {words.difference(found.error)}"
    way = "apart" if found.worse_by == 0 else "better" if found.worse_by < 0 else "worse"
    return f"{words.difference(abs(found.worse_by), 1)}{error} margins {way}"


def table(comparison: Comparison) -> Grid | None:
    """The reference networks, the best on the validation set first; None if there are none."""
    if not comparison.references:
        return None
    titles = [
        "network",
        f"test {comparison.metric.in_words}",
        "validation",
        "against the recommended one on test",
    ]
    titles += ["on validation", "parameters", "MACs", "size", "epochs", "seeds"]
    ranked = words.by_validation(comparison.references, comparison.metric)
    return Grid(titles=titles, rows=[row(name, one) for name, one in ranked])


def row(name: str, found: ReferenceResult) -> list[str]:
    """One network as a row of `table`."""
    return [
        name,
        words.mean_and_std(found.test),
        words.mean_and_std(found.validation),
        *("" if one.worse_by is None else by(one) for one in (found.test, found.validation)),
        words.count(found.cost.parameters),
        words.count(found.cost.multiply_accumulates),
        words.size(found),
        ", ".join(str(seed.epochs) for seed in found.seeds),
        words.outcome(found),
    ]
