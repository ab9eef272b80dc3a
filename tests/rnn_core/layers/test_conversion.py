"""Converted weights against the modules of torch and Keras that they come from and go to."""

import copy

import keras
import numpy as np
import pytest
import torch
from keras.src.backend.common import dtypes
from torch import nn

from rnn_core.cells import REGISTRY
from rnn_core.cells.lstm import LSTM
from rnn_core.errors import ParameterError
from rnn_core.layers.conversion import KERAS, TORCH, from_keras, from_torch, to_keras, to_torch
from rnn_core.layers.recurrent import Recurrent

pytestmark = [
    pytest.mark.usefixtures("float64"),
    # Keras 3.15 reads its own variables in a way that NumPy 2 calls old.
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning:keras"
    ),
]

T, B, I, H = 6, 3, 4, 5


@pytest.fixture(autouse=True)
def keras_in_float64(monkeypatch):
    """Without this, Keras rounds float64 to float32 in every product; see `result_type`."""
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")


MODULES = {
    "rnn_tanh": nn.RNN,
    "rnn_relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    "lstm": nn.LSTM,
    "gru_reset_after": nn.GRU,
}
SHAPES = [
    {},
    {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.25},
    {"num_layers": 3, "bias": False},
]


def close(ours, theirs, tolerance=1e-11):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def randomised(module):
    """A module whose every weight is random, so that none can be forgotten."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.9, 0.9)
    return module


def run(module, x):
    """Outputs, every final state, and the gradient of a loss that all of these enter."""
    x = x.clone().requires_grad_()
    outputs, state = module(x)
    results = [outputs, *(state if isinstance(state, tuple) else (state,))]
    sum((part.sin() * (1 + n)).sum() for n, part in enumerate(results)).backward()
    return [*(part.detach() for part in results), x.grad]


@pytest.mark.parametrize("options", SHAPES, ids=["plain", "deep", "without biases"])
@pytest.mark.parametrize("name", MODULES)
def test_layer_from_torch_computes_what_the_module_does(name, options):
    module = randomised(MODULES[name](I, H, **options)).eval()
    layer = from_torch(module)
    x = torch.randn(T, B, I)
    close(run(layer, x), run(module, x))
    for ours, (of_input, of_state, *biases) in zip(
        layer.directions, module.all_weights, strict=True
    ):
        close(ours.input_weight.grad, of_input.grad)
        recurrent = torch.cat([ours.weights[gate].grad.T for gate in layer.cell.gates])
        close(recurrent, of_state.grad)
        if biases:
            close(ours.input_bias.grad, biases[0].grad)
            if name == "gru_reset_after":
                close(ours.weights["c"].grad, biases[1].grad[2 * H :])


@pytest.mark.parametrize("options", SHAPES, ids=["plain", "deep", "without biases"])
@pytest.mark.parametrize("name", MODULES)
def test_module_to_torch_computes_what_the_layer_does(name, options):
    layer = from_torch(randomised(MODULES[name](I, H, **options)).eval())
    randomised(layer)
    module = to_torch(layer)
    same = MODULES[name](I, H)
    assert (type(module), module.mode) == (type(same), same.mode)
    x = torch.randn(T, B, I)
    close(run(module, x), run(layer, x))
    again = from_torch(module).state_dict()
    assert all(again[key].equal(value) for key, value in layer.state_dict().items())


def test_conversion_carries_options_type_and_mode():
    module = nn.GRU(I, H, 2, batch_first=True, dropout=0.25, dtype=torch.float32).eval()
    layer = from_torch(module)
    back = to_torch(layer)
    assert (layer.dropout, layer.batch_first, layer.training) == (0.25, True, False)
    assert (back.dropout, back.batch_first, back.training) == (0.25, True, False)
    assert back.num_layers == 2
    kinds = {p.dtype for p in (*layer.parameters(), *back.parameters())}
    assert kinds == {torch.float32}
    module.train()
    assert to_torch(from_torch(module)).training


def test_conversion_copies_and_draws_no_random_numbers():
    module = nn.LSTM(I, H)
    before = torch.get_rng_state()
    layer = from_torch(module)
    back = to_torch(layer)
    arrays = to_keras(layer)
    again = from_keras("lstm", arrays)
    assert torch.get_rng_state().equal(before)
    kept = copy.deepcopy((layer.state_dict(), back.state_dict(), again.state_dict()))
    with torch.no_grad():
        for parameter in (*module.parameters(), *layer.parameters()):
            parameter.zero_()
    for array in arrays:
        array[...] = 0
    assert back.weight_ih_l0.equal(kept[1]["weight_ih_l0"])
    key = "directions.0.input_weight"
    assert again.state_dict()[key].equal(kept[2][key])
    assert kept[0][key].any()


@pytest.mark.parametrize("module", [nn.Linear(I, H), nn.GRUCell(I, H)])
def test_module_without_a_cell_is_refused_by_name(module):
    with pytest.raises(ParameterError, match=rf"no cell for {type(module).__name__}\(.*convert"):
        from_torch(module)


@pytest.mark.parametrize("bias", [True, False])
def test_projected_weights_come_back_as_they_were(bias):
    module = randomised(nn.LSTM(I, H, 2, bias=bias, bidirectional=True, proj_size=2))
    layer = from_torch(module)
    back = to_torch(layer)
    x = torch.randn(T, B, I)
    close(run(layer, x), run(module, x))
    close(run(back, x), run(module, x))
    with pytest.raises(ParameterError, match="proj_size of the layer cannot be expressed in Keras"):
        to_keras(layer)


class Custom(LSTM):
    """The user's own cell, which only inherits from one that torch has."""


