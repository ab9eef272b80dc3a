"""Recordings of single words: which word, speaker and split the names of all files tell."""

from collections import Counter, defaultdict
from pathlib import PurePosixPath

from rnn_core.readers.faults import Faults
from rnn_core.readers.sound.name_pattern import HOW, read_name
from rnn_core.readers.sound.name_roles import (
    are_long_numbers,
    density,
    divide_all,
    folded,
    generic,
    goes_with_one,
    likeness,
)
from rnn_core.readers.sound.name_tokens import (
    Item,
    Recording,
    Tokens,
    separator_of,
    tokens_of,
)

FEWEST_OF_A_WORD = 3
"""Recordings that a word needs; what has fewer is no word by itself."""

MOST_ODD = 0.1
"""Share of names that may be of another form than the others before there is no such form."""

USUAL_DENSITY = 0.75
"""Smallest share of the words that each speaker says, where names have words and speakers."""

CLEARLY = 0.9
"""Share of names that look like speakers before they are taken for them though unusual there."""

RENAME = "rename it, or put the recordings into one folder a word"


def check_words_recur(recordings: list[Recording], faults: Faults) -> None:
    """Note that names are read wrongly: there are hardly fewer words than recordings."""
    words = Counter(recording.word for recording in recordings)
    if len(recordings) >= FEWEST_OF_A_WORD and 2 * len(words) > len(recordings):
        first, second = list(words)[:2]
        faults.add(
            f"the names of {len(recordings)} recordings tell {len(words)} words, such as {first!r} "
            f"and {second!r}",
            f"{HOW}, or put the recordings into one folder a word",
        )


def by_form(items: list[Item], form: str, faults: Faults) -> list[Recording]:
    """Recordings whose names have the form that the user gave."""
    recordings = []
    for item in items:
        fields = read_name(PurePosixPath(*item.all_folders, item.bare), form)
        if fields is None:
            faults.add(f"{item.name} is not called {form}", "rename it, or change data.names")
            continue
        speaker, take = fields.get("speaker"), fields.get("take")
        recordings.append(item.said(fields["word"], speaker, take))
    return recordings


def by_all_names(items: list[Item], faults: Faults, doubts: list[str]) -> list[Recording]:
    """Recordings whose names have one common form."""
    depths = Counter(len(item.folders) for item in items)
    depth = max(depths, key=lambda deep: (depths[deep], deep))
    for item in items:
        if len(item.folders) < depth:
            faults.add(
                f"{item.name} lies beside folders of words", "move it into the folder of its word"
            )
        elif len(item.folders) > depth:
            faults.add(
                f"{item.name} lies {len(item.folders)} folders deep",
                "put recordings right into the folder of their word",
            )
    items = [item for item in items if len(item.folders) == depth]
    separator = separator_of([item.bare for item in items])
    parts = [tokens_of(item.bare, separator) for item in items]
    if depth == 0:
        return of_flat_names(items, parts, separator, faults, doubts)
    if depth == 1:
        return of_folders(items, parts, separator, faults, doubts)
    return of_deep_folders(items, parts, faults)


def of_flat_names(
    items: list[Item], parts: list[Tokens], separator: str, faults: Faults, doubts: list[str]
) -> list[Recording]:
    """Recordings called `<word>_<speaker>_<take>`, `<word>_<take>`, or the speaker first."""
    kept = well_formed(items, parts, faults)
    texts = {i: parts[i].texts for i in kept}
    if not has_speakers(items, texts, faults):
        return [items[i].said(separator.join(texts[i]), None, parts[i].take) for i in texts]
    chosen, tied = divide_all(set(texts.values()))
    pairs = {}
    for i, text in texts.items():
        first, second = text[: chosen[text]], text[chosen[text] :]
        pairs[i] = separator.join(first), separator.join(second)
    firsts, seconds = {p[0] for p in pairs.values()}, {p[1] for p in pairs.values()}
    signs = likeness(firsts), likeness(seconds)
    if signs[1] > signs[0]:
        pairs = {i: (second, first) for i, (first, second) in pairs.items()}
    alike = signs[0] == signs[1] and min(len(firsts), len(seconds)) > 1
    unsure = tied or alike or are_long_numbers(firsts) or are_long_numbers(seconds)
    check_flat(items[next(iter(pairs))].name, list(pairs.values()), unsure, faults, doubts)
    return [items[i].said(*named(pair), parts[i].take) for i, pair in pairs.items()]


