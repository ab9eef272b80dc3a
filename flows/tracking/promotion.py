"""Promote champions; the only writer of the registry: a model per dataset, alias `champion`."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from flows.layout import Layout
from flows.report import advice, words
from flows.tracking import registered, registry
from flows.tracking.alias import Standing, alone, move_alias, standing_of
from flows.tracking.judging import Judged, NotComparableError, judge
from flows.tracking.moves import describe_again
from flows.tracking.origin import origin_of
from flows.tracking.projection import connect, reachable
from flows.tracking.promoted import Action, Promotion
from rnn_core.comparison.outcome import Comparison, read_comparison
from rnn_core.errors import StudyError

LEVEL = 0.05
"""Significance level of the test whether a challenger is worse or better than the champion."""


@dataclass(frozen=True)
class Challenger:
    """A model that a comparison recommends, before it becomes the champion of the registry.

    Attributes:
        layout: Where the study keeps things.
        dataset: Name of the dataset.
        name: Name of the registered model.
        comparison: The comparison of the dataset.
        folder: The model; see `flows.tracking.registry.candidate`.
        known: The version with the same files; None if it is not registered yet.
    """

    layout: Layout
    dataset: str
    name: str
    comparison: Comparison
    folder: Path
    known: ModelVersion | None


@dataclass(frozen=True)
class Verdict:
    """The decision on a challenger.

    Attributes:
        action: See `Promotion`.
        reason: The reason, in a sentence.
        judged: Its comparison with the version before it; None if they were not compared.
    """

    action: Action
    reason: str
    judged: Judged | None = None


@dataclass(frozen=True)
class Source:
    """The runs that a version comes from.

    Attributes:
        run_id: The MLflow run that shows its training.
        flow_run: Prefect's id of the run that registers it; empty if there is none.
    """

    run_id: str
    flow_run: str


def promote(
    layout: Layout, study: str, dataset: str, run_ids: dict[int, str], flow_run: str = ""
) -> Promotion:
    """Register what is recommended, and point the alias to it unless the version before stays.

    The registered model is its best random seed, its ensemble, or a refit of either.

    Args:
        layout: Where the study keeps things.
        study: Name of the study.
        dataset: Name of the dataset.
        run_ids: The MLflow run of each seed of the recommended candidate.
        flow_run: Prefect's id of the run of the flow; empty if there is none.

    Raises:
        StudyError: If nothing is recommended, or its registered model gives other answers than the
            trained one; the alias is then not moved.
        TrackingError: If MLflow does not answer.
    """
    comparison = read_comparison(layout.comparison(dataset))
    recommended = comparison.recommended
    if recommended is None:
        because = advice.because(comparison)
        raise StudyError(f"{dataset}: nothing is recommended, so nothing is registered: {because}")
    client, name = connect(), f"{study}.{dataset}"
    with (
        alone(name),
        registry.candidate(layout, dataset, comparison) as folder,
    ):
        with reachable():
            standing = standing_of(client, name)
            known = registry.find_version(client, name, registry.digest_in(folder))
        new = Challenger(layout, dataset, name, comparison, folder, known)
        verdict = challenge(new, standing)
        if verdict.action == "promoted":
            source = Source(run_ids[recommended.seed.seed], flow_run)
            return crown(client, new, standing, verdict.reason, source)
        with reachable():
            if known is not None:  # with more seeds, the evidence for the same model may change
                registry.write_evidence(client, known, comparison)
                registry.describe(client, layout, dataset, known)
            if verdict.action == "kept":
                return keep(client, new, standing, verdict)
            assert known is not None
            describe_again(client, known)
            return told(new, str(known.version), verdict, comparison.registered_test_score)


def crown(
    client: MlflowClient, new: Challenger, standing: Standing, reason: str, source: Source
) -> Promotion:
    """Register a challenger, unless it is registered, and move the alias to it.

    The alias is moved last: even if this is cut off, it never points to an untested version.
    """
    examples = registry.example_and_answer(new.layout, new.dataset, new.folder)
    origin = {} if new.known else origin_of(new.layout, new.dataset, source.flow_run)
    with reachable():
        version = new.known or registry.register(
            client, new.name, new.folder, source.run_id, examples, origin
        )
        registry.check_answers(version, examples)
        registry.write_evidence(client, version, new.comparison)
        registry.write_tags(client, version, {"promoted_because": reason})
        registry.describe(client, new.layout, new.dataset, version)
        move_alias(client, version, standing, reason)
    verdict = Verdict("promoted", reason)
    return told(new, str(version.version), verdict, new.comparison.registered_test_score)


def keep(client: MlflowClient, new: Challenger, standing: Standing, verdict: Verdict) -> Promotion:
    """Leave the alias as it is, and note the score of the version that stays, if it has one."""
    stays, metric, judged = standing.version, new.comparison.metric.name, verdict.judged
    assert stays is not None
    score = judged.champion_score if judged else registered.registered_score(stays, metric)
    if judged is not None:
        tags = {f"last_test_{metric}": score, "kept_because": verdict.reason}
        registry.write_tags(client, stays, tags)
    if not standing.has_alias:
        return told(new, None, verdict, None)
    return told(new, str(stays.version), verdict, score)


def told(
    new: Challenger, version: str | None, verdict: Verdict, test_score: float | None
) -> Promotion:
    """The result of promoting a challenger."""
    return Promotion(
        dataset=new.dataset,
        model=new.name,
        version=version,
        action=verdict.action,
        reason=verdict.reason,
        test_score=test_score,
    )


def challenge(new: Challenger, standing: Standing) -> Verdict:
    """Decide on a challenger.

    A version that Gatewise made the champion stays if the challenger is significantly worse. A
    version that a user chose stays unless the challenger is significantly better. So does one
    whose cell was decided, if the challenger's is not; without rivals, a decision is no evidence.
    """
    champion, known = standing.version, new.known
    if champion is None:
        return Verdict("promoted", without_champion(standing, known))
    if known is not None and known.version == champion.version and standing.has_alias:
        return Verdict("unchanged", "it is registered already")
    if standing.by_hand and known is not None and str(known.version) in standing.ours:
        return Verdict("kept", put_aside(standing, known))
    theirs = what_stands(standing)
    with TemporaryDirectory() as temporary:
        try:
            with reachable():
                files = registered.download(champion, Path(temporary))
            judged = judge(new.folder, files, new.layout.raw(new.dataset))
        except (NotComparableError, registered.GoneError) as error:
            if standing.by_hand:
                return Verdict("kept", f"nothing shows it to be better than {theirs} since {error}")
            return Verdict("promoted", f"{theirs} cannot be judged on this data: {error}")
    decided = champion.tags.get("gatewise.decision") == "decided"
    compared = "gatewise.alone" not in champion.tags
    sure = decided and compared and new.comparison.decision.status != "decided"
    return by_evidence(judged, theirs, standing.by_hand, sure)


def without_champion(standing: Standing, known: ModelVersion | None) -> str:
    """The reason for promoting a challenger when there is no champion."""
    if standing.by_hand:
        return f"the champion before it, version {standing.ours[-1]}, was deleted"
    if standing.is_first or known is not None:
        return "it is the first"
    return "none of the versions before it was made the champion"


def put_aside(standing: Standing, known: ModelVersion) -> str:
    """The reason for not promoting a version again that a user has replaced."""
    if standing.version is not None and standing.has_alias:
        return (
            f"the alias was moved by hand to version {standing.version.version} from version "
            f"{known.version}, which the challenger is"
        )
    return f"the alias was taken by hand from version {known.version}, which the challenger is"


def what_stands(standing: Standing) -> str:
    """The version that a challenger is compared with, in words."""
    assert standing.version is not None
    number = standing.version.version
    if not standing.by_hand:
        return f"the champion before it, version {number},"
    if standing.has_alias:
        return f"version {number}, to which the alias was moved by hand,"
    return f"version {number}, from which the alias was taken by hand,"


def by_evidence(judged: Judged, theirs: str, by_hand: bool, sure: bool) -> Verdict:
    """Decide by a paired test over the items of the test set.

    Args:
        judged: The comparison of the challenger with the version before it.
        theirs: That version in words.
        by_hand: Whether a user chose it.
        sure: Whether its cell was decided and the challenger's is not.
    """
    pair = judged.pair
    if by_hand or sure:
        beside = " whose cell was decided, unlike the challenger's," if sure else ""
        said = f"{theirs}{beside} {tested(judged, pair.p_better)}"
        if pair.p_better < LEVEL:
            return Verdict("promoted", f"it is better than {said}", judged)
        return Verdict("kept", f"the challenger is not better beyond chance than {said}", judged)
    said = f"{theirs} {tested(judged, pair.p_worse)}"
    if pair.p_worse < LEVEL:
        return Verdict("kept", f"the challenger is worse than {said}", judged)
    return Verdict("promoted", f"it is not worse than {said}", judged)


def tested(judged: Judged, p: float) -> str:
    """Describe a test and its result, in parentheses."""
    pair = judged.pair
    clusters = f" in {pair.num_clusters} clusters" if pair.num_clusters < pair.num_items else ""
    seen = f", {judged.left_out} others left out that one was trained or chosen on"
    return (
        f"(paired test over {pair.num_items} test items{clusters}"
        f"{seen if judged.left_out else ''}, p = {words.difference(p, LEVEL)})"
    )
