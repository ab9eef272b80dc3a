"""Effects of `torch.optim` and training helpers on the weights and gradients of a module."""

from functools import partial

import torch
from torch.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)
from torch.optim.swa_utils import AveragedModel

EVERY = "rnn relu gru lstm"


def data():
    return torch.randn(5, 2, 3)


def outputs(layer, x):
    results, state = layer(x)
    return results.detach(), state


def descended(layer, x, weights, steps=3, make=None):
    """Outputs after each step of an optimiser of some weights."""
    optimiser = (make or partial(torch.optim.SGD, lr=0.1))(weights)
    found = []
    for _ in range(steps):
        optimiser.zero_grad()
        layer(x)[0].square().sum().backward()
        optimiser.step()
        found.append(outputs(layer, x))
    return found


def optimised(side, make, **options):
    layer = side.make(3, 4, 2, bias=False, **options)
    return descended(layer, data(), layer.parameters(), make=make)


def by_lbfgs(side):
    layer, x = side.make(3, 4, bias=False), data()
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=3)

    def closure():
        optimiser.zero_grad()
        loss = layer(x)[0].square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return outputs(layer, x)


def with_biases(side):
    layer = side.make(3, 4)
    return descended(layer, data(), layer.parameters(), steps=1)


def vectors(side):
    """All weights in one vector and back, twice as large."""
    layer, x = side.make(3, 4, bias=False), data()
    vector = parameters_to_vector(layer.parameters())
    vector_to_parameters(2 * vector, layer.parameters())
    return vector.numel(), vector.norm(), outputs(layer, x)


def clipped(side, clip):
    layer, x = side.make(3, 4, 2, bias=False), data()
    layer(x)[0].square().sum().backward()
    return clip(layer.parameters()), side.gradients(layer)


def total_norm(side):
    layer, x = side.make(3, 4, bias=False), data()
    layer(x)[0].square().sum().backward()
    return get_total_norm([p.grad for p in layer.parameters()])


def averaged(side):
    layer, x = side.make(3, 4), data()
    average = AveragedModel(layer)
    for _ in range(3):
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.mul_(1.5)
        average.update_parameters(layer)
    return outputs(average, x)


OPTIMISERS = {
    "SGD": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": partial(torch.optim.Adam, lr=0.1),
    "AdamW": partial(torch.optim.AdamW, lr=0.1, weight_decay=0.1, amsgrad=True),
    "RMSprop": partial(torch.optim.RMSprop, lr=0.01, centered=True),
    "Adagrad": partial(torch.optim.Adagrad, lr=0.1),
    "Rprop": partial(torch.optim.Rprop, lr=0.01),
}

SAME = [
    *(
        (f"by {name}", "test_optim.py", EVERY, partial(optimised, make=make))
        for name, make in OPTIMISERS.items()
    ),
    ("by LBFGS", "test_optim.py", EVERY, by_lbfgs),
    ("one vector", "test_nn.py: test_parameters_to_vector", EVERY, vectors),
    (
        "gradients clipped to a norm",
        "test_nn.py: test_clip_grad_norm",
        EVERY,
        partial(clipped, clip=partial(clip_grad_norm_, max_norm=0.1)),
    ),
    (
        "gradients clipped to a value",
        "test_nn.py: test_clip_grad_value",
        EVERY,
        partial(clipped, clip=partial(clip_grad_value_, clip_value=0.01)),
    ),
    ("norm of all gradients", "test_nn.py: test_get_total_norm", EVERY, total_norm),
    ("averaged", "test_optim.py: TestSWAUtils", EVERY, averaged),
]

DIFFERENT = [
    ("a step with biases", "test_optim.py", EVERY, with_biases, "One bias"),
]