def check_flat(
    name: str, pairs: list[tuple[str, str]], unsure: bool, faults: Faults, doubts: list[str]
) -> None:
    """Note where names do not tell, or hardly, what is the word in them.

    Args:
        name: The first of them.
        pairs: What is taken for word and speaker in each.
        unsure: Whether it could have been taken otherwise.
        faults: What is certainly wrong.
        doubts: What may be.
    """
    word, speaker = pairs[0]
    many = words_at_best(pairs)
    if many and goes_with_one(pairs):
        faults.add(
            f"{name} has the word {word!r} by {speaker!r}, or a longer word: names do not tell"
            ", since words and speakers do not go with several of each other",
            HOW,
        )
    elif unsure or (many and density(pairs) < USUAL_DENSITY):
        doubts.append(
            f"{name} is taken for the word {word!r} by {speaker!r}, which its name alone does not "
            f"tell; if that is wrong, {HOW}"
        )


def named(pair: tuple[str, str]) -> tuple[str, str | None]:
    """A word and who says it, where that is somebody."""
    return pair[0], None if generic(pair[1]) else pair[1]


def well_formed(items: list[Item], parts: list[Tokens], faults: Faults) -> list[int]:
    """Indices of the names with a text, and with a number where most have one."""
    numbered = sum(part.take is not None for part in parts) > len(parts) / 2
    kept = []
    for i, (item, part) in enumerate(zip(items, parts, strict=True)):
        if not part.texts or (numbered and part.take is None):
            faults.add(f"{item.name} is not called <word>_<speaker>_<take>", RENAME)
        else:
            kept.append(i)
    return kept


def has_speakers(items: list[Item], texts: dict[int, tuple[str, ...]], faults: Faults) -> bool:
    """Return whether names have a speaker next to the word; removes those that lack one."""
    short = {i for i, text in texts.items() if len(text) == 1}
    firsts = {text[0] for i, text in texts.items() if i not in short}
    alike = any(texts[i][0] in firsts for i in short)
    if not firsts or (short and not alike and len(short) > MOST_ODD * len(texts)):
        return False
    for i in short:
        faults.add(f"{items[i].name} is not called <word>_<speaker>_<take>", RENAME)
        del texts[i]
    return True


