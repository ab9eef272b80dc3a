"""Uses of modules: copies, files, types, modes, hooks, containers, threads."""

import copy
import io
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import nn

EVERY = "rnn relu gru lstm"


def data():
    return torch.randn(5, 2, 3)


def by_deepcopy(layer):
    return copy.deepcopy(layer)


def by_pickle(layer):
    return pickle.loads(pickle.dumps(layer))  # noqa: S301 - our own


def through_file(thing, **options):
    file = io.BytesIO()
    torch.save(thing, file)
    file.seek(0)
    return torch.load(file, **options)


def by_file(layer):
    return through_file(layer, weights_only=False)


def by_weights(layer):
    """A new start whose weights come from a file."""
    fresh = copy.deepcopy(layer)
    for parameter in fresh.parameters():
        nn.init.zeros_(parameter)
    fresh.load_state_dict(through_file(layer.state_dict(), weights_only=True))
    return fresh


def copied(side, copy_of, used):
    """A copy computes the same and goes its own way."""
    layer, x = side.make(3, 4, 2, bidirectional=True), data()
    if used:
        layer(x)[0].sum().backward()
        layer.zero_grad()
    other = copy_of(layer)
    found = side.passed(other, x)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    return found, side.passed(layer, x)


def outputs_kept(side):
    results, _ = side.make(3, 4)(data())
    kept = through_file(results.detach(), weights_only=True)
    return torch.from_numpy(results.detach().numpy()), kept, results.tolist() == kept.tolist()


def cast(side, there, back, told_as=None):
    """To another type and on; `told_as`: the coarsest type that the two biases went through."""
    layer = back(there(side.make(3, 4)))
    dtype = next(layer.parameters()).dtype
    results = [part.to(told_as or dtype) for part in flat(layer(data().to(dtype)))]
    return {str(p.dtype) for p in layer.parameters()}, results


def flat(results):
    found, state = results
    return (found, *(state if isinstance(state, tuple) else (state,)))


def modes(side):
    layer, x = side.make(3, 4, 2, dropout=0.5), data()
    assert layer.training
    trained, evaluated = layer(x), layer.eval()(x)
    assert not layer.training
    again = layer.train()(x)
    return trained, evaluated, again


def hooks(side):
    """Arguments of hooks, and effects of their results."""
    layer, x, seen = side.make(3, 4), data(), []
    before = layer.register_forward_pre_hook(lambda _, given: (2 * given[0], *given[1:]))
    after = layer.register_forward_hook(
        lambda _, given, found: (found[0] + given[0].mean(), found[1])
    )
    results = side.passed(layer, x)
    before.remove()
    after.remove()
    handle = layer.register_full_backward_hook(lambda _, inner, outer: seen.extend((inner, outer)))
    x = x.requires_grad_()
    layer(x)[0].sin().sum().backward()
    handle.remove()
    return results, side.passed(layer, x), seen[0][0], seen[1][0], x.grad


def hooks_with_names(side):
    layer, x, hx, seen = side.make(3, 4), data(), side.state(1, 2, 4), []
    layer.register_forward_pre_hook(
        lambda _, given, names: seen.append(sorted(names)), with_kwargs=True
    )
    return layer(x, hx=hx), seen


def hooks_of_weights(side):
    layer, x = side.make(3, 4), data()
    for parameter in layer.parameters():
        parameter.register_hook(lambda gradient: 2 * gradient)
    return side.passed(layer, x)


def applied(side):
    """`apply` reaches the layer itself."""
    layer, seen = side.make(3, 4), []
    layer.apply(lambda module: seen.append(module is layer))
    return any(seen)


class Model(nn.Module):
    """A layer between others."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        return self.head(torch.relu(self.layer(x)[0]))


def inside(side, wrap):
    layer = side.make(3, 4)
    model, x = wrap(Model(layer)), data()
    model(x).sin().sum().backward()
    return model(x), side.gradients(layer)


def in_a_list(side):
    """Layers in a list, the outputs of one being the input of the next."""
    layers, x = nn.ModuleList([side.make(3, 4), side.make(4, 4)]), data()
    for layer in layers:
        x, _ = layer(x)
    return x, len(list(layers.children()))


def told(side):
    """The line in which a layer is printed tells its sizes and options."""
    line = repr(side.make(3, 7, 2, batch_first=True, bidirectional=True, dropout=0.25))
    return [
        word in line
        for word in (
            "3, 7",
            "num_layers=2",
            "batch_first=True",
            "dropout=0.25",
            "bidirectional=True",
        )
    ]


def told_without_biases(side):
    return "bias=False" in repr(side.make(3, 7, bias=False))


def told_projection(side):
    return "proj_size=2" in repr(side.make(3, 7, proj_size=2))


def in_half(side, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        layer = side.make(3, 4, dtype=dtype)
        return layer(data().to(dtype))


def in_autocast(side, weights):
    """Inside of autocast the products are in bfloat16, whatever the weights are in."""
    layer = side.make(3, 4, dtype=weights)
    x, hx = data().float(), side.state(1, 2, 4)
    hx = tuple(part.float() for part in hx) if isinstance(hx, tuple) else hx.float()
    with torch.autocast("cpu", torch.bfloat16), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return [part.bfloat16() for part in flat(layer(x, hx))]


def autocast_type(side):
    layer = side.make(3, 4, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        return [str(part.dtype) for part in flat(layer(data().float()))]


def autocast_trained(side):
    layer = side.make(3, 4, 2, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        loss = layer(data().float())[0].float().square().mean()
    loss.backward()
    return {name: part.bfloat16() for name, part in side.gradients(layer).items()}


def of_complex_numbers(side):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = side.make(3, 4).to(torch.complex128)
        return layer(torch.randn(5, 2, 3, dtype=torch.complex128))[0]


def in_threads(side):
    layer, xs = side.make(3, 4, 2), torch.randn(12, 5, 2, 3)
    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(lambda x: layer(x)[0].detach(), xs))


def with_threads_of_its_own(side):
    layer, x = side.make(3, 4), data()
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        return side.passed(layer, x)
    finally:
        torch.set_num_threads(before)


def shared(side):
    layer, x = side.make(3, 4).share_memory(), data()
    return all(p.is_shared() for p in layer.parameters()), side.passed(layer, x)


def cleared(side):
    layer, x = side.make(3, 4), data()
    layer(x)[0].sum().backward()
    layer.zero_grad()
    return [p.grad for p in layer.parameters() if p.grad is not None]


def several_calls(side):
    """Shapes that change from call to call, with gradients and without."""
    layer = side.make(3, 4, 2)
    found = []
    for steps, sequences in ((5, 2), (1, 7), (9, 1), (5, 2)):
        x = torch.randn(steps, sequences, 3)
        with torch.no_grad():
            found.append(layer(x))
        layer.zero_grad()
        found.append(side.passed(layer, x))
    return found


def same_twice(side):
    layer, x = side.make(3, 4, 2), data()
    first, second = layer(x), layer(x)
    assert all(map(torch.equal, flat(first), flat(second)))
    return first


def subclassed(side):
    """A class made of the layer's class, which only calls it."""
    kind, before, besides = side.recipe

    class Own(kind):
        def forward(self, x):
            return super().forward(2 * x)[0]

    layer = Own(*before, 3, 4, **besides)
    layer.load_state_dict(side.make(3, 4).state_dict())
    return layer(data())


