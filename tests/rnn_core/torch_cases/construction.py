"""Arguments of the constructor, the layers it makes of them, and its refusals."""

import warnings

import torch
from torch import nn

EVERY = "rnn relu gru lstm"
NO_NONLINEARITY = "gru lstm"  # torch.nn.RNN takes its nonlinearity as the fourth argument


def by_position(side):
    layer = side.make(3, 5, 2, False, True, 0.0, True)
    return side.passed(layer, torch.randn(4, 6, 3), side.state(4, 4, 5))


def projection_by_name(side):
    layer = side.make(3, 5, num_layers=2, proj_size=2, bidirectional=True)
    return side.passed(layer, torch.randn(6, 4, 3), side.state(4, 4, 5, proj_size=2))


def attributes(side):
    options = {"num_layers": 2, "bias": False, "batch_first": True, "bidirectional": True}
    layer = side.make(3, 5, dropout=0.25, **options)
    names = ("input_size", "hidden_size", "dropout", "proj_size", "training", *options)
    return {name: getattr(layer, name) for name in names}


def type_by_name(side):
    layer = side.make(3, 5, 2, dtype=torch.float32)
    kinds = {str(p.dtype) for p in layer.parameters()}
    return kinds, side.passed(layer, torch.randn(6, 4, 3, dtype=torch.float32))


def device_by_name(side):
    layer = side.make(3, 5, device="cpu")
    return {str(p.device) for p in layer.parameters()}, side.passed(layer, torch.randn(6, 4, 3))


def sizes(nest):
    if isinstance(nest, torch.Tensor):
        return tuple(nest.shape), str(nest.device), str(nest.dtype)
    return [sizes(part) for part in nest]


def on_meta(side, **options):
    layer = side.new(3, 5, 2, device="meta", **options)
    assert all(p.is_meta for p in layer.parameters())
    return sizes(layer(torch.empty(6, 4, 3, device="meta")))


def moved_to_meta(side):
    layer = side.make(3, 5, bidirectional=True).to("meta")
    return sizes(layer(torch.empty(6, 4, 3, device="meta")))


def emptied(side):
    layer = side.make(3, 5, 2)
    kept = {name: value.clone() for name, value in layer.state_dict().items()}
    layer = layer.to("meta").to_empty(device="cpu")
    layer.load_state_dict(kept)
    return side.passed(layer, torch.randn(6, 4, 3))


def without_drawing(side):
    kind, before, besides = side.recipe
    torch.manual_seed(0)
    start = torch.get_rng_state()
    layer = nn.utils.skip_init(kind, *before, 3, 5, 2, **besides)
    drew_nothing = torch.get_rng_state().equal(start)
    layer.load_state_dict(side.make(3, 5, 2).state_dict())
    return drew_nothing, side.passed(layer, torch.randn(6, 4, 3))


def drawn_on_meta_then_loaded(side):
    layer = side.new(3, 5, device="meta")
    layer.load_state_dict(side.make(3, 5).state_dict(), assign=True)
    return side.passed(layer, torch.randn(6, 4, 3))


def in_a_device_context(side):
    with torch.device("meta"):
        layer = side.new(3, 5)
    return {p.device.type for p in layer.parameters()}


def default_type_of_half_precision(side):
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        layer = side.new(3, 5)
    finally:
        torch.set_default_dtype(before)
    return {str(p.dtype) for p in layer.parameters()}


def parameters_by_shape(side):
    """A layer without biases has the weights of the module and no more."""
    layer = side.make(3, 5, 2, bias=False, bidirectional=True)
    return sum(p.numel() for p in layer.parameters())


def all_dropped(side):
    layer = side.make(10, 20, 2, dropout=1.0)
    return side.passed(layer, torch.randn(3, 2, 10))


def warns_of_dropout(side):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        side.new(3, 5, dropout=0.5)
    return len(caught)


def parameters_with_biases(side):
    return sum(p.numel() for p in side.new(3, 5).parameters())


def largest_start(side):
    """The largest weight that a layer starts with, in units of 1 / sqrt(H)."""
    torch.manual_seed(0)
    layer = side.new(30, 400)
    return max(p.abs().max().item() for p in layer.parameters()) * 400**0.5 <= 1


def without_a_cell(side):
    """Constructor with two sizes and no cell."""
    return sum(p.numel() for p in side.recipe[0](3, 5).parameters())


def nonlinearity_by_name(side):
    kind, before, _ = side.recipe
    return sum(p.numel() for p in kind(*before, 3, 5, bias=False, nonlinearity="tanh").parameters())


def made(*arguments, **options):
    def make(side):
        return side.new(*arguments, **options)

    return make


