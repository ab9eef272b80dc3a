"""Search for the word and the speaker in the names of recordings.

No name alone can tell: `turn_left_ann` may be the word `turn` by `left_ann`. The names of all
recordings together can, since a speaker says several words and a word is said by several.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

Parts = tuple[str, ...]

COMMANDS = """
backward bed bird cat dog down eight five follow forward four go happy house learn left marvin
nine no off on one right seven sheila six stop three tree two up visual wow yes zero ten hello hi
start pause play wake unknown silence
null eins zwei drei vier fünf sechs sieben acht neun zehn ja nein links rechts stopp
zéro un deux trois quatre cinq sept huit neuf dix oui non gauche droite
cero uno dos tres cuatro cinco seis siete ocho nueve diez sí si izquierda derecha
"""
WORDS = frozenset(COMMANDS.split())
"""Words of public and own sets of commands and digits."""

SPEAKER = re.compile(
    r"(speaker|spk|spkr|voice|subject|subj|sub|user|usr|person|participant|actor|talker|child|"
    r"male|female|man|woman|s|p|f|m|u|id)[-_ ]?\d+|[0-9a-f]{8}",
    re.IGNORECASE,
)
"""Usual names of speakers that have numbers."""

FILLERS = """
rec recording recordings audio sample clip file sound track take wav untitled new nohash aufnahme
data utt utterance whatsapp ptt wa at
"""
GENERIC = frozenset(FILLERS.split())
"""Words between word and number in names that are no speaker."""

DATED = re.compile(r"(?<!\d)(19|20)\d\d[-_. ]?[01]\d[-_. ]?[0-3]\d(?!\d)")
"""A day in a name, as recorders and messengers write it."""

SHORTEST_ID = 3
"""Digits from which on numbers are hardly said: they may be those of speakers, or of takes."""

TAKE = re.compile(r"(?:take|trial|rep)?(?P<number>\d+)", re.IGNORECASE)


def likeness(values: Collection[str]) -> float:
    """Return whether parts of names look like words (above 0) or like speakers (below 0)."""
    if not values:
        return 0.0
    if all(value.isdigit() for value in values):
        padded = len({len(v) for v in values}) == 1 and any(
            len(value) > 1 and value.startswith("0") for value in values
        )
        return -0.5 if padded or are_long_numbers(values) else 0.5
    words = sum(folded(value) in WORDS for value in values)
    speakers = sum(SPEAKER.fullmatch(value) is not None for value in values)
    return (words - speakers) / len(values)


def are_long_numbers(values: Collection[str]) -> bool:
    """Return whether parts of names are numbers that are hardly said."""
    return all(value.isdigit() and len(value) >= SHORTEST_ID for value in values)


def generic(text: str) -> bool:
    """Return whether the text next to a word names no speaker: a usual name of files, or a day."""
    if DATED.search(text) is None:
        return GENERIC.issuperset(re.split(r"[\s_-]+", text.casefold()))
    beside = re.split(r"[\s\d_.-]+", DATED.sub(" ", text.casefold()))
    return GENERIC.issuperset(filter(None, beside))


def folded(name: str) -> str:
    """A name without what is written now so and now so: capitals, and what parts its words."""
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFC", name).casefold())


def divide_all(names: Collection[Parts]) -> tuple[dict[Parts, int], bool]:
    """Where each name is best divided into a first and a second part, so that both recur.

    Args:
        names: Of two tokens or more each.

    Returns:
        For each name the number of tokens of its first part; and whether another division of
        some name would have been as good; then the one with the shortest first part is taken.
    """
    seconds: dict[Parts, set[Parts]] = defaultdict(set)
    firsts: dict[Parts, set[Parts]] = defaultdict(set)
    for name in names:
        for place in range(1, len(name)):
            seconds[name[:place]].add(name[place:])
            firsts[name[place:]].add(name[:place])

    def recurring(name: Parts, place: int) -> tuple[int, int]:
        both = len(seconds[name[:place]]), len(firsts[name[place:]])
        return min(both), both[0] * both[1]

    chosen, tied = {}, False
    for name in names:
        ranked = sorted(range(1, len(name)), key=lambda k, n=name: (recurring(n, k), -k))  # type: ignore[misc]
        chosen[name] = ranked[-1]
        tied |= len(ranked) > 1 and recurring(name, ranked[-1]) == recurring(name, ranked[-2])
    return chosen, tied


def density(pairs: Iterable[tuple[str, str]]) -> float:
    """Share of all combinations of first and second parts that exist."""
    there = set(pairs)
    firsts, seconds = {first for first, _ in there}, {second for _, second in there}
    return len(there) / (len(firsts) * len(seconds)) if there else 0.0


def goes_with_one(pairs: Iterable[tuple[str, str]]) -> bool:
    """Return whether there are several firsts and seconds, and one kind has one partner each.

    Then nothing tells that the two are a word and a speaker, and not two parts of a word.
    """
    there = set(pairs)
    firsts, seconds = (Counter(pair[k] for pair in there) for k in (0, 1))
    if min(len(firsts), len(seconds)) < 2:
        return False
    return max(firsts.values()) == 1 or max(seconds.values()) == 1