FORWARD = "test_modules.py: test_forward"
COPIES = "test_modules.py: test_pickle; test_nn.py: test_container_copy"
CASTS = "test_modules.py: test_to; test_nn.py: test_type"

SAME = [
    *(
        (
            f"{act.__name__.replace('_', ' ')}{', used before' if used else ''}",
            COPIES,
            EVERY,
            partial(copied, copy_of=act, used=used),
        )
        for act in (by_deepcopy, by_pickle, by_file, by_weights)
        for used in (False, True)
    ),
    ("outputs kept", "test_serialization.py", EVERY, outputs_kept),
    (
        "float and double",
        CASTS,
        EVERY,
        partial(cast, there=nn.Module.float, back=nn.Module.double, told_as=torch.float32),
    ),
    (
        "half and float",
        CASTS,
        EVERY,
        partial(cast, there=nn.Module.half, back=nn.Module.float, told_as=torch.float16),
    ),
    ("to float32", CASTS, EVERY, partial(cast, there=lambda m: m.to("cpu"), back=nn.Module.float)),
    (
        "to a tensor's type",
        CASTS,
        EVERY,
        partial(
            cast,
            there=lambda m: m.to(torch.zeros(1, dtype=torch.float32)),
            back=lambda m: m.type(torch.float64),
            told_as=torch.float32,
        ),
    ),
    ("modes", "test_modules.py: test_if_train_and_eval_modes_differ", EVERY, modes),
    ("hooks", "nn/test_module_hooks.py", EVERY, hooks),
    ("hooks with names", "nn/test_module_hooks.py: test_kwarg_hooks", EVERY, hooks_with_names),
    ("hooks of weights", "test_autograd.py: test_hooks", EVERY, hooks_of_weights),
    ("applied", "test_nn.py: test_apply", EVERY, applied),
    ("inside of a model", FORWARD, EVERY, partial(inside, wrap=lambda model: model)),
    ("inside of Sequential", FORWARD, EVERY, partial(inside, wrap=nn.Sequential)),
    (
        "inside of DataParallel",
        "distributed/test_data_parallel.py: test_data_parallel_rnn",
        EVERY,
        partial(inside, wrap=nn.DataParallel),
    ),
    ("in a list", "test_nn.py: test_ModuleList", EVERY, in_a_list),
    ("told", "test_modules.py: test_repr", EVERY, told),
    ("told without biases", "test_modules.py: test_repr", EVERY, told_without_biases),
    ("told a projection", "test_modules.py: test_repr", "lstm", told_projection),
    ("in bfloat16", FORWARD, EVERY, partial(in_half, dtype=torch.bfloat16)),
    ("in float16", FORWARD, EVERY, partial(in_half, dtype=torch.float16)),
    (
        "in autocast",
        "test_autocast.py: test_autocast_rnn",
        EVERY,
        partial(in_autocast, weights=torch.float32),
    ),
    (
        "in autocast, weights in bfloat16",
        "test_autocast.py: test_autocast_rnn",
        EVERY,
        partial(in_autocast, weights=torch.bfloat16),
    ),
    ("trained in autocast", "test_cuda.py: test_autocast_rnn", EVERY, autocast_trained),
    ("type in autocast", "test_cuda.py: test_autocast_rnn", "rnn relu gru", autocast_type),
    ("of complex numbers", FORWARD, "rnn gru lstm", of_complex_numbers),
    ("in threads", "test_nn.py: RNN modules", EVERY, in_threads),
    ("with two threads", "test_nn.py: RNN modules", EVERY, with_threads_of_its_own),
    ("shared", "test_multiprocessing.py", EVERY, shared),
    ("cleared", "test_nn.py: test_zero_grad", EVERY, cleared),
    ("several calls", FORWARD, EVERY, several_calls),
    ("the same twice", FORWARD, EVERY, same_twice),
    ("a class made of it", "test_nn.py: RNN modules", EVERY, subclassed),
]

DIFFERENT = [
    ("type in autocast", "test_cuda.py: test_autocast_rnn", "lstm", autocast_type, "Autocast"),
]
