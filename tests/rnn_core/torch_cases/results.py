"""Outputs, states and gradients over the options, the forms of input, and dropout."""

import io
import warnings
from functools import partial
from itertools import product

import torch
from torch.nn.utils.rnn import (
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
)

EVERY = "rnn relu gru lstm"
T, B, I, H, L = 7, 6, 10, 6, 2
LENGTHS = [7, 5, 5, 2, 1, 1]


def scattered(nest):
    """The same numbers with gaps between them in memory."""
    if isinstance(nest, tuple):
        return tuple(map(scattered, nest))
    return torch.stack([nest, torch.zeros_like(nest)], -1)[..., 0]


def unbatched(side, with_state, proj_size=0, **options):
    """One sequence without a dimension for the batch, through two layers."""
    options |= {"proj_size": proj_size} if proj_size else {}
    layer = side.make(2, 3, num_layers=2, **options)
    directions = 4 if options["bidirectional"] else 2
    hx = side.state(directions, 3, proj_size=proj_size) if with_state else None
    return side.passed(layer, torch.randn(3, 2), hx)


def batched(side, contiguous, packed, proj_size=0, **options):
    """Two layers with initial states; all outputs and states take part in the loss."""
    options |= {"proj_size": proj_size} if proj_size else {}
    layer = side.make(I, H, L, **options)
    x = torch.randn((B, T, I) if options["batch_first"] else (T, B, I))
    hx = side.state(2 * L if options["bidirectional"] else L, B, H, proj_size=proj_size)
    if not contiguous:
        x, hx = scattered(x), scattered(hx)
    if packed:
        lengths = torch.tensor(LENGTHS) if packed == "tensor" else LENGTHS
        x = pack_padded_sequence(x, lengths, batch_first=options["batch_first"])
    return side.passed(layer, x, hx)


def named(flags):
    """Names of the options of a row."""
    parts = [f"{name} {on}" if isinstance(on, str) else name for name, on in flags.items() if on]
    return ", ".join(parts).replace("_", " ") or "plain"


def grid(kinds, act, origin, *names, **constants):
    """A row for each choice of the named options."""
    for values in product((False, True), repeat=len(names)):
        flags = dict(zip(names, values, strict=True))
        yield (
            f"{act.__name__} {named(flags | constants)}",
            origin,
            kinds,
            partial(act, **flags, **constants),
        )


def packed_module_input(side, sequences, lengths, **options):
    layer = side.make(2, 2, num_layers=2, **options)
    return side.passed(
        layer, pack_padded_sequence(torch.randn(5, sequences, 2), torch.tensor(lengths))
    )


def packed_or_alone(side):
    """A packed batch, and each of its sequences by itself."""
    lengths = [10, 10, 6, 2, 2, 1, 1]
    layer = side.make(3, 4, num_layers=2, bidirectional=True)
    x = torch.randn(10, 7, 3)
    outputs, state = layer(pack_padded_sequence(x, lengths))
    padded, counted = pad_packed_sequence(outputs)
    assert counted.tolist() == lengths
    for b, length in enumerate(lengths):
        alone, _ = layer(x[:length, b : b + 1])
        torch.testing.assert_close(padded[:length, b : b + 1], alone, rtol=1e-12, atol=1e-12)
    return outputs, state, padded


def packed_unsorted(side, lengths, **options):
    layer = side.make(12, 10, bidirectional=True, batch_first=True, **options)
    lengths = torch.tensor(lengths)
    x = torch.randn(len(lengths), int(lengths.max()), 12)
    x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return side.passed(layer, x, side.state(2, len(lengths), 10))


def of_sequences(side):
    """Sequences of several lengths, packed as they come; what comes out is unpacked."""
    layer = side.make(3, 4, 2)
    x = pack_sequence([torch.randn(n, 3) for n in (2, 5, 3)], enforce_sorted=False)
    outputs, state = layer(x)
    return outputs, state, unpack_sequence(outputs)


def cast_when_packed(side):
    layer = side.make(3, 4, dtype=torch.float32)
    x = pack_padded_sequence(torch.randn(5, 2, 3, dtype=torch.float64), [5, 3]).float()
    return side.passed(layer, x)


def of_total_length(side):
    layer = side.make(3, 4)
    outputs, _ = layer(pack_padded_sequence(torch.randn(6, 3, 3), [4, 2, 2]))
    return [pad_packed_sequence(outputs, b, total_length=n) for b in (False, True) for n in (4, 12)]


def with_lengths(side, dtype, **options):
    """Lengths as a tensor of any type here, packed there."""
    layer = side.make(3, 5, 2, **options)
    x, lengths = torch.randn(6, 4, 3), torch.tensor([3, 6, 1, 4])
    if side.ours:
        return layer(x, lengths=lengths.to(dtype))
    outputs, state = layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
    return pad_packed_sequence(outputs)[0], state


