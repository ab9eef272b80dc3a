"""Derivatives of every kind and order, and what is done to tensors between the passes."""

from functools import partial

import torch
from torch.autograd import forward_ad, functional, gradcheck, gradgradcheck
from torch.func import functional_call, grad, stack_module_state, vmap

EVERY = "rnn relu gru lstm"


def flat(results):
    """Outputs and states in one tuple."""
    outputs, state = results
    return (outputs, *(state if isinstance(state, tuple) else (state,)))


def small(side, **options):
    """A layer, an input that needs its gradient, and the layer as a function of tensors."""
    layer = side.make(3, 4, **options)
    x = torch.randn(3, 2, 3, requires_grad=True)
    return layer, x, lambda *tensors: flat(layer(*tensors))


def checked(side, **options):
    """Derivatives against differences of the function's values."""
    _, x, function = small(side, bias=options.pop("bias", True))
    return gradcheck(function, (x,), **options)


def checked_twice(side, **options):
    _, x, function = small(side, bias=options.pop("bias", True))
    return gradgradcheck(function, (x,), **options)


def projected(side, check, **options):
    _, x, function = small(side, proj_size=2)
    return check(function, (x,), **options)


def penalty(side, **options):
    """The gradient of the size of a gradient."""
    layer, x, function = small(side, num_layers=2, **options)
    outputs = function(x)
    (slope,) = torch.autograd.grad(sum(part.sin().sum() for part in outputs), x, create_graph=True)
    slope.square().sum().backward()
    return slope, x.grad, side.gradients(layer)


def third(side):
    """Three derivatives, one of the other."""
    _, x, function = small(side)
    value = function(x)[0].square().sum()
    for _ in range(3):
        (slope,) = torch.autograd.grad(value, x, create_graph=True)
        value = slope.square().sum()
    return value


def jacobian(side, **options):
    _, x, function = small(side)
    return functional.jacobian(function, x, **options)


def hessian(side, **options):
    _, x, function = small(side)
    return functional.hessian(lambda x: function(x)[0].square().sum(), x, **options)


def products(side):
    _, x, function = small(side)
    v = torch.randn(3, 2, 3)

    def loss(x):
        return function(x)[0].square().sum()

    outputs = tuple(torch.ones_like(part) for part in function(x))
    return (
        functional.jvp(function, x, v),
        functional.vjp(function, x, outputs),
        functional.hvp(loss, x, v),
        functional.vhp(loss, x, v),
    )


def transformed(side, transform):
    """A function of `torch.func`; torch's modules take it too."""
    _, x, function = small(side)
    return transform(lambda x: function(x)[0])(x.detach())


def pushed(side):
    _, x, function = small(side)
    return torch.func.jvp(function, (x.detach(),), (torch.randn(3, 2, 3),))


def dual(side, what, graph=True):
    """A tangent of x, of the state or of the weights, carried forward."""
    layer, x, _ = small(side)
    hx = side.state(1, 2, 4)
    inputs = {"x": x.detach(), "state": hx, "weights": dict(layer.named_parameters())}

    def doubled(nest):
        if isinstance(nest, dict):
            return {name: doubled(part) for name, part in nest.items()}
        if isinstance(nest, tuple):
            return tuple(map(doubled, nest))
        return forward_ad.make_dual(nest.detach(), nest.detach().cos())

    with forward_ad.dual_level(), torch.set_grad_enabled(graph):
        inputs[what] = doubled(inputs[what])
        results = functional_call(layer, inputs["weights"], (inputs["x"], inputs["state"]))
        if what == "weights":  # of two biases, each has a tangent of its own
            return [forward_ad.unpack_dual(part).primal for part in flat(results)]
        return [tuple(forward_ad.unpack_dual(part)) for part in flat(results)]


def batched_gradients(side):
    _, x, function = small(side)
    outputs = function(x)[0]
    return torch.autograd.grad(outputs, x, torch.randn(5, 3, 2, 4), is_grads_batched=True)


def per_sample(side, at_once=False, **options):
    """The gradient of each sequence of a batch; torch's modules are asked one by one."""
    layer = side.make(3, 4, 2, bias=False, batch_first=True, **options)
    xs = torch.randn(5, 6, 3)
    weights = {name: p.detach() for name, p in layer.named_parameters()}

    def loss(weights, x):
        return functional_call(layer, weights, (x[None],))[0].square().sum()

    if side.ours or at_once:
        found = vmap(grad(loss), (None, 0))(weights, xs)
        return [sum(part[i].square().sum() for part in found.values()) for i in range(5)]
    norms = []
    for x in xs:
        layer.zero_grad()
        loss(dict(layer.named_parameters()), x).backward()
        norms.append(sum(p.grad.square().sum() for p in layer.parameters()))
    return norms


