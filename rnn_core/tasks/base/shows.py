"""The role of a task that sets a model beside what is known without it."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeAlias

from torch import nn

from rnn_core.metric import Split
from rnn_core.tasks.base.prepared import Data
from rnn_core.tasks.base.role import Role

Illustration: TypeAlias = dict[str, Any]
"""Examples of a model's work on a split, for people, as plain JSON. `kind` says which form it has:

- text: `texts` are a `prompt` and the `text` that a model writes from it, prompt included;
- forecast: `series` have the `name` of a column, its values in the `past`, and the `truth`
  and the `forecast` of what follows, in the units of the raw data; perhaps `intervals`, each with
  its `percent` and its `low` and `high` ends;
- confusion: `counts` say how many items of each class (row) were taken for each (column),
  in the order of `labels`;
- pairs: `pairs` are a `source`, the `reference` that answers it, and a model's `output`.
"""


class Shows(Role, ABC):
    """Shows a model's work, and what simple predictors and perfect ones score."""

    margin: ClassVar[float]
    """The largest difference of the metric that does not matter, if params.yaml has none."""

    @abstractmethod
    def illustrate(self, model: nn.Module, data: Data, split: Split) -> Illustration:
        """Show what a model does on a split; the same model gives the same bytes.

        Args:
            model: A model of this task, on the CPU and in evaluation mode.
            data: Prepared data, on the CPU.
            split: The split.
        """

    @abstractmethod
    def baselines(self, data: Data) -> dict[str, float]:
        """The metric on the test set of simple predictors without a recurrent cell."""

    def optimum(self) -> float | None:
        """The best metric that is possible on the test set, where it is known."""
        return None
