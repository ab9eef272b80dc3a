"""Common parts of the roles of a task for a prepared dataset."""

from rnn_core.tasks.base.model_parameters import ModelParameters
from rnn_core.tasks.base.prepared import Meta


class Role:
    """A part of a task's work, for one prepared dataset.

    Args:
        meta: What `prepare` found out about the dataset, of the task's own `Meta`.
        model: Parameters of the model, of the task's own `ModelParameters`.
        seed: Seed of the training; it decides which fold is the test set where splits
            take turns.
    """

    def __init__(self, meta: Meta, model: ModelParameters, seed: int = 0) -> None:
        self.meta = meta
        self.model = model
        self.seed = seed
        self.check()

    def check(self) -> None:
        """Refuse model parameters that do not fit the dataset.

        Raises:
            ParameterError: If they do not.
        """