def test_layer_without_a_counterpart_is_refused_by_name():
    with pytest.raises(ParameterError, match=r"torch\.nn has no MGU: rnn_tanh, rnn_relu, lstm, "):
        to_torch(Recurrent("mgu", I, H))
    with pytest.raises(ParameterError, match=r"torch\.nn has no GRU:"):
        to_torch(Recurrent("gru", I, H))
    with pytest.raises(ParameterError, match="Keras has no Custom:"):
        to_keras(Recurrent(Custom(), I, H))


@pytest.mark.parametrize("convert", [to_torch, to_keras])
@pytest.mark.parametrize(
    "option", [{"initial_state": "learned"}, {"zoneout": 0.1}, {"recurrent_dropout": 0.1}]
)
def test_option_without_a_counterpart_is_refused_by_name(option, convert):
    with pytest.raises(ParameterError, match=f"{next(iter(option))} of the layer cannot be"):
        convert(Recurrent("lstm", I, H, **option))


KERAS_LAYERS = {
    "rnn_tanh": lambda **options: keras.layers.SimpleRNN(H, **options),
    "rnn_relu": lambda **options: keras.layers.SimpleRNN(H, activation="relu", **options),
    "rnn_sigmoid": lambda **options: keras.layers.SimpleRNN(H, activation="sigmoid", **options),
    "lstm": lambda **options: keras.layers.LSTM(H, **options),
    "gru": lambda **options: keras.layers.GRU(H, reset_after=False, **options),
    "gru_reset_after": lambda **options: keras.layers.GRU(H, reset_after=True, **options),
}


def keras_layer(name, bidirectional=False, bias=True, size=I):
    """A Keras layer with random weights, biases too, which start at zero."""
    options = {"return_sequences": True, "return_state": True, "dtype": "float64"}
    layer = KERAS_LAYERS[name](use_bias=bias, **options)
    if bidirectional:
        layer = keras.layers.Bidirectional(layer, dtype="float64")
    layer.build((None, None, size))
    random = np.random.default_rng(0)
    layer.set_weights([random.uniform(-0.9, 0.9, w.shape) for w in layer.get_weights()])
    return layer


