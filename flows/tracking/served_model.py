"""The registered model, from raw input to an answer that users understand.

MLflow stores this file with the weights and runs it to load the model ("models from
code"); nothing is pickled.
"""

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from rnn_core.errors import StudyError
from rnn_core.files import digest_of
from rnn_core.training.models import restore_registered


class RecurrentModel(PythonModel):
    """A trained model with the preparation of its input and the decoding of its output."""

    def load_context(self, context: PythonModelContext) -> None:
        """Rebuild the model from its run folder.

        Raises:
            StudyError: If the folder has changed since it was registered.
        """
        run = Path(context.artifacts["run"])
        digest = digest_of(run)
        if digest != Path(context.artifacts["digest"]).read_text(encoding="utf-8"):
            raise StudyError(f"{run} has been changed since it was registered: {digest}")
        self.task, self.model = restore_registered(run)

    def predict(
        self,
        context: PythonModelContext | None,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Answer a table of raw input; the task says which columns it has.

        `params` are the task's `AnswerParameters`, such as the temperature of a text.
        """
        parameters = self.task.AnswerParameters(**(params or {}))
        return self.task.answer(self.model, model_input, parameters)


mlflow.models.set_model(RecurrentModel())
