"""Arguments of a call: refused shapes, and states in every form that is accepted."""

from functools import partial

import torch
from torch.nn.utils.rnn import pack_padded_sequence

EVERY = "rnn relu gru lstm"
T, B, I, H, L = 6, 4, 3, 5, 2


def wrong(side, x=(T, B, I), h=(L, B, H), c=None, options=None):
    """A call of two layers; of an LSTM, h or c alone is wrong if only one is given."""
    layer = side.new(I, H, L, **(options or {}))
    hx = torch.randn(h) if side.kind != "lstm" else (torch.randn(h), torch.randn(c or h))
    return layer(torch.randn(x), hx)


def only_x(side, shape, **options):
    return side.new(I, H, L, **options)(torch.randn(shape))


def state_of_one_tensor(side):
    return side.new(I, H, L)(torch.randn(T, B, I), torch.randn(L, B, H))


def state_of_two_tensors(side):
    return side.new(I, H, L)(torch.randn(T, B, I), (torch.randn(L, B, H), torch.randn(L, B, H)))


def state_of_three_tensors(side):
    return side.new(I, H, L)(torch.randn(T, B, I), (torch.randn(L, B, H),) * 3)


def without_steps(side, **options):
    return side.new(5, 6, **options)(torch.ones(0, 10, 5))


def of_other_type(side):
    layer = side.new(3, 5, dtype=torch.float32)
    return layer(torch.randn(2, 4, 3, dtype=torch.float64))


def weights_of_other_type(side):
    return side.new(1, 1, 2).to(torch.bfloat16)(torch.randn(1, 2, 1), side.state(2, 2, 1))


def integers(side):
    return side.new(3, 5)(torch.ones(2, 4, 3, dtype=torch.int64))


def state_of_other_type(side):
    hx = side.state(1, 4, 5)
    hx = tuple(part.float() for part in hx) if isinstance(hx, tuple) else hx.float()
    return side.new(3, 5)(torch.randn(2, 4, 3), hx)


def x_elsewhere(side):
    return side.new(I, H, L)(torch.empty(T, B, I, device="meta"))


def weights_elsewhere(side):
    return side.new(I, H, L, device="meta")(torch.randn(T, B, I))


def state_elsewhere(side):
    hx = side.state(L, B, H)
    away = tuple(p.to("meta") for p in hx) if isinstance(hx, tuple) else hx.to("meta")
    return side.new(I, H, L)(torch.randn(T, B, I), away)


def packed(side, features, hx=None, **options):
    layer = side.new(I, H, L, **options)
    x = pack_padded_sequence(torch.randn(T, B, features), torch.tensor([6, 4, 3, 1]))
    return layer(x, *([] if hx is None else [side.state(*hx)]))


def zeros_or_none(side, proj_size=0, **options):
    layer = side.make(30, 20, 2, **options, **({"proj_size": proj_size} if proj_size else {}))
    x = torch.randn(10, 32, 30)
    directions = 2 if options.get("bidirectional") else 1
    hx = side.state(2 * directions, 32, 20, proj_size=proj_size)
    zeros = tuple(map(torch.zeros_like, hx)) if isinstance(hx, tuple) else torch.zeros_like(hx)
    with_zeros, without = layer(x, zeros), layer(x)
    assert torch.equal(with_zeros[0], without[0])
    return with_zeros, without


def no_sequences(side, **options):
    layer = side.make(3, 4, **options)
    shape = (0, 5, 3) if options.get("batch_first") else (5, 0, 3)
    return side.passed(layer, torch.zeros(shape))


def state_by_name(side):
    layer = side.make(I, H, L)
    return layer(torch.randn(T, B, I), hx=side.state(L, B, H))


def x_by_name(side):
    return side.make(I, H, L)(input=torch.randn(T, B, I))


def state_of_none(side):
    return side.make(I, H, L)(torch.randn(T, B, I), None)


def expanded_state(side):
    hx = side.state(L, 1, H)
    wide = tuple(p.expand(L, B, H) for p in hx) if isinstance(hx, tuple) else hx.expand(L, B, H)
    return side.passed(side.make(I, H, L), torch.randn(T, B, I), wide)


def scattered(*shape):
    """Random numbers with gaps between them in memory."""
    return torch.randn(*shape, 2)[..., 1]


def scattered_tensors(side):
    layer = side.make(I, H, L)
    hx = scattered(L, B, H)
    hx = (hx, scattered(L, B, H)) if side.kind == "lstm" else hx
    return side.passed(layer, scattered(T, B, I), hx)


def permuted_x(side):
    return side.passed(side.make(I, H, L), torch.randn(I, B, T).permute(2, 1, 0))


