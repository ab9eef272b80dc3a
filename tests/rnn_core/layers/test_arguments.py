"""Messages of a layer about arguments that do not fit, and acceptance of all those that do."""

import numpy as np
import pytest
import torch
from torch import nn

from rnn_core.cells.gru import GRU
from rnn_core.errors import ParameterError
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H = 6, 3, 4, 8
X = torch.zeros(T, B, I, dtype=torch.float64)


def state(*shape):
    return torch.zeros(*shape, dtype=torch.float64)


REFUSED_STATES = [
    ("gru", {}, state(2, B, H), r"a tensor \(1, 3, 8\), not \(2, 3, 8\): num_layers times directi"),
    ("gru", {"num_layers": 2}, state(1, B, H), r"\(2, 3, 8\), not \(1, 3, 8\): num_layers times"),
    ("gru", {"bidirectional": True}, state(1, B, H), r"\(2, 3, 8\), not \(1, 3, 8\)"),
    ("gru", {}, state(B, H), r"not \(3, 8\): the input is several sequences, for which h is 3-D"),
    ("gru", {}, state(1, B + 1, H), r"batch is 3 here, not 4"),
    ("gru", {}, state(1, 1, H), r"batch is 3 here, not 1"),
    ("gru", {}, state(1, B, 1), r"size is 8 here, not 1"),
    ("gru", {}, (state(1, B, H),) * 2, r"a tensor \(1, 3, 8\), not 2 tensors"),
    ("gru", {}, [[0.0] * H], "not a list of list"),
    ("gru", {}, state(1, B, H).float(), r"hx is float32 and the weights are float64"),
    ("gru", {}, state(1, B, H).long(), "hx must be float64, as the weights are, not int64$"),
    ("gru", {}, state(1, B, H).to_sparse(), "hx must be a dense tensor, not sparse_coo"),
    ("gru", {}, state(1, B, H).to("meta"), r"hx is on meta and the weights are on cpu"),
    ("lstm", {}, state(1, B, H), r"tuple of 2 tensors, h \(1, 3, 8\), c \(1, 3, 8\), not one"),
    ("lstm", {}, (state(1, B, H),) * 3, "not 3 tensors"),
    ("lstm", {"num_layers": 3}, (state(B, H),) * 2, r"not \(3, 8\), \(3, 8\): the input is sever"),
    ("lstm", {}, (state(1, B, H), state(1, B, H + 1)), "size is 8 here, not 9"),
    ("lstm", {}, (state(1, B, H), None), "not a tuple of Tensor, NoneType"),
    ("lstm", {}, (state(1, B, H), state(1, B, H).float()), "c of hx is float32 and the weights"),
]


