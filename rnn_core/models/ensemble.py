"""Several trained models of the same kind as one: the mean of what they say.

Classifiers, language models, transcribers and translators average the probabilities of each step
(for transcribers of each frame's symbols), forecasters their forecasts. An ensemble stands where
one model stands: it has the same methods, and what carries a state carries those of all members.

It is for answering and scoring alone. The probabilities that it gives stand where logits do:
their logarithm, whose softmax they are.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from rnn_core.errors import ParameterError
from rnn_core.layers.recurrent import State
from rnn_core.models.beam_search import parts_of
from rnn_core.models.forecaster import Forecaster
from rnn_core.models.language_model import LanguageModel
from rnn_core.models.ports import HasPorts, Port, Ports
from rnn_core.models.sentence_classifier import SentenceClassifier
from rnn_core.models.sequence_classifier import SequenceClassifier
from rnn_core.models.sequence_model import SequenceModel
from rnn_core.models.transcriber import Transcriber
from rnn_core.models.translator import Source, Translator

M = TypeVar("M", bound=nn.Module)


def ensemble(members: Sequence[nn.Module]) -> nn.Module:
    """Several models as one; a single one is itself.

    Args:
        members: Of the same kind and task, in evaluation mode.

    Raises:
        TypeError: If their kind is not known.
    """
    if len(members) == 1:
        return members[0]
    kinds: dict[type[nn.Module], type[Ensemble]] = {
        Forecaster: ForecastEnsemble,
        SentenceClassifier: ClassifierEnsemble,
        SequenceClassifier: ClassifierEnsemble,
        LanguageModel: StepEnsemble,
        SequenceModel: StepEnsemble,
        Transcriber: TranscriberEnsemble,
        Translator: TranslatorEnsemble,
    }
    kind = type(members[0])
    if kind not in kinds or any(type(member) is not kind for member in members):
        raise TypeError(f"{[type(member).__name__ for member in members]} make no ensemble")
    return kinds[kind](members).eval()


def mean_log_probabilities(logits: Sequence[Tensor]) -> Tensor:
    """The logarithm of the mean of softmaxes over the last dimension, (..., C) each."""
    logs = torch.stack([each.log_softmax(dim=-1) for each in logits])
    return logs.logsumexp(dim=0) - math.log(len(logits))


class Ensemble(nn.Module):
    """Several models as one.

    Args:
        members: Of the same kind.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def each(self, kind: type[M]) -> list[M]:
        """The members, which all have one kind."""
        return [member for member in self.members if isinstance(member, kind)]

    def joined(self, states: Sequence[State]) -> State:
        """The states of all members as one, the first member's first."""
        return tuple(part for state in states for part in parts_of(state))

    def shared_out(self, state: State) -> list[State]:
        """The state of each member."""
        parts = parts_of(state)
        each = len(parts) // len(self.members)
        pieces = [parts[i : i + each] for i in range(0, len(parts), each)]
        return [piece if each > 1 else piece[0] for piece in pieces]

    def ports(self) -> Ports:
        """As its members, which have the same: log-probabilities are logits, too.

        Raises:
            ParameterError: If they have none.
        """
        return self.ports_of_each()[0]

    def ports_of_each(self) -> list[Ports]:
        """The ports of each member."""
        found = [member.ports() for member in self.members if isinstance(member, HasPorts)]
        if len(found) < len(self.members):
            kind = type(self.members[0]).__name__
            raise ParameterError(f"{kind} does not say what goes into it: add `ports`")
        return found

    def averaged(self, found: Sequence[tuple[Tensor, State]]) -> tuple[Tensor, State]:
        """The mean of what members say of a step, and their states after it."""
        states = self.joined([after for _, after in found])
        return mean_log_probabilities([logits for logits, _ in found]), states


class ForecastEnsemble(Ensemble):
    """The mean of forecasts."""

    def forward(self, past: Tensor, ahead: Tensor | None = None) -> Tensor:
        """As `Forecaster`."""
        return torch.stack([member(past, ahead) for member in self.members]).mean(dim=0)


class ClassifierEnsemble(Ensemble):
    """The mean of the probabilities of classes."""

    def forward(self, steps: Tensor, lengths: Tensor, evidence: Tensor | None = None) -> Tensor:
        """As its members; gives log-probabilities (B, C)."""
        inputs = (steps, lengths) if evidence is None else (steps, lengths, evidence)
        return mean_log_probabilities([member(*inputs) for member in self.members])


