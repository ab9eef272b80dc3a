"""`gatewise run --dry-run`: show what a run would do, with estimates of its time and disk."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from rich.console import Console

from flows.layout import Layout
from flows.own_data.run_time import rounded
from flows.recording.inputs import Inputs
from flows.recording.plan import Due
from flows.report.words import number
from flows.trainings.crew import CHECK, OPEN, LocalCrew, local_crew
from flows.trainings.dataset import Trainings, plan_of
from flows.trainings.identity import DIVISIONS
from flows.trainings.planner import Asked, rounds_of
from flows.trainings.records import Record, read_records
from flows.trainings.store import open_store
from rnn_core.comparison.at_most import most_trainings
from rnn_core.training.run_folder import SEEDS


@dataclass(frozen=True)
class Forecast:
    """The trainings of a dataset that a run would do.

    Attributes:
        dataset: Name of the dataset.
        trainings: The next trainings; None if they are not known before `prepare`.
        most: The most trainings there can be, with those in the store.
        seconds: Estimated time of the trainings one after the other; None: not known.
        megabytes: Estimated size of the trainings in the store; None: not known.
    """

    dataset: str
    trainings: Sequence[Asked] | None
    most: int
    seconds: float | None
    megabytes: float | None


def show_plan(layout: Layout, inputs: Inputs, due: Due) -> None:
    """Print the stages and trainings that a run would do.

    Raises:
        ParameterError: If the run would refuse params.yaml.
    """
    console = Console(highlight=False, soft_wrap=True)
    stages = sorted(due.work)
    console.print(
        f"{number(len(stages), 'stage')} would run{': ' if stages else '.'}{', '.join(stages)}"
    )
    names = [name for name in inputs.study.datasets if f"train@{name}" in due.stages]
    if not names:
        return
    with local_crew(layout, inputs.study, 1) as crew:
        crew.call(CHECK, inputs.study)
        for name in names:
            known = f"prepare@{name}" not in due.stages
            found = forecast(layout, inputs, name, crew) if known else guess(inputs, name)
            console.print(in_words(found))


def forecast(layout: Layout, inputs: Inputs, dataset: str, crew: LocalCrew) -> Forecast:
    """Ask the planner for the next trainings of a dataset whose data is prepared."""
    opened = crew.call(OPEN, layout, inputs.study, dataset)
    plan = plan_of(inputs.study, opened)
    trainings = Trainings(layout, opened, plan, inputs.code_of(dataset), open_store(layout))
    wanted = trainings.look().wanted
    records = [r for r in read_records(layout) if (r.what, r.dataset) == ("train", dataset)]
    times = [seconds_of(asked, opened.epochs_of(asked), records) for asked in wanted]
    known = [seconds for seconds in times if seconds is not None]
    return Forecast(
        dataset=dataset,
        trainings=wanted,
        most=plan.most,
        seconds=sum(known) if len(known) == len(times) else None,
        megabytes=megabytes(layout, dataset, len(wanted)),
    )


def seconds_of(asked: Asked, epochs: int, records: Sequence[Record]) -> float | None:
    """Estimate the seconds of a training's epochs; None if no such training was done here.

    Trials of tuning and trainings of a refit count too: their number of epochs differs, but not
    the time of an epoch.
    """
    timed = [
        (one.seconds, one.epochs)
        for one in records
        if one.candidate == asked.sizing.name and one.epochs is not None
    ]
    if not timed:
        return None
    return epochs * sum(seconds for seconds, _ in timed) / sum(count for _, count in timed)


def megabytes(layout: Layout, dataset: str, trainings: int) -> float | None:
    """Estimate the size of trainings from those in the run folders; None if there are none."""
    sizes = [
        sum(file.stat().st_size for file in folder.iterdir())
        for folder in layout.runs(dataset).glob(f"*/*/{SEEDS}")
    ]
    return trainings * fmean(sizes) / 1e6 if sizes else None


def guess(inputs: Inputs, dataset: str) -> Forecast:
    """Estimate the most trainings of a dataset that is not prepared, from params.yaml."""
    study = inputs.study
    tuning = study.tuning_of(dataset)
    rounds = rounds_of(tuning) if tuning else ()
    smallest = len(study.cells_of(dataset)) * len(study.depths_of(dataset))
    most = most_trainings(
        smallest=smallest,
        candidates=smallest * len(study.sizes_of(dataset)),
        references=len(study.references_of(dataset) or ()),
        seeds=study.seeds_of(dataset),
        rounds=rounds,
        refit=study.members_of(dataset) if study.refit_of(dataset) else None,
    )
    return Forecast(dataset, None, most, None, None)


def in_words(found: Forecast) -> str:
    """Describe the forecast of a dataset in a line."""
    if found.trainings is None:
        most = f"{found.dataset}: at most {found.most} trainings"
        return f"{most}; more is known once its data is prepared"
    told = f"{found.dataset}: {len(found.trainings)} of {found.most} trainings come next"
    if not found.trainings:
        return told
    names = ", ".join(names_of(found.trainings))
    time = "not known" if found.seconds is None else f"about {rounded(found.seconds)} of one worker"
    disk = "not known" if found.megabytes is None else f"about {found.megabytes:.2g} MB"
    return f"{told} (time: {time}; disk: {disk}): {names}"


def names_of(trainings: Sequence[Asked]) -> Iterator[str]:
    """Names of trainings, those of a candidate together."""
    trials = Counter(one.sizing.name for one in trainings if one.is_trial)
    for name, count in trials.items():
        yield f"{number(count, 'trial')} of {name}"
    seeds: dict[str, list[int]] = defaultdict(list)
    for one in trainings:
        if not one.is_trial:
            seeds[f"{one.sizing.name} {DIVISIONS[one.division]}".strip()].append(one.seed)
    for name, several in seeds.items():
        yield f"{name} {'seed' if len(several) == 1 else 'seeds'} {', '.join(map(str, several))}"
