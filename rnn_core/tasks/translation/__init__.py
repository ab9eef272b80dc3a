"""Translation: write in one language what a sentence says in another."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.translation.learn import TranslationModel as TranslationModel
    from rnn_core.tasks.translation.parameters import TranslationData as TranslationData
    from rnn_core.tasks.translation.parameters import TranslationMeta as TranslationMeta
    from rnn_core.tasks.translation.serve import TranslationAnswer as TranslationAnswer
    from rnn_core.tasks.translation.task import Translation as Translation

_HOMES = {
    "Translation": "task",
    "TranslationAnswer": "serve",
    "TranslationData": "parameters",
    "TranslationMeta": "parameters",
    "TranslationModel": "learn",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
