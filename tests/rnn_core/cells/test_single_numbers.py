"""Every cell against loops over single numbers, and its gradient against finite differences."""

import cmath
import math

import numpy as np
import pytest
import torch
from random_layers import B, H, I, T, random_layer

from rnn_core.cells import REGISTRY

pytestmark = pytest.mark.usefixtures("float64")


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def scalar_memoryless(x, s, dot):
    return [[math.tanh(x["h"][j]) for j in range(H)]]


def scalar_rnn(activation):
    def step(x, s, dot):
        return [[activation(x["h"][j] + dot(s[0], "h", j)) for j in range(H)]]

    return step


def scalar_lstm(x, s, dot):
    h, c = s
    new_c, new_h = [], []
    for j in range(H):
        i = sigmoid(x["i"][j] + dot(h, "i", j))
        f = sigmoid(x["f"][j] + dot(h, "f", j))
        o = sigmoid(x["o"][j] + dot(h, "o", j))
        g = math.tanh(x["g"][j] + dot(h, "g", j))
        new_c.append(f * c[j] + i * g)
        new_h.append(o * math.tanh(new_c[j]))
    return [new_h, new_c]


def scalar_gru(x, s, dot):
    (h,) = s
    r = [sigmoid(x["r"][j] + dot(h, "r", j)) for j in range(H)]
    reset = [r[j] * h[j] for j in range(H)]
    new = []
    for j in range(H):
        z = sigmoid(x["z"][j] + dot(h, "z", j))
        n = math.tanh(x["n"][j] + dot(reset, "n", j))
        new.append((1 - z) * h[j] + z * n)
    return [new]


def scalar_gru_reset_after(x, s, dot):
    (h,) = s
    new = []
    for j in range(H):
        r = sigmoid(x["r"][j] + dot(h, "r", j))
        z = sigmoid(x["z"][j] + dot(h, "z", j))
        n = math.tanh(x["n"][j] + r * (dot(h, "n", j) + dot(None, "c", j)))
        new.append((1 - z) * n + z * h[j])
    return [new]


def scalar_lstm_peephole(x, s, dot):
    h, c = s
    new_c, new_h = [], []
    for j in range(H):
        i = sigmoid(x["i"][j] + dot(h, "i", j) + dot(None, "pi", j) * c[j])
        f = sigmoid(x["f"][j] + dot(h, "f", j) + dot(None, "pf", j) * c[j])
        g = math.tanh(x["g"][j] + dot(h, "g", j))
        new_c.append(f * c[j] + i * g)
        o = sigmoid(x["o"][j] + dot(h, "o", j) + dot(None, "po", j) * new_c[j])
        new_h.append(o * math.tanh(new_c[j]))
    return [new_h, new_c]


def scalar_lstm_coupled(x, s, dot):
    h, c = s
    new_c, new_h = [], []
    for j in range(H):
        f = sigmoid(x["f"][j] + dot(h, "f", j))
        g = math.tanh(x["g"][j] + dot(h, "g", j))
        o = sigmoid(x["o"][j] + dot(h, "o", j))
        new_c.append(f * c[j] + (1 - f) * g)
        new_h.append(o * math.tanh(new_c[j]))
    return [new_h, new_c]


def normalised(values):
    mean = sum(values) / H
    variance = sum((v - mean) ** 2 for v in values) / H
    return [(v - mean) / math.sqrt(variance + 1e-5) for v in values]


def scalar_lstm_layernorm(x, s, dot):
    h, c = s
    a = {}
    for gate in "ifgo":
        recurrent = normalised([dot(h, gate, j) for j in range(H)])
        a[gate] = [x[gate][j] + dot(None, "s" + gate, j) * recurrent[j] for j in range(H)]
    new_c = [
        sigmoid(a["f"][j]) * c[j] + sigmoid(a["i"][j]) * math.tanh(a["g"][j]) for j in range(H)
    ]
    shown = normalised(new_c)
    new_h = [
        sigmoid(a["o"][j]) * math.tanh(dot(None, "sc", j) * shown[j] + dot(None, "dc", j))
        for j in range(H)
    ]
    return [new_h, new_c]


def scalar_slstm(x, s, dot):
    """Without a stabiliser, which is a power of e that c and n are divided by."""
    h, c, n, _ = s
    new_c, new_n, new_h = [], [], []
    for j in range(H):
        i = math.exp(x["i"][j] + dot(h, "i", j))
        f = sigmoid(x["f"][j] + dot(h, "f", j))
        o = sigmoid(x["o"][j] + dot(h, "o", j))
        new_c.append(f * c[j] + i * math.tanh(x["z"][j] + dot(h, "z", j)))
        new_n.append(f * n[j] + i)
        new_h.append(o * new_c[j] / new_n[j])
    return [new_h, new_c, new_n, [0.0] * H]


def scalar_mgu(x, s, dot):
    (h,) = s
    f = [sigmoid(x["f"][j] + dot(h, "f", j)) for j in range(H)]
    reset = [f[j] * h[j] for j in range(H)]
    n = [math.tanh(x["n"][j] + dot(reset, "n", j)) for j in range(H)]
    return [[(1 - f[j]) * h[j] + f[j] * n[j] for j in range(H)]]


