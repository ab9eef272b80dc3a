"""Changes to tensors and graphs between the two passes, and choices of gradients."""

from functools import partial

import torch
from torch import nn
from torch.autograd.graph import save_on_cpu, saved_tensors_hooks
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.checkpoint import checkpoint

EVERY = "rnn relu gru lstm"


def flat(results):
    """Outputs and states in one tuple."""
    outputs, state = results
    return (outputs, *(state if isinstance(state, tuple) else (state,)))


def enabled_in_inference(side):
    """Inside of inference_mode, results need no gradient even where gradients are enabled."""
    with torch.inference_mode():
        layer, x = side.make(3, 4, 2), torch.randn(5, 2, 3)
        with torch.enable_grad():
            results = flat(layer(x))
        return [(part.clone(), part.requires_grad) for part in results]


def retained(side, **options):
    layer = side.make(10, 20, num_layers=2, **options)
    outputs = layer(torch.randn(5, 6, 10))[0]
    found = []
    for _ in range(5):
        layer.zero_grad()
        outputs.sum().backward(retain_graph=True)
        found.append(side.gradients(layer))
    return found


def accumulated(side):
    """Gradients of three batches, added up."""
    layer = side.make(3, 4, 2)
    for _ in range(3):
        layer(torch.randn(5, 2, 3))[0].sin().sum().backward()
    return side.gradients(layer)


def refused_by_autograd(side, spoil):
    """Errors of autograd have the same class on both sides."""
    layer, x = side.make(3, 4), torch.randn(5, 2, 3, requires_grad=True)
    try:
        spoil(layer, x)
    except RuntimeError as error:
        return type(error).__name__
    return None


def twice_without_retaining(layer, x):
    loss = layer(x)[0].sum()
    loss.backward()
    loss.backward()


def input_changed_before(layer, x):
    x = x * 1
    loss = layer(x)[0].sum()
    x.add_(1)
    loss.backward()


def weights_changed_before(layer, x):
    loss = layer(x)[0].sum()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(1)
    loss.backward()


def only_to_x(side):
    layer, x = side.make(2, 3).requires_grad_(False), torch.randn(1, 1, 2, requires_grad=True)
    layer(x)[0].sum().backward()
    return x.grad, [p.grad for p in layer.parameters() if p.grad is not None]


def only_to_weights(side):
    layer = side.make(2, 3)
    layer(torch.randn(4, 1, 2))[0].sum().backward()
    return side.gradients(layer)


def only_to_state(side):
    layer, hx = side.make(2, 3).requires_grad_(False), side.state(1, 2, 3)
    states = hx if isinstance(hx, tuple) else (hx,)
    for part in states:
        part.requires_grad_()
    layer(torch.randn(4, 2, 2), hx)[0].sin().sum().backward()
    return [part.grad for part in states]


def of_one_result(side, which):
    """One result alone is used; the others have no gradient."""
    layer, x = side.make(2, 3, 2), torch.randn(4, 2, 2, requires_grad=True)
    which(flat(layer(x))).sum().backward()
    return x.grad, side.gradients(layer)


def changed_in_place(side, change, **options):
    """Outputs may be changed before the gradients are asked for."""
    layer, x = side.make(3, 4, **options), torch.randn(5, 2, 3, requires_grad=True)
    outputs, state = layer(x)
    kept = change(outputs, state)
    kept.sin().sum().backward()
    return kept, x.grad, side.gradients(layer)


def rectified(outputs, _):
    return torch.relu_(outputs)


def first_cleared(outputs, _):
    outputs[0] = 0
    return outputs


def dropped(outputs, _):
    return nn.Dropout(0.5, inplace=True)(outputs)


def state_doubled(outputs, state):
    first = state[0] if isinstance(state, tuple) else state
    first.mul_(2)
    return outputs.sum() + first


def apart(side, steps):
    """Outputs, state and the state that was given do not lie in the same memory."""
    layer, x, hx = side.make(3, 4, 2), torch.randn(steps, 2, 3), side.state(2, 2, 4)
    with torch.no_grad():
        outputs, state = layer(x, hx)
        for part in flat((outputs, state))[1:]:
            part.mul_(2)
        kept = outputs.clone()
        outputs.zero_()
    return kept, state, hx


def seen_on_the_way(side):
    """Outputs keep their own gradient, and a hook changes it, before it goes on."""
    layer, x = side.make(3, 4, 2), torch.randn(5, 2, 3, requires_grad=True)
    outputs, _ = layer(x)
    outputs.retain_grad()
    outputs.register_hook(lambda gradient: gradient * 3)
    outputs.sin().sum().backward()
    return outputs.grad, x.grad, side.gradients(layer)


def packed_data_changed(side):
    layer, x = side.make(3, 4), torch.randn(5, 2, 3, requires_grad=True)
    outputs, _ = layer(pack_padded_sequence(x, [5, 3]))
    outputs.data.mul_(2).sin().sum().backward()
    return x.grad, side.gradients(layer)


def recomputed(side, reentrant):
    layer, x = side.make(3, 4, 2), torch.randn(5, 2, 3, requires_grad=True)
    outputs, _ = checkpoint(layer, x, use_reentrant=reentrant)
    outputs.sin().sum().backward()
    return outputs, x.grad, side.gradients(layer)


def under(side, context):
    layer, x = side.make(3, 4, 2), torch.randn(5, 2, 3)
    with context():
        return side.passed(layer, x)


def copied_when_saved():
    return saved_tensors_hooks(torch.clone, lambda tensor: tensor)