SAME = [
    (
        "arguments by position",
        "test_modules.py: module_inputs of GRU and LSTM",
        NO_NONLINEARITY,
        by_position,
    ),
    ("a projection", "test_modules.py: module_inputs of LSTM", "lstm", projection_by_name),
    ("attributes", "common_modules.py: constructor arguments", EVERY, attributes),
    ("type by name", "test_modules.py: test_factory_kwargs", EVERY, type_by_name),
    ("device by name", "test_modules.py: test_factory_kwargs", EVERY, device_by_name),
    ("made on meta", "test_modules.py: test_factory_kwargs", EVERY, on_meta),
    (
        "made on meta, both directions, batch first",
        "test_modules.py: test_factory_kwargs",
        EVERY,
        lambda side: on_meta(side, bidirectional=True, batch_first=True, bias=False),
    ),
    ("moved to meta", "test_modules.py: test_to", EVERY, moved_to_meta),
    ("emptied and loaded", "test_modules.py: test_to_empty", EVERY, emptied),
    (
        "made on meta, weights assigned",
        "nn/test_load_state_dict.py: test_load_state_dict_assign_meta",
        EVERY,
        drawn_on_meta_then_loaded,
    ),
    ("made in a device context", "test_utils.py: test_nn_module", EVERY, in_a_device_context),
    (
        "made while bfloat16 is the default",
        "test_nn.py: RNN modules in bfloat16",
        EVERY,
        default_type_of_half_precision,
    ),
    ("number of weights", "test_nn.py: test_RNN_cell (bias=False)", EVERY, parameters_by_shape),
    ("dropout of a single layer", "test_nn.py: RNN dropout warning", EVERY, warns_of_dropout),
    ("dropout of 1", "test_nn.py: test_RNN_cpu_vs_cudnn_with_dropout", EVERY, all_dropped),
]

KIND = "common_modules.py: module_error_inputs_torch_nn_RNN_GRU"

REFUSED = [
    ("hidden_size 0", KIND, EVERY, made(10, 0, 1), "hidden_size"),
    ("num_layers 0", KIND, EVERY, made(10, 10, 0), "num_layers"),
    ("input_size 0", KIND, EVERY, made(0, 5), "input_size"),
    ("input_size -1", KIND, EVERY, made(-1, 5), "input_size"),
    ("input_size 3.0", KIND, EVERY, made(3.0, 5), "input_size"),
    ("input_size as text", KIND, EVERY, made("10", 5), "input_size"),
    ("hidden_size 5.0", KIND, EVERY, made(3, 5.0), "hidden_size"),
    ("bias 0", KIND, EVERY, made(3, 5, bias=0), "bias"),
    ("bias 1", KIND, EVERY, made(3, 5, bias=1), "bias"),
    ("bias as text", KIND, EVERY, made(3, 5, bias="True"), "bias"),
    ("batch_first 0", KIND, EVERY, made(3, 5, batch_first=0), "batch_first"),
    ("batch_first 1", KIND, EVERY, made(3, 5, batch_first=1), "batch_first"),
    ("batch_first as text", KIND, EVERY, made(3, 5, batch_first="False"), "batch_first"),
    ("dropout below 0", "test_nn.py: dropout range", EVERY, made(3, 5, 2, dropout=-0.1), "dropout"),
    ("dropout above 1", "test_nn.py: dropout range", EVERY, made(3, 5, 2, dropout=1.1), "dropout"),
    ("dropout of True", "test_nn.py: dropout range", EVERY, made(3, 5, 2, dropout=True), "dropout"),
    ("dropout as text", "test_nn.py: dropout range", EVERY, made(3, 5, 2, dropout="0"), "dropout"),
    (
        "a projection of what is no LSTM",
        "test_nn.py: test_projections_errors_on_gru_and_rnn",
        "rnn relu gru",
        made(30, 20, 2, proj_size=10),
        "proj_size",
    ),
    ("proj_size -1", "test_nn.py: LSTM proj_size", "lstm", made(3, 5, proj_size=-1), "proj_size"),
    (
        "proj_size as large as hidden_size",
        "test_nn.py: LSTM proj_size",
        "lstm",
        made(3, 5, proj_size=5),
        "proj_size",
    ),
    ("an unknown option", "test_nn.py: constructors", EVERY, made(3, 5, layers=2), "layers"),
]

DIFFERENT = [
    ("no cell", "test_nn.py: constructors", EVERY, without_a_cell, "Cell"),
    ("a nonlinearity", "test_nn.py: nonlinearity", "rnn", nonlinearity_by_name, "Cell"),
    ("without drawing", "test_nn.py: test_skip_init", EVERY, without_drawing, "skip_init"),
    (
        "one bias",
        "test_nn.py: parameters of the RNN modules",
        EVERY,
        parameters_with_biases,
        "One bias",
    ),
    ("start", "test_nn.py: RNN reset_parameters", EVERY, largest_start, "Initial weights"),
]