def unbatched_in_vmap(side):
    layer, xs = side.make(3, 4), torch.randn(5, 6, 3)
    if side.ours:
        return vmap(lambda x: layer(x)[0])(xs)
    return torch.stack([layer(x)[0] for x in xs])


def ensemble(side):
    """Three layers as one, by the stack of their weights."""
    layers, x = [side.make(3, 4)], torch.randn(6, 2, 3)
    for factor in (0.5, 2.0):
        layer = side.make(3, 4)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.mul_(factor)
        layers.append(layer)
    if not side.ours:
        return torch.stack([layer(x)[0] for layer in layers])
    weights, buffers = stack_module_state(layers)
    one = layers[0]
    return vmap(lambda w, b: functional_call(one, (w, b), (x,))[0])(weights, buffers)


CHECKS = "test_nn.py: test_LSTM_grad_and_gradgrad, test_GRU_grad_and_gradgrad"
MODULES = "test_modules.py: test_grad, test_gradgrad"
FUNCTIONAL = "autograd/test_functional.py"
FORWARD = "test_autograd.py: TestAutogradForwardMode"
FUNC = "functorch/test_eager_transforms.py"

SAME = [
    ("checked", CHECKS, EVERY, checked),
    ("checked without biases", CHECKS, EVERY, partial(checked, bias=False)),
    ("checked, batched", MODULES, EVERY, partial(checked, check_batched_grad=True)),
    ("checked forward", FORWARD, EVERY, partial(checked, check_forward_ad=True)),
    ("checked twice", CHECKS, EVERY, checked_twice),
    ("checked twice without biases", CHECKS, EVERY, partial(checked_twice, bias=False)),
    (
        "checked forward over reverse",
        FORWARD,
        EVERY,
        partial(checked_twice, check_fwd_over_rev=True),
    ),
    ("projected, checked", CHECKS, "lstm", partial(projected, check=gradcheck)),
    ("projected, checked twice", CHECKS, "lstm", partial(projected, check=gradgradcheck)),
    ("penalty", MODULES, EVERY, penalty),
    ("penalty, both directions", MODULES, EVERY, partial(penalty, bidirectional=True)),
    ("three derivatives", MODULES, EVERY, third),
    ("jacobian", FUNCTIONAL, EVERY, jacobian),
    ("jacobian at once", FUNCTIONAL, EVERY, partial(jacobian, vectorize=True)),
    (
        "jacobian forward",
        FUNCTIONAL,
        "rnn relu",
        partial(jacobian, vectorize=True, strategy="forward-mode"),
    ),
    ("hessian", FUNCTIONAL, EVERY, hessian),
    ("hessian at once", FUNCTIONAL, EVERY, partial(hessian, vectorize=True)),
    ("products with derivatives", FUNCTIONAL, EVERY, products),
    ("jacrev", FUNC, EVERY, partial(transformed, transform=torch.func.jacrev)),
    ("jacfwd", FUNC, EVERY, partial(transformed, transform=torch.func.jacfwd)),
    ("func.hessian", FUNC, EVERY, partial(transformed, transform=torch.func.hessian)),
    ("func.jvp", FUNC, EVERY, pushed),
    ("tangent of x", FORWARD, EVERY, partial(dual, what="x")),
    ("tangent of x without a graph", FORWARD, EVERY, partial(dual, what="x", graph=False)),
    ("tangent of the state", FORWARD, EVERY, partial(dual, what="state")),
    ("tangent of the weights", FORWARD, EVERY, partial(dual, what="weights")),
    ("batched gradients", "test_autograd.py: test_batched_grad", EVERY, batched_gradients),
    ("of every sample", "test_expanded_weights.py: test_module", EVERY, per_sample),
    (
        "of every sample, both directions",
        "test_expanded_weights.py: test_module",
        EVERY,
        partial(per_sample, bidirectional=True),
    ),
    ("vmap over sequences", "functorch/test_vmap.py", EVERY, unbatched_in_vmap),
    ("ensemble", "functorch/test_eager_transforms.py: stack_module_state", EVERY, ensemble),
]

DIFFERENT = [
    (
        "jacobian forward",
        FUNCTIONAL,
        "gru lstm",
        partial(jacobian, vectorize=True, strategy="forward-mode"),
        "vmap",
    ),
    (
        "of every sample at once",
        "functorch/test_vmap.py",
        EVERY,
        partial(per_sample, at_once=True),
        "vmap",
    ),
]