def expanded_x(side):
    return side.passed(side.make(I, H, L), torch.randn(T, 1, I).expand(T, B, I))


def strided_x(side):
    return side.passed(side.make(I, H, L), torch.randn(2 * T, B, 2 * I)[::2, :, 1::2])


def layout(side, **options):
    """Memory layout of results, on which `view` depends."""
    found, state = side.make(I, H, L, **options)(torch.randn(T, B, I))
    return [part.stride() for part in (found, *(state if isinstance(state, tuple) else (state,)))]


def list_as_state(side):
    """Both states of an LSTM in a list."""
    return side.make(I, H, L)(torch.randn(T, B, I), list(side.state(L, B, H)))


def carried_over(side):
    """A sequence in three parts, each beginning with the state of the one before."""
    layer, x, state = side.make(I, H, L), torch.randn(9, B, I), None
    parts = []
    for part in x.split(3):
        out, state = layer(part, state)
        parts.append(out)
    whole, final = layer(x)
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-12, atol=1e-12)
    return whole, final, state


ARGUMENTS = "test_nn.py: test_rnn_args_check"
PROJECTED = "test_nn.py: test_projections_lstm_args_check"
PROJECTION = {"proj_size": 2}
GOOD = {"h": (L, B, 2), "c": (L, B, H), "options": PROJECTION}
PROJECTED_7 = {"h": (L, 7, 2), "c": (L, 7, H), "options": PROJECTION}
BATCH_FIRST = {"batch_first": True}
UNBATCHED = "common_modules.py: module_inputs without a batch"
STATE = "hx|state"

SAME = [
    (
        "zeros or no state",
        "test_nn.py: test_rnn_initial_hidden_state",
        EVERY,
        zeros_or_none,
    ),
    *(
        (
            f"zeros or no state, projected, {2 if both else 1} directions",
            "test_nn.py: test_projections_lstm_initial_hidden_state",
            "lstm",
            partial(zeros_or_none, proj_size=10, bidirectional=both),
        )
        for both in (False, True)
    ),
    ("no sequences", "test_nn.py: test_RNN_input_size_zero", EVERY, no_sequences),
    (
        "no sequences, both directions, batch first",
        "test_nn.py: test_RNN_input_size_zero",
        EVERY,
        partial(no_sequences, bidirectional=True, batch_first=True),
    ),
    ("state by name", "test_nn.py: hx", EVERY, state_by_name),
    ("x by name", "test_nn.py: input", EVERY, x_by_name),
    ("state of None", "test_nn.py: hx", EVERY, state_of_none),
    ("expanded state", "test_modules.py: test_non_contiguous_tensors", EVERY, expanded_state),
    ("scattered tensors", "test_modules.py: test_non_contiguous_tensors", EVERY, scattered_tensors),
    ("permuted x", "test_modules.py: test_non_contiguous_tensors", EVERY, permuted_x),
    ("expanded x", "test_modules.py: test_non_contiguous_tensors", EVERY, expanded_x),
    ("strided x", "test_modules.py: test_non_contiguous_tensors", EVERY, strided_x),
    ("layout", "test_modules.py: test_memory_format", EVERY, layout),
    (
        "layout, both directions",
        "test_modules.py: test_memory_format",
        EVERY,
        partial(layout, bidirectional=True),
    ),
    (
        "layout, batch first",
        "test_modules.py: test_memory_format",
        EVERY,
        partial(layout, batch_first=True),
    ),
    ("states in a list", "test_nn.py: hx of LSTM", "lstm", list_as_state),
    ("state carried over", "test_nn.py: RNN modules over parts of a sequence", EVERY, carried_over),
]

NOT_BROADCAST = "test_nn.py: test_RNN_cell_no_broadcasting"
FORWARD = "test_nn.py: test_cudnn_forward_exception"
DEVICE = "test_nn.py: test_rnn_check_device"
TYPES = "common_modules.py: module_error_inputs_torch_nn_RNN_GRU"
FEATURES = "input_size|features"


def of(**shapes):
    return partial(wrong, **shapes)