def without_gradients(side, context):
    layer, x = side.make(3, 4, 2), torch.randn(5, 2, 3, requires_grad=True)
    with context():
        outputs, _ = layer(x)
    return outputs.requires_grad, outputs.clone()


def truncated(side):
    """Backpropagation through parts of a sequence, with the state detached between them."""
    layer, state = side.make(3, 4, 2), None
    for part in torch.randn(9, 2, 3).split(3):
        outputs, state = layer(part, state)
        outputs.sin().sum().backward()
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
    return side.gradients(layer), state


def state_reset_in_place(side):
    layer, x = side.make(3, 4), torch.randn(6, 2, 3)
    with torch.no_grad():
        _, state = layer(x[:3])
        for part in state if isinstance(state, tuple) else (state,):
            part[:, 0] = 0
    return side.passed(layer, x[3:], state)


def learned_state(side):
    """An initial state that is one vector for all sequences, and is trained."""
    layer, start = side.make(3, 4), torch.randn(1, 1, 4, requires_grad=True)
    wide = start.expand(1, 5, 4)
    layer(torch.randn(6, 5, 3), (wide, wide) if side.kind == "lstm" else wide)[0].sum().backward()
    return start.grad


IN_PLACE = "test_modules.py: test_check_inplace, of what follows a module"
ONE = "test_nn.py: test_lstmcell_backward_only_one_output_grad"

SAME = [
    ("retained", "test_nn.py: test_rnn_retain_variables", EVERY, retained),
    (
        "retained, projected",
        "test_nn.py: test_rnn_retain_variables",
        "lstm",
        partial(retained, proj_size=10),
    ),
    ("accumulated", "test_autograd.py: accumulation", EVERY, accumulated),
    (
        "backward twice",
        "test_autograd.py: backward of freed buffers",
        EVERY,
        partial(refused_by_autograd, spoil=twice_without_retaining),
    ),
    (
        "input changed before backward",
        "test_autograd.py: saved tensor modified",
        EVERY,
        partial(refused_by_autograd, spoil=input_changed_before),
    ),
    (
        "weights changed before backward",
        "test_autograd.py: saved tensor modified",
        EVERY,
        partial(refused_by_autograd, spoil=weights_changed_before),
    ),
    (
        "only to x",
        "test_autograd.py: test_rnn_backward_to_input_but_not_parameters",
        EVERY,
        only_to_x,
    ),
    ("only to the weights", "test_nn.py: RNN modules", EVERY, only_to_weights),
    ("only to the state", "test_nn.py: RNN modules", EVERY, only_to_state),
    ("of the outputs alone", ONE, EVERY, partial(of_one_result, which=lambda r: r[0])),
    ("of the first output alone", ONE, EVERY, partial(of_one_result, which=lambda r: r[0][0])),
    ("of the last output alone", ONE, EVERY, partial(of_one_result, which=lambda r: r[0][-1])),
    ("of h alone", ONE, EVERY, partial(of_one_result, which=lambda r: r[1])),
    ("of the lower h alone", ONE, EVERY, partial(of_one_result, which=lambda r: r[1][0])),
    ("of c alone", ONE, "lstm", partial(of_one_result, which=lambda r: r[2])),
    ("outputs rectified in place", IN_PLACE, EVERY, partial(changed_in_place, change=rectified)),
    (
        "outputs rectified in place, batch first",
        IN_PLACE,
        EVERY,
        partial(changed_in_place, change=rectified, batch_first=True, bidirectional=True),
    ),
    ("first output cleared", IN_PLACE, EVERY, partial(changed_in_place, change=first_cleared)),
    ("outputs dropped in place", IN_PLACE, EVERY, partial(changed_in_place, change=dropped)),
    ("state doubled in place", IN_PLACE, EVERY, partial(changed_in_place, change=state_doubled)),
    ("outputs and state apart", IN_PLACE, EVERY, partial(apart, steps=5)),
    ("outputs and state apart, one step", IN_PLACE, EVERY, partial(apart, steps=1)),
    ("seen on the way", "test_autograd.py: test_retain_grad", EVERY, seen_on_the_way),
    ("packed outputs doubled in place", IN_PLACE, EVERY, packed_data_changed),
    ("recomputed", "test_autograd.py: checkpoint", EVERY, partial(recomputed, reentrant=False)),
    (
        "recomputed from outside",
        "test_autograd.py: checkpoint",
        EVERY,
        partial(recomputed, reentrant=True),
    ),
    (
        "saved on the CPU",
        "test_autograd.py: save_on_cpu",
        EVERY,
        partial(under, context=save_on_cpu),
    ),
    (
        "copied when saved",
        "test_autograd.py: saved_tensors_hooks",
        EVERY,
        partial(under, context=copied_when_saved),
    ),
    (
        "anomalies looked for",
        "test_autograd.py: detect_anomaly",
        EVERY,
        partial(under, context=torch.autograd.detect_anomaly),
    ),
    (
        "no_grad",
        "test_nn.py: RNN modules",
        EVERY,
        partial(without_gradients, context=torch.no_grad),
    ),
    (
        "inference_mode",
        "test_autograd.py: inference mode",
        EVERY,
        partial(without_gradients, context=torch.inference_mode),
    ),
    ("gradients enabled in inference_mode", "test_inference_mode.py", EVERY, enabled_in_inference),
    ("truncated", "test_nn.py: RNN modules over parts of a sequence", EVERY, truncated),
    ("state reset in place", "test_nn.py: RNN modules", EVERY, state_reset_in_place),
    ("a state that is learned", "test_nn.py: RNN modules", EVERY, learned_state),
]
