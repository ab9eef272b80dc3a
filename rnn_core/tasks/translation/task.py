"""Translation, of its roles."""

from rnn_core.tasks.base.task import Task
from rnn_core.tasks.translation.divide import Dividing
from rnn_core.tasks.translation.learn import TranslationModel
from rnn_core.tasks.translation.parameters import TranslationData, TranslationMeta
from rnn_core.tasks.translation.prepare import prepare
from rnn_core.tasks.translation.rescore import Rescoring
from rnn_core.tasks.translation.serve import Serving
from rnn_core.tasks.translation.show import Showing
from rnn_core.tasks.translation.suggest import suggest
from rnn_core.tasks.translation.understand import understand


class Translation(Showing, Serving, Rescoring, Dividing, Task):
    """Sentence-by-sentence translation, scored by corpus BLEU.

    The validation set is translated greedily, since that is done after every epoch; the
    test set by beam search. Scores of single items are what each adds to the score of the split;
    see `rnn_core.tasks.translation.bleu.contributions`.
    """

    DataParameters = TranslationData
    Meta = TranslationMeta
    ModelParameters = TranslationModel
    prepare = staticmethod(prepare)
    suggest = staticmethod(suggest)
    understand = staticmethod(understand)
