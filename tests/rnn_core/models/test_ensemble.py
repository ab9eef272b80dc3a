"""An ensemble says what the mean of its members says, wherever one model stands."""

import math
from functools import partial

import pytest
import torch

from rnn_core.features.subwords import END, START
from rnn_core.layers.recurrent import Recurrent
from rnn_core.models.beam_search import translate
from rnn_core.models.ensemble import ensemble
from rnn_core.models.forecaster import Forecaster
from rnn_core.models.language_model import LanguageModel
from rnn_core.models.sentence_classifier import SentenceClassifier
from rnn_core.models.sequence_classifier import SequenceClassifier
from rnn_core.models.sequence_model import SequenceModel
from rnn_core.models.transcriber import Transcriber
from rnn_core.models.translator import Translator

CELLS = ("gru", "lstm")


@pytest.fixture(autouse=True)
def doubles():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def members(make, cell, number=3):
    found = []
    for seed in range(number):
        torch.manual_seed(seed)
        model = make(partial(Recurrent, cell, hidden_size=6, batch_first=True)).eval()
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.8)
        found.append(model)
    return found


def sentences(make_cell):
    return SentenceClassifier(
        make_cell, 9, 5, 0, 4, bidirectional=True, pooling="max", dropout=0.3, word_dropout=0.1
    )


def frames(make_cell):
    return SequenceClassifier(make_cell, 5, 4, bidirectional=False, pooling="mean", dropout=0.3)


def forecaster(make_cell):
    return Forecaster(
        make_cell,
        num_features=2,
        targets=[1],
        lookback=6,
        horizon=3,
        segment=2,
        embedding_size=0,
        normalisation="last_value",
        channels="together",
        dropout=0.2,
    )


def transcriber(make_cell):
    return Transcriber(make_cell, 5, 4, stack=2, bidirectional=True, dropout=0.2)


def translator(make_cell, attention=True):
    written = torch.tensor([END, 4, 5, 6, 7])
    return Translator(make_cell, 9, 6, written=written, attention=attention, dropout=0.1)


def language(make_cell):
    return LanguageModel(make_cell, 9, 5, dropout=0.1, embedding_dropout=0.1, tie_weights=True)


def mean_probabilities(each):
    """By the definition, in plain Python, of (C,) logits each."""
    found = []
    for logits in each:
        powers = [math.exp(value) for value in logits.tolist()]
        found.append([power / sum(powers) for power in powers])
    return torch.tensor([sum(column) / len(found) for column in zip(*found, strict=True)])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("make", [sentences, frames])
def test_classes_have_the_mean_probability(make, cell):
    each = members(make, cell)
    lengths = torch.tensor([4, 2])
    if make is sentences:
        inputs = (torch.randint(9, (2, 4)), lengths, torch.zeros(2, 4, 0))
    else:
        inputs = (torch.randn(2, 4, 5), lengths)
    found = ensemble(each)(*inputs).softmax(dim=-1)
    apart = [model(*inputs) for model in each]
    for row in range(2):
        torch.testing.assert_close(found[row], mean_probabilities([a[row] for a in apart]))
    assert not torch.allclose(found, torch.stack(apart).mean(dim=0).softmax(dim=-1), atol=1e-3)


@pytest.mark.parametrize("cell", CELLS)
def test_a_forecast_is_the_mean(cell):
    each, past = members(forecaster, cell), torch.randn(4, 6, 2)
    apart = [model(past) for model in each]
    torch.testing.assert_close(ensemble(each)(past), (apart[0] + apart[1] + apart[2]) / 3)


@pytest.mark.parametrize("cell", CELLS)
def test_a_transcriber_averages_symbols_step_by_step(cell):
    each = members(transcriber, cell)
    inputs = torch.randn(2, 7, 5), torch.tensor([7, 3])
    found, steps = ensemble(each)(*inputs)
    apart = [model(*inputs) for model in each]
    assert steps.tolist() == apart[0][1].tolist()
    for row, step in ((0, 0), (0, 3), (1, 1)):
        wanted = mean_probabilities([outputs[row, step] for outputs, _ in apart])
        torch.testing.assert_close(found[row, step].exp(), wanted)


@pytest.mark.parametrize("cell", CELLS)
def test_every_member_carries_its_own_state(cell):
    each, tokens = members(language, cell), torch.randint(9, (2, 7))
    together = ensemble(each)
    whole, _ = together(tokens)
    first, state = together(tokens[:, :3])
    second, state = together(tokens[:, 3:5], state)
    third, state = together.step(tokens[:, 5], state)
    last, _ = together.step(tokens[:, 6], state)
    pieces = torch.cat([first, second, third[:, None], last[:, None]], dim=1)
    torch.testing.assert_close(pieces, whole)
    apart = [model(tokens)[0] for model in each]
    wanted = mean_probabilities([logits[1, 6] for logits in apart])
    torch.testing.assert_close(whole[1, 6].exp(), wanted)


def test_a_sequence_model_averages_too():
    def make(make_cell):
        return SequenceModel(make_cell, 3, 4)

    each, steps = members(make, "lstm"), torch.randn(2, 5, 3)
    found, _ = ensemble(each)(steps)
    wanted = mean_probabilities([model(steps)[0][0, 4] for model in each])
    torch.testing.assert_close(found[0, 4].exp(), wanted)


def greedy(each, sentence, limit):
    """The likeliest piece of the mean, again and again, all read again at each step."""
    words = []
    while len(words) < limit:
        before = torch.tensor([[START, *words]])
        read = torch.tensor([sentence]), torch.tensor([len(sentence)]), before
        mean = mean_probabilities([model(*read)[0, -1] for model in each])
        piece = each[0].written[mean.argmax()].item()
        if piece == END or len(words) + 1 == limit:
            break
        words.append(piece)
    return words


@pytest.mark.parametrize("attention", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_a_translation_follows_the_mean_of_all(cell, attention):
    each = members(partial(translator, attention=attention), cell)
    texts = [[5, 6, 7, END], [7, END], [4, 4, 5, END]]
    lengths = torch.tensor([len(text) for text in texts])
    pieces = torch.zeros(3, 4, dtype=torch.int64)
    for row, text in enumerate(texts):
        pieces[row, : len(text)] = torch.tensor(text)
    with torch.inference_mode():
        found = translate(
            ensemble(each),
            pieces,
            lengths,
            torch.tensor([6, 6, 6]),
            start=START,
            end=END,
            beam_size=1,
            length_exponent=1.0,
        )
        assert found == [greedy(each, text, 6) for text in texts]
        alone = [greedy(each[:1], text, 6) for text in texts]
    assert found != alone or cell != "gru"


def test_references_are_scored_by_the_mean_too():
    each = members(translator, "lstm")
    pieces, lengths = torch.tensor([[5, 6, END], [7, END, 0]]), torch.tensor([3, 2])
    before = torch.tensor([[START, 4, 5], [START, 6, 0]])
    kept = torch.tensor([[True, True, True], [True, True, False]])
    found = ensemble(each)(pieces, lengths, before, kept)
    apart = [model(pieces, lengths, before)[1, 1] for model in each]
    torch.testing.assert_close(found[4].exp(), mean_probabilities(apart))


def test_one_is_itself_and_strangers_are_none():
    each = members(language, "gru", 1)
    assert ensemble(each) is each[0]
    with pytest.raises(TypeError, match=r"LanguageModel.*Transcriber"):
        ensemble([*each, *members(transcriber, "gru", 1)])