class TranscriberEnsemble(Ensemble):
    """The mean of the probabilities of symbols, step by step."""

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As `Transcriber`."""
        found = [member(frames, lengths) for member in self.members]
        return mean_log_probabilities([outputs for outputs, _ in found]), found[0][1]


class StepEnsemble(Ensemble):
    """The mean of the probabilities of the next token, with the states of all members."""

    def forward(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """As `LanguageModel` and `SequenceModel`; gives log-probabilities (B, T, V)."""
        owned = zip(self.members, self.own_states(state), strict=True)
        return self.averaged([member(tokens, own) for member, own in owned])

    def step(self, tokens: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """As `forward`, for one token of each sequence, (B,); gives (B, V)."""
        members: list[LanguageModel | SequenceModel] = [*self.each(LanguageModel)]
        members += self.each(SequenceModel)
        owned = zip(members, self.own_states(state), strict=True)
        return self.averaged([member.step(tokens, own) for member, own in owned])

    def ports(self) -> Ports:
        """As its members, with the states of all of them.

        Raises:
            ParameterError: If they have none.
        """
        each = [numbered(ports, i) for i, ports in enumerate(self.ports_of_each(), 1)]
        first = each[0]
        return replace(
            first,
            inputs=(first.inputs[0], tuple(port for p in each for port in [*p.flat_inputs()][1:])),
            outputs=(first.outputs[0], *(port for p in each for port in p.outputs[1:])),
            notes={name: note for p in each for name, note in p.notes.items()},
        )

    def own_states(self, state: State | None) -> Sequence[State | None]:
        """The state of each member; none where it starts."""
        return [None] * len(self.members) if state is None else self.shared_out(state)


def numbered(ports: Ports, number: int) -> Ports:
    """The ports of a member, with its number in the names of its states."""

    def one(port: Port) -> Port:
        meaning = f"member {number}: {port.meaning}"
        for name in ports.notes:
            meaning = meaning.replace(name, f"{name}_{number}")
        return replace(port, name=f"{port.name}_{number}", meaning=meaning)

    given, *states = ports.flat_inputs()
    return replace(
        ports,
        inputs=(given, *map(one, states)),
        outputs=(ports.outputs[0], *map(one, ports.outputs[1:])),
        notes={f"{name}_{number}": note for name, note in ports.notes.items()},
    )


class Sources:
    """Results of each member's encoder for the same sentences.

    Args:
        parts: Of each member.
    """

    def __init__(self, parts: Sequence[Source]) -> None:
        self.parts = tuple(parts)

    def take(self, sentences: Tensor) -> "Sources":
        """Keep some of the sentences, by index."""
        return Sources([part.take(sentences) for part in self.parts])


class TranslatorEnsemble(Ensemble):
    """The mean of the probabilities of the next piece."""

    @property
    def written(self) -> Tensor:
        """Pieces that a translation may hold; see `Translator`."""
        return self.each(Translator)[0].written

    def forward(
        self, pieces: Tensor, lengths: Tensor, before: Tensor, kept: Tensor | None = None
    ) -> Tensor:
        """As `Translator`; gives log-probabilities."""
        return mean_log_probabilities([m(pieces, lengths, before, kept) for m in self.members])

    def looked_at(self, pieces: Tensor, lengths: Tensor, before: Tensor) -> Tensor | None:
        """As `Translator.looked_at`; the mean."""
        found = [member.looked_at(pieces, lengths, before) for member in self.each(Translator)]
        each = [weights for weights in found if weights is not None]
        return torch.stack(each).mean(dim=0) if each else None

    def encode(self, pieces: Tensor, lengths: Tensor) -> tuple[Sources, State]:
        """As `Translator.encode`."""
        found = [member.encode(pieces, lengths) for member in self.each(Translator)]
        return Sources([source for source, _ in found]), self.joined([s for _, s in found])

    def next_piece(self, before: Tensor, state: State, source: Sources) -> tuple[Tensor, State]:
        """As `Translator.next_piece`."""
        owned = zip(self.each(Translator), self.shared_out(state), source.parts, strict=True)
        return self.averaged([member.next_piece(before, own, part) for member, own, part in owned])
