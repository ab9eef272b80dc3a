"""The evaluation of one training, as the store keeps it.

result.json          scores on the validation and test sets, how long it trained, diagnostics, and
                     what the model does on the test set
items.safetensors    score, weight and cluster of every item; absent if the training diverged
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from rnn_core.comparison.candidates import SeedResult
from rnn_core.diagnostics.findings import SeedFindings
from rnn_core.metric import Metric
from rnn_core.records import NO_OTHER_KEYS

RESULT = "result.json"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The evaluation of one training.

    Attributes:
        metric: The metric of the scores.
        scores: On the validation and test sets.
        validation_loss: The loss on the validation set; None if the loss is the metric, or the
            training diverged.
        most_steps: Steps of a sequence that diagnostics looked at.
        findings: Results of the diagnostics.
        illustration: What the model does on the test set, as plain JSON; None if there is none.
    """

    __pydantic_config__: ClassVar = NO_OTHER_KEYS

    metric: Metric
    scores: SeedResult
    validation_loss: float | None
    most_steps: int
    findings: SeedFindings
    illustration: Mapping[str, Any] | None