@pytest.mark.parametrize(("cell", "options", "hx", "message"), REFUSED_STATES)
def test_a_state_that_does_not_fit_is_refused(cell, options, hx, message):
    with pytest.raises(ParameterError, match=message):
        Recurrent(cell, I, H, **options)(X, hx)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X[0, 0], r"input must be \(., ., I\), or \(T, I\) for one sequence, not 1-D: \(4,\)"),
        (X[None], r"not 4-D: \(1, 6, 3, 4\)"),
        (X[..., :3], r"input must have input_size = 4 features in its last dimension, not 3"),
        (X[:, 0, :3], "input_size = 4 features in its last dimension, not 3"),
        (X.long(), "input must be float64, as the weights are, not int64; .* nn.Embedding"),
        (X.bool(), "must be float64, as the weights are, not bool"),
        (X.to(torch.complex128), r"input is complex128 and the weights are float64: .*\.to\(torch"),
        (X.float(), r"input is float32 and the weights are float64: convert .*\.to\(torch.float64"),
        (X.to("meta"), r"input is on meta and the weights are on cpu: move"),
        (X.tolist(), "input must be a tensor .* or a PackedSequence, not list"),
        (X.numpy(), "not ndarray"),
        (X.to_sparse(), r"input must be a dense tensor, not sparse_coo: .*\.to_dense\(\)"),
        (
            torch.nested.nested_tensor([X[0], X[1]], layout=torch.jagged),
            "not a nested one: use .*pack_sequence",
        ),
        (X[:, :0][:0], "at least one step"),
        (X[:0, 0], "at least one step"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(x, message, batch_first):
    with pytest.raises(ParameterError, match=message):
        Recurrent("gru", I, H, batch_first=batch_first)(x)


def test_what_catches_the_errors_of_torch_catches_ours():
    """For the same mistakes, `torch.nn.GRU` raises these."""
    for layer in (Recurrent("gru", I, H), nn.GRU(I, H)):
        with pytest.raises(RuntimeError):
            layer(X[..., :3])
        with pytest.raises(RuntimeError):
            layer(X, state(2, B, H))
        with pytest.raises(ValueError, match="float32"):
            layer(X.float())
    for make in (lambda size: Recurrent("gru", I, size), lambda size: nn.GRU(I, size)):
        with pytest.raises(TypeError):
            make(8.0)
        with pytest.raises(ValueError, match="hidden_size"):
            make(0)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([5, 7, 3]), "sequence 1 has 7"),
        (torch.tensor([5, 6]), r"not \(2,\)"),
        ([5, 9, -2], "from 0 to 6, the steps of the input; sequence 1 has 9"),
        ([5, 6, -2], "sequence 2 has -2"),
        ([5, 2.5, 6], "sequence 1 has 2.5"),
        ([5, float("nan"), 6], "sequence 1 has nan"),
        ([5, 6], r"one number for each of the 3 sequences, \(3,\), not \(2,\)"),
        ([[5, 6, 1]], r"\(3,\), not \(1, 3\)"),
        (5, r"\(3,\), not \(\)"),
        ([True, True, False], "whole numbers, .*, not bool"),
        ([1j, 2, 3], "whole numbers, .*, not complex"),
        (["a", 2, 3], "whole numbers, .*, not .'a', 2, 3"),
        ([[1], 2, 3], "whole numbers"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths, message):
    with pytest.raises(ParameterError, match=f"lengths must .*{message}"):
        Recurrent("gru", I, H)(X, lengths=lengths)


@pytest.mark.parametrize(
    "lengths",
    [
        [6, 0, 3],
        (6, 0, 3),
        np.array([6, 0, 3]),
        np.array([6, 0, 3], dtype=np.uint8),
        torch.tensor([6, 0, 3], dtype=torch.int32),
        torch.tensor([6.0, 0.0, 3.0]),
        [torch.tensor(6), torch.tensor(0), torch.tensor(3)],
    ],
)
def test_lengths_may_be_anything_that_holds_whole_numbers(lengths):
    layer, x = Recurrent("gru", I, H, bidirectional=True), torch.randn(T, B, I)
    outputs, final = layer(x, lengths=lengths)
    for b, length in ((0, 6), (2, 3)):
        alone, final_alone = layer(x[:length, b : b + 1])
        torch.testing.assert_close(outputs[:length, b : b + 1], alone)
        torch.testing.assert_close(final[:, b : b + 1], final_alone)
    assert not outputs[:, 1].any()
    assert not final[:, 1].any()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("gru", I, 8.0), {}, "hidden_size must be a whole number, not 8.0"),
        (("gru", "4", H), {}, "input_size must be a whole number, not '4'"),
        (("gru", True, H), {}, "input_size must be a whole number, not True"),
        (("gru", I, -1), {}, "hidden_size must be at least 1, not -1"),
        (("gru", I, H, 0.5), {}, "num_layers must be a whole number, not 0.5"),
        (("gru", I, H, 2, 0.5), {}, "bias must be True or False, not 0.5"),
        (("gru", I, H, 2, True, 0.5), {}, "batch_first must be True or False, not 0.5"),
        (("gru", I, H), {"bidirectional": 1}, "bidirectional must be True or False, not 1"),
        (("gru", I, H), {"dropout": "0.5"}, "dropout must be a number, not '0.5'"),
        (("gru", I, H), {"dropout": True}, "dropout must be a number, not True"),
        (("gru", I, H), {"zoneout": float("nan")}, r"zoneout must be in \[0, 1\), not nan"),
        (("gru", I, H), {"recurrent_dropout": 1}, r"recurrent_dropout must be in \[0, 1\), not 1"),
        (("gru", I, H), {"initial_state": "zero"}, "unknown initial_state 'zero'; did you mean 'z"),
        (("gru", I, H), {"initial_state": None}, "unknown initial_state 'None'; known: learned, "),
        (("gru", I, H), {"dtype": torch.int64}, "dtype must be of floating point, not torch.int64"),
        (("gru", I, H), {"dtype": "float32"}, "dtype must be a torch.dtype.*, not 'float32'"),
        (("gru", I, H), {"dtype": np.float32}, "dtype must be a torch.dtype.*numpy.float32"),
        (("gru", I, H), {"initialisation": "uniform"}, r"by Initialisation\(...\), not 'uniform'"),
        (("gru", I, H), {"generator": 7}, "generator must be a torch.Generator, .*, not 7"),
        (("LSTM", I, H), {}, "unknown cell 'LSTM'; did you mean 'lstm'"),
        (("grru", I, H), {}, "unknown cell 'grru'; did you mean 'gru'"),
        ((GRU, I, H), {}, r"cell is the class GRU; hand over an instance of it, GRU\(\)"),
        ((nn.GRUCell(I, H), I, H), {}, "cell must be .*, not GRUCell"),
        ((nn.GRU, I, H), {}, "cell must be .*, not GRU"),
        ((None, I, H), {}, "cell must be .*, not None"),
    ],
)
def test_a_constructor_argument_that_does_not_fit_is_refused(arguments, options, message):
    with pytest.raises(ParameterError, match=message):
        Recurrent(*arguments, **options)


