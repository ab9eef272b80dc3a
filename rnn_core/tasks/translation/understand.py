"""Description of what was understood of aligned texts."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from rnn_core.features.subwords import UNKNOWN
from rnn_core.metric import SPLITS, Split
from rnn_core.readers.faults import some
from rnn_core.readers.folders import visible_files
from rnn_core.readers.odd_characters import odd_characters, odd_texts
from rnn_core.readers.pair_files import Files, is_lines
from rnn_core.readers.parallel_text import Pair, rows_of, told_columns
from rnn_core.readers.splits import SETS
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.understanding import Understanding, split_line, told_encoding
from rnn_core.tasks.translation.doubts import misaligned, untranslated
from rnn_core.tasks.translation.pairs import Splits, as_read, files_of, given_splits
from rnn_core.tasks.translation.parameters import TranslationData, TranslationMeta
from rnn_core.tasks.translation.swapped import swapped
from rnn_core.wording import option


def understand(raw: Path, data: Data, meta: TranslationMeta) -> Understanding:
    """Describe the findings; see `Prepares.understand`."""
    asked = meta.parameters
    files = files_of(raw, asked)
    names = [name for each in files.values() for name in each if name is not None]
    doubts = list(odd_pairs(names, asked))
    given = given_splits(files, asked)
    read = list(given.values())
    told = [*meant(raw, files, asked, read[0][0]), split_line(meta.items, "pairs")]
    told += told_encoding(asked.encoding)
    told += [*left_out(meta, sum(map(len, read))), *unknown_pieces(data, meta)]
    told += [*drawn_sets(given, files), *files_left_out(raw, files)]
    for pairs in read:
        doubts += [*misaligned(pairs), *untranslated(pairs), *swapped(pairs)]
    if asked.repeated == "keep" and len(read) > 1:
        doubts += kept_copies(read, asked)
    return Understanding(read=tuple(told), doubts=tuple(doubts))


def odd_pairs(files: Sequence[Path], asked: TranslationData) -> Iterator[str]:
    """Texts that were not what they are now, such as some that were read in a wrong encoding."""
    yield from odd_characters([file for file in files if is_lines(file)], asked.encoding)
    for table in (file for file in files if not is_lines(file)):
        texts, names = [], []
        for row in rows_of(table, asked.columns, asked.encoding, asked.split_column):
            texts.append(" ".join(row.pair))
            names.append(row.where)
        yield from odd_texts(texts, names)


def meant(
    raw: Path, files: Mapping[Split, Files], asked: TranslationData, first: Pair
) -> Iterator[str]:
    """Describe the direction of translation, with the first pair, and how to turn it round."""
    pair = f"{short(first.source)!r} -> {short(first.target)!r}"
    source_file, target_file = files["train"]
    if target_file is not None:
        names = [file.relative_to(raw).as_posix() for file in (source_file, target_file)]
        yield f"{names[0]} is translated into {names[1]}: {pair}"
        turned = [option("set", f"source_file={names[1]}")]
        if "*" not in (asked.source_file or ""):
            turned.append(option("set", f"target_file={names[0]}"))
        yield f"the other way round: {' '.join(turned)}"
        return
    columns = told_columns(
        source_file, asked.columns, asked.encoding, asked.split_column, len(files)
    )
    source, target = map(repr, columns.names) if columns.names else map(str, asked.columns)
    yield f"column {source} of {source_file.name} is translated into column {target}: {pair}"
    yield from columns.notes
    if asked.split_column is not None:
        yield (
            f"column {asked.split_column} says the split of each row; --set split_column=null "
            "draws splits"
        )


def drawn_sets(given: Splits, files: Mapping[Split, Files]) -> Iterator[str]:
    """Report a set that is drawn from training pairs although another one is given."""
    if 1 < len(given) < len(SPLITS):
        (missing,) = set(SPLITS) - set(given)
        what = "files are called after" if len(files) > 1 else "rows belong to"
        yield f"no {what} the {SETS[missing]}; it is drawn from the training pairs"


def files_left_out(raw: Path, files: Mapping[Split, Files]) -> Iterator[str]:
    """Report the files that are not read."""
    used = {file for each in files.values() for file in each}
    others = [file for file in visible_files(raw) if file not in used]
    if others:
        yield f"not read: {some([file.relative_to(raw).as_posix() for file in others])}"


def short(text: str, most: int = 40) -> str:
    """The beginning of a text."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def left_out(meta: TranslationMeta, number: int) -> Iterator[str]:
    """Report the pairs that are not used, and why."""
    out = meta.left_out
    same = number - sum(meta.items.values()) - out.repeated - out.long
    if same > 0:
        yield f"{same:,} pairs that came before are left out"
    if out.repeated:
        yield f"{out.repeated:,} training pairs whose source is scored too are left out"
    if out.long:
        most = meta.parameters.max_length
        yield f"{out.long:,} training pairs of more than {most} subwords are left out (max_length)"


def kept_copies(read: Sequence[Sequence[Pair]], asked: TranslationData) -> Iterator[str]:
    """Report training pairs whose source is scored too, where they are not left out."""
    train, *others = ([as_read(pair, asked).source for pair in pairs] for pairs in read)
    scored = set(chain.from_iterable(others))
    if number := sum(text in scored for text in train):
        yield (
            f"{number:,} training pairs have a source of the validation or test set; --set "
            "repeated=drop leaves them out"
        )


def unknown_pieces(data: Data, meta: TranslationMeta) -> Iterator[str]:
    """Report the share of characters of the sources that no training text has, if there are any."""
    lengths = data["source_lengths"].long()
    ends = [int(lengths[: meta.range_of(split)[1]].sum()) for split in SPLITS]
    parts = data["source"][: ends[-1]].tensor_split(ends[:-1])
    for split, part in zip(SPLITS[1:], parts[1:], strict=True):
        share = float((part == UNKNOWN).double().mean())
        if share > 0:
            yield f"{share:.2%} of the subwords of the sources of the {split} set are unknown"
