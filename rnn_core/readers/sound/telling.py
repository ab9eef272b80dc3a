"""Sentences about recordings."""

from collections import Counter
from collections.abc import Sequence

from rnn_core.metric import SPLITS
from rnn_core.readers.faults import some
from rnn_core.readers.sound.recordings import Heard
from rnn_core.readers.sound.sound_checks import FLAWS, LONGEST_RATIO
from rnn_core.readers.splits import SETS
from rnn_core.wording import amount

MANY_SPEAKERS = 12
"""Number of speakers from which on they are not named for each split."""

Speakers = Sequence[str | None]


def sound_lines(heard: Heard, rate_hz: int, left_out: Sequence[str]) -> list[str]:
    """List what was read, resampled, mixed down and left out, a line each.

    Args:
        heard: What was found.
        rate_hz: Samples a second that all recordings have now.
        left_out: Files that are no recordings.
    """
    count = sum(heard.kinds.values())
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(heard.kinds.items()))
    sound = f"{duration(heard.seconds)} of sound in {amount(count, 'recording')}"
    lines = [f"{sound} ({kinds}), at {rate_hz:,} Hz"]
    others = {rate: n for rate, n in heard.rates.items() if int(rate) != rate_hz}
    if others:
        each = ", ".join(f"{n:,} from {int(rate):,}" for rate, n in sorted(others.items()))
        lines.append(f"resampled to {rate_hz:,} Hz: {each}")
    if heard.mixed_down:
        lines.append(f"mixed down to one channel: {amount(heard.mixed_down, 'recording')}")
    if heard.copies:
        pairs = [f"{name} (of {other})" for name, other in heard.copies.items()]
        lines.append(f"left out as copies: {some(pairs)}")
    if left_out:
        lines.append(f"left out: {some(left_out)}")
    return lines


def sound_doubts(heard: Heard, rate_hz: int) -> list[str]:
    """List possible flaws of recordings, a line each."""
    doubts = [
        f"{number(names)} {FLAWS[flaw]}: {some(names)}" for flaw, names in heard.flaws.items()
    ]
    if heard.short:
        doubts.append(
            f"{number(heard.short)} lasts less than 1/{LONGEST_RATIO} of what half of them last; "
            f"listen to it: {some(heard.short)}"
        )
    if heard.alike:
        pairs = [f"{name} (of {other})" for name, other in heard.alike.items()]
        doubts.append(
            f"{number(pairs)} is another one at another loudness or in another encoding, so that a "
            f"test set may hold what was trained on; remove it: {some(pairs)}"
        )
    if low := sum(n for rate, n in heard.rates.items() if int(rate) < rate_hz):
        lowest = min(map(int, heard.rates))
        doubts.append(
            f"{low:,} of {sum(heard.rates.values()):,} recordings have fewer samples a second than "
            f"{rate_hz:,}, and nothing of the highest sounds; `--set rate_hz={lowest}` makes all "
            "alike"
        )
    return doubts


def speaker_lines(speakers: Speakers, splits: Sequence[int], split_by: str) -> list[str]:
    """List the speakers of each split.

    Args:
        speakers: Of each recording; None where nothing tells.
        splits: Its split, as an index of `SPLITS`.
        split_by: See `SplitParameters`.
    """
    known = Counter(speaker for speaker in speakers if speaker is not None)
    if not known:
        return ["nothing tells who speaks: the same voices may be trained on and tested"]
    each = some([f"{speaker} {count:,}" for speaker, count in sorted(known.items())])
    unknown = len(speakers) - known.total()
    rest = f"; nothing tells who speaks in {amount(unknown, 'recording')}" if unknown else ""
    lines = [f"{len(known):,} speaker{'s' * (len(known) > 1)}: {each}{rest}"]
    if split_by == "each_speaker":
        return [*lines, "each speaker is tested in turn"]
    if split_by == "speaker" and len(known) <= MANY_SPEAKERS:
        sets = {SETS[split]: voices(speakers, splits, i) for i, split in enumerate(SPLITS)}
        each_set = (f"{name}: {', '.join(sorted(found))}" for name, found in sets.items())
        lines.append("; ".join(each_set))
    return lines


def speaker_doubts(speakers: Speakers, splits: Sequence[int], split_by: str) -> list[str]:
    """A doubt where splits that the data gives have speakers in common."""
    trained = voices(speakers, splits, 0) | voices(speakers, splits, 1)
    both = sorted(trained & voices(speakers, splits, 2))
    if split_by != "given" or not both:
        return []
    doubt = f"the splits that the data gives test voices that are trained on ({some(both)}); "
    return [doubt + "`--set split_by=speaker` keeps them apart"]


def voices(speakers: Speakers, splits: Sequence[int], split: int) -> set[str]:
    """The known speakers of a split."""
    pairs = zip(speakers, splits, strict=True)
    return {speaker for speaker, other in pairs if other == split and speaker is not None}


def number(names: Sequence[str]) -> str:
    """Number of recordings, as the subject of a sentence about each."""
    return "1 recording" if len(names) == 1 else f"each of {len(names):,} recordings"


def duration(seconds: float) -> str:
    """A length of time in words."""
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
