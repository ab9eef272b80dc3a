"""Tasks of translation, of sentences that a test makes."""

from rnn_core.features.subwords import END
from rnn_core.readers.parallel_text import Pair
from rnn_core.tasks.translation import learn as translation
from rnn_core.tasks.translation.learn import TranslationModel
from rnn_core.tasks.translation.parameters import TranslationData
from rnn_core.tasks.translation.task import Translation

NOUNS = (("dog", "Hund"), ("cat", "Kater"), ("man", "Mann"), ("bird", "Vogel"))
VERBS = (("sees", "sieht"), ("hears", "hört"), ("follows", "verfolgt"))
PAIRS = [
    Pair(f"the {a} {verb} the {b}{mark}", f"Der {c} {sagt} den {d}{mark}")
    for a, c in NOUNS
    for verb, sagt in VERBS
    for b, d in NOUNS
    for mark in ".!"
]
SMALL = {"hidden_size": 6, "embedding_size": 4, "beam_size": 3}


def write(folder, pairs, stem="corpus"):
    folder.mkdir(exist_ok=True)
    for suffix, index in (("en", 0), ("de", 1)):
        text = "".join(f"{pair[index]}\n" for pair in pairs)
        (folder / f"{stem}.{suffix}").write_text(text)


def prepared(tmp_path, pairs=PAIRS, model=None, **options):
    write(tmp_path, pairs)
    options = {"source_file": "corpus.en", "max_vocabulary": 60, **options}
    data, meta = Translation.prepare(tmp_path, TranslationData(**options))
    return Translation(meta, model or TranslationModel(**SMALL)), data


def texts(task, data, split, what):
    first, last = task.meta.range_of(split)
    return translation.texts_of(data, what, first, last)


def pairs_of(task, data, split):
    both = (texts(task, data, split, what) for what in ("source", "target"))
    return list(map(Pair, *both))


def decoded(task, pieces):
    return task.subwords.decode([[i for i in row if i > END] for row in pieces.tolist()])