def words_at_best(pairs: list[tuple[str, str]]) -> bool:
    """Return whether there are enough recordings of each pair for it to be a word."""
    counts = Counter(pairs)
    return sorted(counts.values())[len(counts) // 2] >= FEWEST_OF_A_WORD


def of_folders(
    items: list[Item], parts: list[Tokens], separator: str, faults: Faults, doubts: list[str]
) -> list[Recording]:
    """Recordings in one folder a word, or in one a speaker where names say the word."""
    folders = {folded(item.folders[0]): item.folders[0] for item in items}
    rests = []
    for item, part in zip(items, parts, strict=True):
        own = place_of(part.texts, item.folders[0])
        rests.append(part.texts if own is None else part.texts[: own[0]] + part.texts[own[1] :])
    repeating = [len(r) < len(p.texts) for r, p in zip(rests, parts, strict=True)]
    if sum(repeating) > len(items) / 2:
        check_places(items, parts, repeating, folders, faults)
    others = [separator.join(rest) for rest in rests]
    pairs = [(item.folders[0], other) for item, other in zip(items, others, strict=True)]
    if speakers_first(pairs):
        if max(map(len, rests)) > 1:
            doubts.append(
                f"{items[0].name} is taken for the word {others[0]!r} by {items[0].folders[0]!r}; "
                f"if that is wrong, {HOW}"
            )
        swapped = zip(items, others, parts, strict=True)
        return [item.said(other, item.folders[0], part.take) for item, other, part in swapped]
    known = speakers_of(pairs, [part.take for part in parts])
    triples = zip(items, parts, known, strict=True)
    return [item.said(item.folders[0], speaker, part.take) for item, part, speaker in triples]


def place_of(texts: tuple[str, ...], folder: str) -> tuple[int, int] | None:
    """Where in a name its folder's name stands, from a token to before another."""
    wanted = folded(folder)
    for start in range(len(texts)):
        for end in range(start + 1, len(texts) + 1):
            if folded("".join(texts[start:end])) == wanted:
                return start, end
    return None


def check_places(
    items: list[Item],
    parts: list[Tokens],
    repeating: list[bool],
    folders: dict[str, str],
    faults: Faults,
) -> None:
    """Note recordings whose names have another folder's name than that of their own."""
    for item, part, same in zip(items, parts, repeating, strict=True):
        if same:
            continue
        for text in part.texts:
            if (other := folders.get(folded(text))) is not None:
                faults.add(
                    f"{item.name} lies in the folder {item.folders[0]}, and its name says {other}",
                    "move it, or rename it",
                )


def speakers_first(pairs: list[tuple[str, str]]) -> bool:
    """Return whether folders name speakers, and file names the word."""
    folders, others = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
    if "" in others or len(others) < 2:
        return False
    outer, inner = likeness(folders), likeness(others)
    return (outer <= -CLEARLY and inner > outer) or (
        inner > max(outer, 0.0) and (outer < 0 or density(pairs) >= 0.5)
    )


def speakers_of(pairs: list[tuple[str, str]], takes: list[str | None]) -> list[str | None]:
    """Speaker of each recording, where the part next to the word names one.

    It does where a number of the take follows, or where it looks like a speaker; it does not
    where it is another name for the word.
    """
    beside = {other for _, other in pairs}
    clear = likeness(beside) <= -CLEARLY
    words, partners = defaultdict(set), defaultdict(set)
    for word, other in pairs:
        words[other].add(word)
        partners[word].add(other)
    same = len(words) > 1 and max(map(len, [*words.values(), *partners.values()])) == 1
    return [
        other if other and not same and (take is not None or clear) and not generic(other) else None
        for (_, other), take in zip(pairs, takes, strict=True)
    ]


def of_deep_folders(items: list[Item], parts: list[Tokens], faults: Faults) -> list[Recording]:
    """Recordings in folders of words in folders of speakers, or the other way round."""
    outer, inner = {item.folders[0] for item in items}, {item.folders[1] for item in items}
    signs = likeness(outer), likeness(inner)
    if len(items[0].folders) > 2 or signs[0] == signs[1]:
        what = f"{items[0].name} lies {len(items[0].folders)} folders deep, and nothing tells which"
        faults.add(
            f"{what} of them is the word",
            "say it, such as `--set names='{speaker}/{word}/{_}'`",
        )
        return []
    word, speaker = (0, 1) if signs[0] > signs[1] else (1, 0)
    return [
        item.said(item.folders[word], item.folders[speaker], part.take)
        for item, part in zip(items, parts, strict=True)
    ]


def check_alike(recordings: list[Recording], faults: Faults, doubts: list[str]) -> None:
    """Note words that are the same except for capitals or what parts their tokens."""
    first: dict[str, str] = {}
    for word in sorted({recording.word for recording in recordings}):
        other = first.setdefault(folded(word) or word, word)
        if other != word:
            faults.add(
                f"{other!r} and {word!r} are the same word, written in two ways", "rename one"
            )
    voices: dict[str, str] = {}
    for speaker in sorted({r.speaker for r in recordings if r.speaker}):
        other = voices.setdefault(folded(speaker) or speaker, speaker)
        if other != speaker:
            doubts.append(
                f"{other} and {speaker} are taken for two speakers; if they are one, rename them "
                "alike, else the same voice is trained on and tested"
            )