def run_keras(layer, name, x):
    """The same as `run`, of a Keras layer."""
    x = x.clone().requires_grad_()
    outputs, *finals = layer(x)
    number = len(finals) // (1 + (name == "lstm"))  # of directions
    states = [torch.stack(finals[n :: len(finals) // number]) for n in range(1 + (name == "lstm"))]
    results = [outputs, *states]
    sum((part.sin() * (1 + n)).sum() for n, part in enumerate(results)).backward()
    return [*(part.detach() for part in results), x.grad]


def keras_gradients(layer):
    return [variable.value.grad for variable in layer.trainable_weights]


def gradients_as_keras_has_them(layer):
    """Conversion is linear, so gradients convert as weights do."""
    of = copy.deepcopy(layer)
    with torch.no_grad():
        for target, source in zip(of.parameters(), layer.parameters(), strict=True):
            target.copy_(source.grad)
    return [torch.from_numpy(array) for array in to_keras(of)]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", KERAS_LAYERS)
def test_layer_from_keras_computes_what_the_keras_layer_does(name, bias, bidirectional):
    theirs = keras_layer(name, bidirectional, bias)
    ours = from_keras(name, theirs.get_weights(), bidirectional=bidirectional)
    x = torch.randn(B, T, I)
    close(run(ours, x), run_keras(theirs, name, x))
    gradients = zip(gradients_as_keras_has_them(ours), keras_gradients(theirs), strict=True)
    for converted, gradient in gradients:
        if converted.shape == (2, 3 * H):  # two biases: all but n's share one bias of this layer
            close(converted[0], gradient[0])
            close(converted[1, 2 * H :], gradient[1, 2 * H :])
        else:
            close(converted, gradient)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", KERAS_LAYERS)
def test_keras_layer_computes_what_the_layer_does(name, bias, bidirectional):
    options = {"bias": bias, "bidirectional": bidirectional}
    ours = randomised(Recurrent(name, I, H, **options, batch_first=True))
    theirs = keras_layer(name, bidirectional, bias)
    theirs.set_weights(to_keras(ours))
    x = torch.randn(B, T, I)
    close(run_keras(theirs, name, x), run(ours, x))
    again = from_keras(name, theirs.get_weights(), bidirectional=bidirectional).state_dict()
    assert all(again[key].equal(value) for key, value in ours.state_dict().items())


def test_stacked_keras_layers_become_one():
    layers = [keras_layer("gru", True), keras_layer("gru", True, size=2 * H)]
    weights = [array for layer in layers for array in layer.get_weights()]
    ours = from_keras("gru", weights, num_layers=2, bidirectional=True)
    x = torch.randn(B, T, I)
    below, *_ = layers[0](x)
    expected, *_ = layers[1](below)
    close(ours(x)[0], expected)
    for array, converted in zip(weights, to_keras(ours), strict=True):
        np.testing.assert_array_equal(array, converted)


@pytest.mark.parametrize("name", ["lstm", "gru_reset_after", "gru"])
def test_the_keras_model_of_the_seed(name):
    """Input -> recurrent layer -> Dense, which gives every step's output and the final state."""
    inputs = keras.Input((T, I), dtype="float64")
    recurrent, dense = keras_layer(name), keras.layers.Dense(2, dtype="float64")
    sequence, *states = recurrent(inputs)
    model = keras.Model(inputs, [dense(sequence), *states])
    random = np.random.default_rng(1)
    dense.set_weights([random.uniform(-0.9, 0.9, w.shape) for w in dense.get_weights()])

    layer, linear = from_keras(name, recurrent.get_weights()), nn.Linear(H, 2)
    kernel, bias = map(torch.from_numpy, dense.get_weights())
    linear.load_state_dict({"weight": kernel.T, "bias": bias})

    x = torch.randn(B, T, I)
    expected, *final = model(x)
    sequence, state = layer(x)
    close(linear(sequence), expected)
    ours = state if isinstance(state, tuple) else (state,)
    close([part[0] for part in ours], final)
    assert len(final) == (2 if name == "lstm" else 1)


def test_weights_keep_the_type_that_keras_has():
    layer = keras.layers.GRU(H, dtype="float32")
    layer.build((None, None, I))
    ours = from_keras("gru_reset_after", layer.get_weights())
    assert {p.dtype for p in ours.parameters()} == {torch.float32}
    assert {array.dtype for array in to_keras(ours)} == {np.dtype("float32")}


def test_arrays_that_are_no_weights_of_the_cell_are_refused():
    weights = keras_layer("lstm").get_weights()
    with pytest.raises(
        ParameterError,
        match="Keras has no 'mgu'; cells that it has: rnn_tanh, rnn_relu, rnn_sigmoid",
    ):
        from_keras("mgu", weights)
    with pytest.raises(ParameterError, match="have 4 arrays, or 6 with biases, not 3"):
        from_keras("lstm", weights, bidirectional=True)
    with pytest.raises(
        ParameterError, match=r"the kernel of Keras' gru has shape \(4, 15\), not \(4, 20\)"
    ):
        from_keras("gru", weights)
    before = keras_layer("gru").get_weights()
    with pytest.raises(ParameterError, match=r"the bias .* has shape \(2, 15\), not \(15,\)"):
        from_keras("gru_reset_after", before)
    with pytest.raises(ParameterError, match=r"the kernel .* has shape \(5, 15\), not \(4, 15\)"):
        from_keras("gru", [*before, *before], num_layers=2)


def test_what_is_no_layer_or_no_number_of_floating_point_is_refused():
    for convert in (to_torch, to_keras):
        with pytest.raises(ParameterError, match=r"layer must be made by Recurrent.*, not GRU\(4"):
            convert(nn.GRU(I, H))
        with pytest.raises(ParameterError, match=r"layer must be made by .*, not Sequential$"):
            convert(nn.Sequential(nn.GRU(I, H)))
    with pytest.raises(ParameterError, match="num_layers must be at least 1, not 0"):
        from_keras("gru", [], num_layers=0)
    weights = [array.round().astype(int) for array in keras_layer("lstm").get_weights()]
    with pytest.raises(ParameterError, match="must be of floating point, not int64"):
        from_keras("lstm", weights)


def test_tables_name_registered_cells_and_their_gates():
    for name, order in {**KERAS, **{name: order for name, (_, order) in TORCH.items()}}.items():
        assert name in REGISTRY
        assert set(order) == set(Recurrent(name, 1, 1).cell.gates)


class Tagger(nn.Module):
    """A model as anybody would write one."""

    def __init__(self, cell):
        super().__init__()
        self.embedding = nn.Embedding(11, I)
        self.recurrent = Recurrent(cell, I, H, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(2 * H), nn.Linear(2 * H, 3))

    def forward(self, tokens):
        outputs, _ = self.recurrent(self.embedding(tokens))
        return self.head(outputs)


@pytest.mark.parametrize("name", REGISTRY)
def test_layer_is_a_module_like_any_other(name, tmp_path):
    torch.set_default_dtype(torch.float32)
    model, tokens = Tagger(name), torch.randint(11, (B, T))
    expected = model(tokens)

    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other = Tagger(name)
    assert not other(tokens).equal(expected)
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert other(tokens).equal(expected)

    twin = copy.deepcopy(model)
    assert twin(tokens).equal(expected)
    optimiser = torch.optim.SGD(twin.parameters(), lr=0.5)
    twin(tokens).square().sum().backward()
    assert all(parameter.grad is not None for parameter in twin.parameters())
    optimiser.step()
    assert not twin(tokens).equal(expected)
    assert model(tokens).equal(expected)

    double = copy.deepcopy(model).to(torch.float64)(tokens)
    assert double.dtype is torch.float64
    torch.testing.assert_close(double.float(), expected, rtol=1e-4, atol=1e-5)
