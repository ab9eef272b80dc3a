"""One step at a time: torch's cells, and our layer that reads step by step."""

from functools import partial

import torch
from torch import nn

EVERY = "rnn relu gru lstm"
CELLS = {
    "rnn": nn.RNNCell,
    "relu": partial(nn.RNNCell, nonlinearity="relu"),
    "gru": nn.GRUCell,
    "lstm": nn.LSTMCell,
}


def with_layer(hx):
    """A cell's state as that of a layer, which has a dimension for its layers."""
    return tuple(map(with_layer, hx)) if isinstance(hx, tuple) else hx.unsqueeze(0)


def without_layer(state):
    return tuple(map(without_layer, state)) if isinstance(state, tuple) else state.squeeze(0)


def stepper(side, *sizes, **options):
    """A function from an input and a state to the next state, and one that gives gradients."""
    layer = side.make(*sizes, **options)
    if side.ours:

        def step(x, hx=None):
            outputs, state = layer.step(x, None if hx is None else with_layer(hx))
            state = without_layer(state)
            assert torch.equal(outputs, state[0] if isinstance(state, tuple) else state)
            return state

        return step, partial(side.gradients, layer)
    cell = CELLS[side.kind](*sizes, **options)
    cell.load_state_dict({name[:-3]: value for name, value in layer.state_dict().items()})
    torch.manual_seed(2)  # as after the layer was made

    def gradients():
        for name, parameter in layer.named_parameters():
            parameter.grad = getattr(cell, name[:-3]).grad
        return side.gradients(layer)

    return cell, gradients


def first(state):
    return state[0] if isinstance(state, tuple) else state


def six(side, **options):
    """The same input six times; the gradient goes back through all steps."""
    step, gradients = stepper(side, 10, 20, **options)
    x, hx = torch.randn(3, 10, requires_grad=True), side.state(3, 20)
    for _ in range(6):
        hx = step(x, hx)
    sum(part.sin().sum() for part in (hx if isinstance(hx, tuple) else (hx,))).backward()
    return hx, x.grad, gradients()


def alone(side, with_state, **options):
    """An input without a dimension for the batch."""
    step, _ = stepper(side, 5, 10, **options)
    return step(torch.randn(5), side.state(10)) if with_state else step(torch.randn(5))


def without_state(side):
    return stepper(side, 5, 10)[0](torch.randn(4, 5))


def streamed(side, sequences):
    """Many steps without gradients, while the weights change between them."""
    torch.manual_seed(0)
    layer = side.make(3, 4)
    xs, state, found = torch.randn(12, sequences, 3), None, []
    with torch.no_grad():
        for t, x in enumerate(xs):
            if side.ours:
                outputs, state = layer.step(x, state)
            else:
                outputs, state = layer(x[None], state)
                outputs = outputs[0]
            found.append(outputs)
            if t == 6:
                for parameter in layer.parameters():
                    parameter.mul_(0.5)
    return found, state


def through_layers(side):
    """Three layers, the step of each reading that of the one below."""
    layer = side.make(3, 4, 3)
    xs, state = torch.randn(5, 2, 3), side.state(3, 2, 4)
    whole = layer(xs, state)
    if not side.ours:
        return whole
    outputs = []
    for x in xs:
        found, state = layer.step(x, state)
        outputs.append(found)
    return torch.stack(outputs), state


def given(side, x, h, c=None):
    step, _ = stepper(side, 10, 20)
    hx = torch.randn(h)
    return step(torch.randn(x), (hx, torch.randn(c or h)) if side.kind == "lstm" else hx)


def of_no_size(side):
    if side.ours:
        return stepper(side, 10, 0)[0](torch.randn(3, 10))
    return CELLS[side.kind](10, 0)(torch.randn(3, 10), side.state(3, 0))


CELL = "test_nn.py: test_RNN_cell, test_LSTM_cell"
INPUTS = "common_modules.py: module_inputs of the cells"
ERRORS = "common_modules.py: module_error_inputs of the cells"
BROADCAST = "test_nn.py: test_RNN_cell_no_broadcasting"
STATE, FEATURES = "hx|state", "input_size|features"


def of(**shapes):
    return partial(given, **shapes)


SAME = [
    ("six steps", CELL, EVERY, six),
    ("six steps without biases", CELL, EVERY, partial(six, bias=False)),
    ("one without a batch", INPUTS, EVERY, partial(alone, with_state=True)),
    ("one without a batch or state", INPUTS, EVERY, partial(alone, with_state=False)),
    ("one without a batch or biases", INPUTS, EVERY, partial(alone, with_state=True, bias=False)),
    ("without a state", CELL, EVERY, without_state),
    ("streamed, one sequence", CELL, EVERY, partial(streamed, sequences=1)),
    ("streamed, three sequences", CELL, EVERY, partial(streamed, sequences=3)),
    ("through layers", CELL, EVERY, through_layers),
]

REFUSED = [
    ("I of x", ERRORS, EVERY, of(x=(3, 11), h=(3, 20)), FEATURES),
    ("H of h", ERRORS, EVERY, of(x=(3, 10), h=(3, 21), c=(3, 20)), STATE),
    (
        "H of c",
        "test_nn.py: test_LSTM_cell_forward_hidden_size",
        "lstm",
        of(x=(3, 10), h=(3, 20), c=(3, 21)),
        STATE,
    ),
    ("B of h", ERRORS, EVERY, of(x=(3, 10), h=(5, 20)), STATE),
    ("four dimensions of h", ERRORS, EVERY, of(x=(3, 10), h=(3, 1, 1, 20)), STATE),
    ("three dimensions of x", ERRORS, EVERY, of(x=(3, 1, 10), h=(3, 20)), "x|input"),
    ("B of h is 1", BROADCAST, EVERY, of(x=(3, 10), h=(1, 20), c=(3, 20)), STATE),
    ("B of c is 1", BROADCAST, "lstm", of(x=(3, 10), h=(3, 20), c=(1, 20)), STATE),
    ("H of h is 1", BROADCAST, EVERY, of(x=(3, 10), h=(3, 1), c=(3, 20)), STATE),
    ("I of x is 1", BROADCAST, EVERY, of(x=(3, 1), h=(3, 20)), FEATURES),
]

DIFFERENT = [
    (
        "hidden size 0",
        "test_nn.py: test_RNN_cell_forward_zero_hidden_size",
        EVERY,
        of_no_size,
        "Cells of no size",
    ),
]