def without_steps(side):
    layer, lengths = side.make(3, 5), torch.tensor([3, 0])
    x = torch.randn(3, 2, 3)
    if side.ours:
        return layer(x, lengths=lengths)[0]
    return pad_packed_sequence(layer(pack_padded_sequence(x, lengths))[0])[0]


def beside_no_steps(side):
    """A sequence of no steps beside others: 0, its state as it was, and no part in gradients."""
    layer, x, hx = side.make(3, 5, bidirectional=True), torch.randn(4, 3, 3), side.state(2, 3, 5)
    if side.ours:
        outputs, state = layer(x, hx, lengths=torch.tensor([4, 0, 2]))
        outputs.sin().sum().backward()
        return outputs, state, side.gradients(layer)
    rest = [0, 2]
    states = hx if isinstance(hx, tuple) else (hx,)
    given = tuple(part[:, rest] for part in states)
    packed = pack_padded_sequence(x[:, rest], [4, 2])
    found, final = layer(packed, given if side.kind == "lstm" else given[0])
    outputs = torch.zeros(4, 3, 10)
    outputs[:, rest] = pad_packed_sequence(found)[0]
    outputs.sin().sum().backward()
    final = final if isinstance(final, tuple) else (final,)
    state = tuple(
        part.index_copy(1, torch.tensor(rest), new) for part, new in zip(states, final, strict=True)
    )
    return outputs, state if side.kind == "lstm" else state[0], side.gradients(layer)


def padded_with(side, value, packed):
    """Padding of any value has no part in outputs, states or gradients."""
    layer, lengths = side.make(2, 4), torch.tensor([5, 3])
    parts = [torch.randn(n, 2) for n in lengths]
    x = pad_sequence(parts, padding_value=value).requires_grad_()
    if side.ours and not packed:
        outputs, state = layer(x, lengths=lengths)
    else:
        outputs, state = layer(pack_padded_sequence(x, lengths))
        outputs, _ = pad_packed_sequence(outputs)
    states = state if isinstance(state, tuple) else (state,)
    sum(part.square().sum() for part in (outputs, *states)).backward()
    return outputs, state, side.gradients(layer), x.grad


def small_shapes(side):
    """Every small shape and option, without gradients and in evaluation."""
    results = []
    for alone, both, bias, empty, batch_first, wide in product((False, True), repeat=6):
        options = {"bidirectional": both, "bias": bias, "batch_first": batch_first}
        layer = side.make(1 + wide, 2, 2 - wide, **options).eval()
        for steps, sequences in ((1, 1), (1, 2), (2, 1), (2, 2)):
            x = torch.randn(*((steps,) if alone else (steps, sequences)), 1 + wide)
            directions = (2 - wide) * (1 + both)
            states = (directions, 2) if alone else (directions, sequences, 2)
            x = x.transpose(0, 1) if batch_first and not alone else x
            with torch.no_grad():
                results.append(layer(x, None if empty else side.state(*states)))
    return results