def test_a_size_may_be_any_whole_number():
    layer = Recurrent("gru", np.int64(I), np.int32(H), np.uint8(2))
    assert layer(torch.randn(T, B, I))[1].shape == (2, B, H)
    assert type(layer.num_layers) is int


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("cell", ["gru_reset_after", "lstm"])
def test_one_sequence_is_read_as_torch_reads_it(cell, batch_first):
    options = {"num_layers": 2, "bidirectional": True, "batch_first": batch_first}
    layer = Recurrent(cell, I, H, **options)
    x, first = torch.randn(T, I), [torch.randn(4, H) for _ in layer.cell.states]
    hx = tuple(first) if len(first) > 1 else first[0]
    outputs, final = layer(x, hx)
    batched = tuple(part.unsqueeze(1) for part in first)
    expected, expected_final = layer(
        x.unsqueeze(0 if batch_first else 1), batched if len(first) > 1 else batched[0]
    )
    torch.testing.assert_close(outputs, expected.squeeze(0 if batch_first else 1))
    parts = zip((final,), (expected_final,), strict=True)
    if len(first) > 1:
        parts = zip(final, expected_final, strict=True)
    for part, expected_part in parts:
        torch.testing.assert_close(part, expected_part.squeeze(1))


def test_one_sequence_has_no_lengths_and_no_batched_state():
    layer = Recurrent("gru", I, H)
    with pytest.raises(ParameterError, match="leave out `lengths`"):
        layer(X[:, 0], lengths=[6])
    with pytest.raises(ParameterError, match="a single sequence, for which h is 2-D and not 3-D"):
        layer(X[:, 0], state(1, 1, H))


def test_one_sequence_under_vmap_is_read_as_such():
    layer, many = Recurrent("gru", I, H, num_layers=2), torch.randn(5, T, I)
    first = torch.randn(5, 2, H)
    outputs, final = torch.vmap(layer)(many, first)
    expected, expected_final = layer(many.transpose(0, 1), first.transpose(0, 1).contiguous())
    torch.testing.assert_close(outputs, expected.transpose(0, 1))
    torch.testing.assert_close(final, expected_final.transpose(0, 1))


def test_lengths_under_vmap_are_read_without_a_look_at_their_values():
    layer, many = Recurrent("gru", I, H), torch.randn(5, T, B, I)
    lengths = torch.randint(1, T + 1, (5, B))
    outputs, _ = torch.vmap(lambda x, n: layer(x, lengths=n))(many, lengths)
    for one, x, n in zip(outputs, many, lengths, strict=True):
        torch.testing.assert_close(one, layer(x, lengths=n)[0])
