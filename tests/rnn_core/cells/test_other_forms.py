"""Cells against their papers' equations in another form than a step after the other.

A linear recurrence is a convolution, and a weighted mean over the past is attention; both look
at all of the past at every step and carry nothing along.
"""

import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional

from rnn_core.cells import get_cell
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H = 40, 3, 4, 5


def weights(layer):
    """By name: input weights and biases of each gate, behind W_ and b_, and recurrent ones."""
    (direction,) = layer.directions
    gates = layer.cell.gates
    matrices = zip(gates, direction.input_weight.split(H), strict=True)
    biases = zip(gates, direction.input_bias.split(H), strict=True)
    named = {f"W_{gate}": part for gate, part in matrices}
    return named | {f"b_{gate}": part for gate, part in biases} | dict(direction.weights.items())


def lru_convolution(layer, x, start):
    """h_t = sum over k of Re(C lambda^k gamma (B x_{t-k} + b)), the kernel made by powers."""
    w = weights(layer)
    _, re, im = start
    steps = torch.arange(len(x) + 1)[:, None]
    lam = torch.polar(torch.exp(-torch.exp(w["nu"])), torch.exp(w["theta"]))
    powers = lam**steps  # (T + 1, H)
    u = w["gamma"].exp() * torch.complex(x @ w["W_re"].T + w["b_re"], x @ w["W_im"].T + w["b_im"])
    lags = steps[:-1] - steps[:-1].T
    kernel = torch.where(lags[..., None] >= 0, powers[lags.clamp(min=0)], 0)
    states = torch.einsum("tsh,sbh->tbh", kernel, u)
    states = states + powers[1:, None] * torch.complex(re, im)
    outputs = (states @ torch.complex(w["re"], w["im"])).real + x @ w["W_d"].T + w["b_d"]
    return outputs, (outputs[-1], states[-1].real, states[-1].imag)


def slstm_attention(layer, x, start):
    """c_t / n_t as a softmax over all inputs so far, of logits that forget gates lower."""
    w = weights(layer)
    h, c, n, m = start
    mean = c / n
    logits, values, outputs = [n.log() + m], [mean], []
    for row in x:
        i, f, z, o = (row @ w[f"W_{g}"].T + w[f"b_{g}"] + h @ w[g] for g in "ifzo")
        logits = [logit - functional.softplus(-f) for logit in logits] + [i]
        values.append(torch.tanh(z))
        shares = torch.softmax(torch.stack(logits), dim=0)
        mean = (shares * torch.stack(values)).sum(0)
        h = torch.sigmoid(o) * mean
        outputs.append(h)
    return torch.stack(outputs), (h, mean, torch.logsumexp(torch.stack(logits), dim=0))


def block_of_modules(layer, x, start):
    """The modules of torch.nn over all steps, and the recurrence as a matrix of weights (T, T)."""
    w = weights(layer)
    _, r, *before = start
    norms = {"a": nn.LayerNorm(H), "q": nn.LayerNorm(H)}
    p = x @ w["W_p"].T + w["b_p"]

    def normalised(name, value):
        return torch.func.functional_call(
            norms[name], {"weight": w[f"s{name}"], "bias": torch.zeros(H)}, value
        )

    a = torch.cat([*(part[None] for part in before[::-1]), normalised("a", p)])
    kernel = torch.stack([w["k3"], w["k2"], w["k1"], w["k0"]], dim=1)[:, None]  # (H, 1, 4)
    u = functional.conv1d(a.permute(1, 2, 0), kernel, groups=H).permute(2, 0, 1)
    z = torch.sigmoid(u @ w["z"] + w["bz"])
    n = u @ w["n"] + w["bn"]
    n = torch.where(n >= 0, n + 0.5, torch.sigmoid(n))
    kept = torch.log1p(-z).cumsum(0)  # (T, B, H)
    causal = torch.ones(len(x), len(x)).tril()[..., None, None]
    shares = causal * (causal * (kept[:, None] - kept[None])).exp() * z[None]
    states = torch.einsum("tsbh,sbh->tbh", shares, n) + kept.exp() * r
    q = p + states @ w["o"]
    network = functional.gelu(normalised("q", q) @ w["m1"] + w["b1"]) @ w["m2"] + w["b2"]
    return q + network, (q[-1] + network[-1], states[-1], a[-1], a[-2], a[-3])


FORMS = {"lru": lru_convolution, "slstm": slstm_attention, "mingru_block": block_of_modules}


def random_layer(name, size=0.9, **options):
    """A layer whose every weight and bias is random, so that none can be forgotten."""
    layer = Recurrent(name, I, H, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-size, size)
    return layer


def random_start(name):
    """A state that the cell may have come to: of `slstm`, n is above 0."""
    cell = get_cell(name)
    drawn = {state: torch.randn(B, H) for state in cell.states}
    return tuple(s.abs() + 0.5 if n == "n" else s for n, s in drawn.items())


