"""Text generation: predict the next character or word, and write on from a prompt."""

from typing import TYPE_CHECKING

from rnn_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from rnn_core.tasks.text_generation.learn import TextModel as TextModel
    from rnn_core.tasks.text_generation.parameters import TextData as TextData
    from rnn_core.tasks.text_generation.parameters import TextMeta as TextMeta
    from rnn_core.tasks.text_generation.task import TextGeneration as TextGeneration
    from rnn_core.tasks.text_generation.write import TextAnswer as TextAnswer

_HOMES = {
    "TextAnswer": "write",
    "TextData": "parameters",
    "TextGeneration": "task",
    "TextMeta": "parameters",
    "TextModel": "learn",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names they are
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