def positive(a):
    return a + 0.5 if a >= 0 else sigmoid(a)


def scalar_mingru(x, s, dot):
    z = [sigmoid(a) for a in x["z"]]
    return [[(1 - z[j]) * s[0][j] + z[j] * positive(x["n"][j]) for j in range(H)]]


def scalar_mingru_block(x, s, dot):
    _, r, *before = s

    def linear(values, matrix, bias):
        return [dot(values, matrix, j) + dot(None, bias, j) for j in range(H)]

    a = [dot(None, "sa", j) * value for j, value in enumerate(normalised(x["p"]))]
    window = [a, *before]
    u = [sum(dot(None, f"k{i}", j) * past[j] for i, past in enumerate(window)) for j in range(H)]
    z = [sigmoid(value) for value in linear(u, "z", "bz")]
    n = [positive(value) for value in linear(u, "n", "bn")]
    r = [(1 - z[j]) * r[j] + z[j] * n[j] for j in range(H)]
    q = [x["p"][j] + dot(r, "o", j) for j in range(H)]
    inner = linear([dot(None, "sq", j) * v for j, v in enumerate(normalised(q))], "m1", "b1")
    gelu = [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in inner]
    return [[q[j] + v for j, v in enumerate(linear(gelu, "m2", "b2"))], r, *window[:3]]


def scalar_lru(x, s, dot):
    new = []
    for j in range(H):
        size, angle = math.exp(-math.exp(dot(None, "nu", j))), math.exp(dot(None, "theta", j))
        read = math.exp(dot(None, "gamma", j)) * complex(x["re"][j], x["im"][j])
        new.append(cmath.rect(size, angle) * complex(s[1][j], s[2][j]) + read)
    re, im = [value.real for value in new], [value.imag for value in new]
    return [[dot(re, "re", j) - dot(im, "im", j) + x["d"][j] for j in range(H)], re, im]


def scalar_minlstm(x, s, dot):
    f, i = [sigmoid(a) for a in x["f"]], [sigmoid(a) for a in x["i"]]
    return [[(f[j] * s[0][j] + i[j] * positive(x["n"][j])) / (f[j] + i[j]) for j in range(H)]]


SCALAR = {
    "memoryless": scalar_memoryless,
    "rnn_tanh": scalar_rnn(math.tanh),
    "rnn_sigmoid": scalar_rnn(sigmoid),
    "rnn_relu": scalar_rnn(lambda a: max(a, 0.0)),
    "lstm": scalar_lstm,
    "gru": scalar_gru,
    "gru_reset_after": scalar_gru_reset_after,
    "lstm_peephole": scalar_lstm_peephole,
    "lstm_coupled": scalar_lstm_coupled,
    "lstm_layernorm": scalar_lstm_layernorm,
    "mgu": scalar_mgu,
    "mingru": scalar_mingru,
    "minlstm": scalar_minlstm,
    "slstm": scalar_slstm,
    "mingru_block": scalar_mingru_block,
    "lru": scalar_lru,
}


def scalar_outputs(name, layer, x_TBI):
    """Outputs by loops over single numbers."""
    direction = layer.directions[0]
    cell = layer.cell
    weight, bias = direction.input_weight.tolist(), direction.input_bias.tolist()
    recurrent = {name: w.tolist() for name, w in direction.weights.items()}

    def dot(h, name, j):
        if h is None:
            return recurrent[name][j]
        return sum(h[k] * recurrent[name][k][j] for k in range(H))

    outputs = np.zeros((T, B, H))
    for b in range(B):
        state = [[0.0] * H for _ in cell.states]
        for t in range(T):
            features = x_TBI[t, b].tolist()
            rows = [
                sum(w * f for w, f in zip(row, features, strict=True)) + c
                for row, c in zip(weight, bias, strict=True)
            ]
            x = {gate: rows[g * H : (g + 1) * H] for g, gate in enumerate(cell.gates)}
            state = SCALAR[name](x, state, dot)
            outputs[t, b] = state[0]
    return torch.from_numpy(outputs)


@pytest.mark.parametrize("name", REGISTRY)
def test_cell_matches_loops_over_single_numbers(name):
    layer, x = random_layer(name), torch.randn(T, B, I)
    torch.testing.assert_close(layer(x)[0], scalar_outputs(name, layer, x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", REGISTRY)
def test_gradient_matches_finite_differences(name):
    layer, x = random_layer(name), torch.randn(4, 2, I, requires_grad=True)
    names = [n for n, _ in layer.named_parameters()]

    def run(x, *weights):
        parameters = dict(zip(names, weights, strict=True))
        outputs, state = torch.func.functional_call(layer, parameters, (x,))
        return outputs, *(state if isinstance(state, tuple) else (state,))

    weights = [p.detach().requires_grad_() for p in layer.parameters()]
    assert torch.autograd.gradcheck(run, (x, *weights))