REFUSED = [
    ("B of x", ARGUMENTS, EVERY, of(x=(T, 7, I)), STATE),
    ("I of x", ARGUMENTS, EVERY, of(x=(T, B, 7)), FEATURES),
    ("B of h", ARGUMENTS, EVERY, of(h=(L, 7, H), c=(L, B, H)), STATE),
    ("B of c", ARGUMENTS, "lstm", of(c=(L, 7, H)), STATE),
    ("H of h", ARGUMENTS, EVERY, of(h=(L, B, 7), c=(L, B, H)), STATE),
    ("H of c", ARGUMENTS, "lstm", of(c=(L, B, 7)), STATE),
    ("layers of h", ARGUMENTS, EVERY, of(h=(7, B, H), c=(L, B, H)), STATE),
    ("layers of c", ARGUMENTS, "lstm", of(c=(7, B, H)), STATE),
    ("one direction of two", ARGUMENTS, EVERY, of(options={"bidirectional": True}), STATE),
    ("both directions of one", ARGUMENTS, EVERY, of(h=(2 * L, B, H)), STATE),
    ("B of h is 1", NOT_BROADCAST, EVERY, of(h=(L, 1, H), c=(L, B, H)), STATE),
    ("B of c is 1", NOT_BROADCAST, "lstm", of(c=(L, 1, H)), STATE),
    ("H of h is 1", NOT_BROADCAST, EVERY, of(h=(L, B, 1), c=(L, B, H)), STATE),
    ("I of x is 1", NOT_BROADCAST, EVERY, of(x=(T, B, 1)), FEATURES),
    ("H of h, batch first", FORWARD, EVERY, of(h=(L, T, 4), options=BATCH_FIRST), STATE),
    ("I of x alone", FORWARD, EVERY, partial(only_x, shape=(T, B, 2)), FEATURES),
    ("projected: B of x", PROJECTED, "lstm", of(x=(T, 7, I), **GOOD), STATE),
    ("projected: I of x", PROJECTED, "lstm", of(x=(T, B, 7), **GOOD), FEATURES),
    ("projected: h of H", PROJECTED, "lstm", of(h=(L, B, H), options=PROJECTION), STATE),
    ("projected: h of another size", PROJECTED, "lstm", of(**GOOD | {"h": (L, B, 4)}), STATE),
    ("projected: c of P", PROJECTED, "lstm", of(**GOOD | {"c": (L, B, 2)}), STATE),
    ("projected: B of h and c", PROJECTED, "lstm", of(**PROJECTED_7), STATE),
    ("no dimension", UNBATCHED, EVERY, partial(only_x, shape=()), "x|input"),
    ("one dimension", UNBATCHED, EVERY, partial(only_x, shape=(I,)), "x|input"),
    ("four dimensions", UNBATCHED, EVERY, partial(only_x, shape=(2, T, B, I)), "x|input"),
    ("a state without a batch", UNBATCHED, EVERY, of(h=(L, H)), STATE),
    ("h without a batch", UNBATCHED, "lstm", of(h=(L, H), c=(L, B, H)), STATE),
    ("c without a batch", UNBATCHED, "lstm", of(c=(L, H)), STATE),
    ("a batch of states for one", UNBATCHED, EVERY, of(x=(T, I)), STATE),
    ("a state of one dimension", UNBATCHED, EVERY, of(x=(T, I), h=(H,)), STATE),
    ("h alone", "test_nn.py: hx of LSTM", "lstm", state_of_one_tensor, STATE),
    ("h and c", "test_nn.py: hx of GRU", "rnn relu gru", state_of_two_tensors, STATE),
    ("three states", "test_nn.py: hx of LSTM", "lstm", state_of_three_tensors, STATE),
    ("no steps", "test_nn.py: test_error_RNN_seq_len_zero", EVERY, without_steps, "step"),
    (
        "no steps, both directions",
        "test_nn.py: test_error_RNN_seq_len_zero",
        EVERY,
        partial(without_steps, bidirectional=True),
        "step",
    ),
    ("x of another type", TYPES, EVERY, of_other_type, "float64"),
    (
        "weights of another type",
        "test_autocast.py: test_autocast_rnn",
        EVERY,
        weights_of_other_type,
        "bfloat16",
    ),
    ("x of integers", TYPES, EVERY, integers, "int64"),
    ("state of another type", TYPES, EVERY, state_of_other_type, "float32"),
    ("x on another device", DEVICE, EVERY, x_elsewhere, "meta"),
    ("weights on another device", DEVICE, EVERY, weights_elsewhere, "meta"),
    ("state on another device", DEVICE, EVERY, state_elsewhere, "meta"),
    ("packed: I", FORWARD, EVERY, partial(packed, features=7), FEATURES),
    ("packed: B of the state", ARGUMENTS, EVERY, partial(packed, features=I, hx=(L, 7, H)), STATE),
    ("packed: layers", ARGUMENTS, EVERY, partial(packed, features=I, hx=(1, B, H)), STATE),
    (
        "x that is a list",
        "test_nn.py: input",
        EVERY,
        lambda s: s.new(I, H)([[[0.0] * I]]),
        "x|input",
    ),
]