def of_type(side, dtype, trained, **options):
    """In another type; whatever this runs on may say that it is slow."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        layer = side.make(5, 6, 2, **options).to(dtype)
        x = torch.randn(7, 3, 5).to(dtype)
        if trained:
            return side.passed(layer, x)
        with torch.no_grad():
            return layer.eval()(x)


def shape(side, sizes):
    """Steps, sequences, features, hidden units and layers."""
    steps, sequences, features, hidden, layers = sizes
    layer = side.make(features, hidden, layers)
    return side.passed(layer, torch.randn(steps, sequences, features))


def ones_with_dropout(side, share, training):
    """Outputs of weights of 1 tell how many units were dropped between two layers."""
    layer = side.make(10, 100, 2, bias=False, dropout=share).train(training)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1)
    return layer(torch.ones(1, 1, 10), side.state(2, 1, 100))


def dropout_twice(side, share, training, copied):
    """The same random numbers drop the same units on both sides, in a loaded copy too."""
    layer = side.make(10, 10, 2, dropout=share).train(training)
    x, hx = torch.rand(3, 2, 10), side.state(2, 2, 10)
    results = [layer(x, hx), layer(x, hx)]
    torch.manual_seed(3)
    results.append(copied(layer)(x, hx))
    return results


def changed_dropout(side, training):
    layer = side.make(10, 10, 2).train(training)
    x, results = torch.rand(3, 2, 10), []
    for share in (0, 0.5, 0, 0.7, 0.2, 1, 0.2, 0):
        layer.dropout = share
        results.append((layer(x), layer(x)))
    return results


def by_pickle(layer):
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


INPUTS = "common_modules.py: module_inputs of the RNN modules"
CUDNN = "test_nn.py: _test_RNN_cpu_vs_cudnn"
OPTIONS = ("bias", "batch_first", "bidirectional")
PACKED = "nn/test_packed_sequence.py"
MANY = [1, 2, 3, 4, 5, 1, 3, 2, 96, 5, 3, 1, 1, 2, 1, 2, 3, 6, 1, 2, 4, 6, 2, 1]

SAME = [
    *grid(EVERY, unbatched, INPUTS, *OPTIONS, "with_state"),
    *grid("lstm", unbatched, INPUTS, *OPTIONS, "with_state", proj_size=2),
    *grid(EVERY, batched, CUDNN, *OPTIONS, "contiguous", packed=None),
    *grid(EVERY, batched, CUDNN, *OPTIONS, "contiguous", packed="list"),
    *grid(EVERY, batched, CUDNN, *OPTIONS, contiguous=True, packed="tensor"),
    *grid("lstm", batched, CUDNN, *OPTIONS, "contiguous", packed=None, proj_size=3),
    *grid("lstm", batched, CUDNN, *OPTIONS, contiguous=True, packed="list", proj_size=3),
    *(
        (
            f"packed {lengths}, {options}",
            INPUTS,
            EVERY,
            partial(packed_module_input, sequences=len(lengths), lengths=lengths, **options),
        )
        for lengths in ([5, 3], [5, 3, 3, 2, 2])
        for options in ({}, {"bias": False}, {"bidirectional": True}, {"batch_first": True})
    ),
    ("packed or alone", "test_nn.py: test_variable_sequence", EVERY, packed_or_alone),
    (
        "24 lengths in no order",
        "inductor/test_cpu_repro.py: test_pack_padded_sequence_lstm",
        EVERY,
        partial(packed_unsorted, lengths=MANY),
    ),
    ("a batch of equal lengths", PACKED, EVERY, partial(packed_unsorted, lengths=[4, 4, 4])),
    ("one packed sequence", PACKED, EVERY, partial(packed_unsorted, lengths=[5], bias=False)),
    ("packed as they come", f"{PACKED}: test_unpack_sequence", EVERY, of_sequences),
    ("cast when packed", f"{PACKED}: test_type_casts", EVERY, cast_when_packed),
    ("padded to a total length", f"{PACKED}: test_total_length", EVERY, of_total_length),
    *(
        (f"lengths of {dtype}", PACKED, EVERY, partial(with_lengths, dtype=dtype))
        for dtype in (torch.int64, torch.int32, torch.uint8, torch.float32)
    ),
    (
        "lengths, both directions",
        PACKED,
        EVERY,
        partial(with_lengths, dtype=torch.int64, bidirectional=True),
    ),
    *(
        (
            f"padded with {value}{' and packed' if packed else ''}",
            PACKED,
            EVERY,
            partial(padded_with, value=value, packed=packed),
        )
        for value in (float("nan"), float("inf"), -1e300)
        for packed in (False, True)
    ),
    ("beside a sequence of no steps", PACKED, EVERY, beside_no_steps),
    ("small shapes", "inductor/test_cpu_repro.py: test_lstm_packed", "lstm", small_shapes),
    *(
        (
            f"{dtype}{' trained' if trained else ''}{' both ways' if both else ''}",
            "test_mkldnn.py: LSTM",
            EVERY,
            partial(of_type, dtype=dtype, trained=trained, bidirectional=both),
        )
        for dtype, trained in (
            (torch.float32, True),
            (torch.float32, False),
            (torch.bfloat16, False),
        )
        for both in (False, True)
    ),
    *(
        (
            f"shape {sizes}",
            "test_modules.py: test_forward",
            EVERY,
            partial(shape, sizes=sizes),
        )
        for sizes in (
            (1, 1, 1, 1, 1),
            (1, 5, 3, 4, 1),
            (9, 1, 3, 17, 1),
            (2, 40, 1, 3, 1),
            (50, 3, 4, 33, 3),
        )
    ),
    *(
        (
            f"ones, dropout {share}, training {training}",
            "test_nn.py: test_RNN_dropout",
            "relu",
            partial(ones_with_dropout, share=share, training=training),
        )
        for share in (0, 0.276, 0.731, 1)
        for training in (True, False)
    ),
    *(
        (
            f"dropout {share} twice, training {training}",
            "test_nn.py: test_RNN_dropout_state",
            EVERY,
            partial(dropout_twice, share=share, training=training, copied=by_pickle),
        )
        for share in (0, 0.1234)
        for training in (True, False)
    ),
    *(
        (
            f"changed dropout, training {training}",
            "test_nn.py: test_RNN_change_dropout",
            EVERY,
            partial(changed_dropout, training=training),
        )
        for training in (True, False)
    ),
]

DIFFERENT = [
    ("a sequence of no steps", PACKED, EVERY, without_steps, "Sequences of no steps"),
]