def comparable(name, final):
    """The last states; of `slstm` what they stand for, since m may be any number."""
    if name == "slstm" and len(final) == 4:
        h, c, n, m = final
        return h, c / n, n.log() + m
    return final


@pytest.mark.parametrize("name", FORMS)
def test_cell_is_its_paper_in_another_form(name):
    layer, start = random_layer(name), random_start(name)
    found = []
    for run in (layer, lambda x, state: FORMS[name](layer, x, [s[0] for s in state])):
        torch.manual_seed(3)
        x = torch.randn(T, B, I, requires_grad=True)
        first = tuple(s[None].clone().requires_grad_() for s in start)
        outputs, final = run(x, first)
        last = comparable(name, [s.reshape(B, H) for s in final])
        results = [outputs, *last]
        loss = sum((r * torch.randn(r.shape)).sum() for r in results)
        read = first if name == "slstm" else first[1:]  # h_{t-1} is read by `slstm` alone
        gradients = torch.autograd.grad(loss, [x, *read, *layer.parameters()])
        found.append([*results, *gradients])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [1.0, 50.0, 2000.0])
def test_slstm_from_nothing_is_the_attention_over_its_inputs(size):
    """At the start n is 0 and there is nothing to weigh, however small the first input gate is."""
    layer = random_layer("slstm")
    with torch.no_grad():
        layer.directions[0].input_weight.split(H)[0].mul_(size)
        layer.directions[0].input_bias.split(H)[0].sub_(size)
    x = torch.randn(T, B, I)
    zero = torch.zeros(B, H)
    no_share = torch.full((B, H), -1e6)  # the logit of what the layer's state stands for
    expected, _ = slstm_attention(layer, x, (zero, zero, zero + 1, no_share))
    outputs, (_, _, n, _) = layer(x)
    torch.testing.assert_close(outputs, expected, rtol=1e-9, atol=1e-12)
    assert (n >= 1).all(), "what a mean is divided by"
    with eager_only():
        torch.testing.assert_close(layer(x)[0], expected, rtol=1e-9, atol=1e-12)
    single = layer.float()(x.float())[0]
    torch.testing.assert_close(single.double(), expected, rtol=0, atol=2e-3 if size > 1 else 1e-5)


def test_lru_starts_uniformly_in_the_unit_disk_and_keeps_the_size_of_noise():
    layer = Recurrent("lru", 1, 1000, generator=torch.Generator().manual_seed(1))
    nu, theta, gamma = (layer.directions[0].weights[n].detach() for n in ("nu", "theta", "gamma"))
    radius, angle = torch.exp(-torch.exp(nu)), torch.exp(theta)
    assert stats.kstest(radius.square().numpy(), "uniform").pvalue > 0.01
    assert stats.kstest((angle / (2 * torch.pi)).numpy(), "uniform").pvalue > 0.01
    # A state that reads noise of variance 1 has the variance gamma^2 (1 + |lambda|^2 + ...).
    torch.testing.assert_close(gamma.exp().square() / (1 - radius.square()), torch.ones(1000))


def test_lru_cannot_explode_whatever_its_weights_become():
    layer = random_layer("lru", size=8.0)
    _, (_, re, im) = layer(torch.zeros(3000, 1, I), tuple(torch.ones(1, 1, H) for _ in range(3)))
    assert torch.hypot(re, im).isfinite().all()
    with torch.no_grad():
        layer.directions[0].input_bias.zero_()
    states, _ = layer.every_state(
        torch.zeros(50, 1, I), tuple(torch.ones(1, 1, H) for _ in range(3))
    )
    sizes = torch.hypot(states[1], states[2])
    assert (sizes[1:] <= sizes[:-1]).all()


def test_convolution_of_the_block_starts_as_that_of_torch():
    layer = Recurrent("mingru_block", 1, 1000, generator=torch.Generator().manual_seed(1))
    w = layer.directions[0].weights
    theirs = nn.Conv1d(1000, 1000, 4, groups=1000).weight.detach().flatten().numpy()
    kernel = torch.cat([w[f"k{lag}"].detach() for lag in range(4)]).numpy()
    assert stats.ks_2samp(kernel, theirs).pvalue > 0.01
    assert len(set(kernel.tolist())) == kernel.size


@pytest.mark.parametrize("name", ["lru", "mingru_block"])
@pytest.mark.parametrize("options", [{}, {"zoneout": 0.1}])
def test_vectors_that_are_drawn_follow_the_generator(name, options):
    def start(seed, dtype=torch.float32):
        generator = torch.Generator().manual_seed(seed)
        return Recurrent(name, I, H, dtype=dtype, generator=generator, **options).directions[0]

    drawn = get_cell(name).vector_start(H, None)
    one, same, other, half = start(1), start(1), start(2), start(1, torch.bfloat16)
    for vector in drawn:
        assert torch.equal(one.weights[vector], same.weights[vector])
        assert torch.equal(one.weights[vector].bfloat16(), half.weights[vector])
        assert (one.weights[vector] != other.weights[vector]).all()
