"""Cells as loops over time in plain PyTorch, with all that can be hoisted out of the loop.

They are the ones that `torch.nn` does not have, for `plain_pytorch.py`.
"""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from rnn_core.layers.direction import RecurrentDirection


class Loop(nn.Module):
    """One direction of one layer of a cell that torch.nn lacks.

    The input's product is taken for all steps at once. Gates that multiply the same vector
    by their recurrent matrices share one product, as torch.nn does it.

    Attributes:
        parts: How many gates share each recurrent product; none: there is none.
        num_states: States of the cell.
    """

    parts: ClassVar[tuple[int, ...]] = ()
    num_states: ClassVar[int] = 1

    def __init__(self, source: RecurrentDirection) -> None:
        super().__init__()
        cell = source.cell
        self.hidden_size = source.hidden_size
        self.input_weight = nn.Parameter(source.input_weight.detach().clone())
        self.input_bias = nn.Parameter(source.input_bias.detach().clone())
        gates = iter(cell.gates)
        stacked = [
            torch.cat([source.weights[next(gates)] for _ in range(count)], dim=1)
            for count in self.parts
        ]
        self.products = nn.ParameterList(part.detach().clone() for part in stacked)
        vectors = {name: w for name, w in source.weights.items() if w.ndim == 1}
        self.vectors = nn.ParameterDict({n: v.detach().clone() for n, v in vectors.items()})

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[tuple[list[Tensor] | Tensor, ...], tuple[Tensor, ...]]:
        """Read (B, T, I); return each state at all steps, and the last ones, (B, H) each.

        A state at all steps is a list of (B, H), or (B, T, H).
        """
        if state is None:
            state = (x.new_zeros(len(x), self.hidden_size),) * self.num_states
        passed = []
        for step in zip(*(part.unbind(1) for part in self.hoisted(x)), strict=True):
            state = self.step(step, state)
            passed.append(state)
        return tuple(map(list, zip(*passed, strict=True))), state

    def project(self, x: Tensor) -> Tensor:
        """The product by the input, of all steps and gates."""
        return functional.linear(x, self.input_weight, self.input_bias)

    def hoisted(self, x: Tensor) -> Iterable[Tensor]:
        """Terms that do not depend on the state, (B, T, ...) each."""
        return self.project(x).split([n * self.hidden_size for n in self.parts], dim=-1)

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """One time step."""
        raise NotImplementedError


class Memoryless(Loop):
    """A linear layer and tanh, over all steps at once."""

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[tuple[Tensor], tuple[Tensor]]:
        outputs = torch.tanh(self.project(x))
        return (outputs,), (outputs[:, -1],)


class RNNSigmoid(Loop):
    parts = (1,)

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (torch.sigmoid(torch.addmm(x[0], state[0], self.products[0])),)


class GRU(Loop):
    """The GRU that resets before the product."""

    parts = (2, 1)

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h,) = state
        z, r = torch.sigmoid(torch.addmm(x[0], h, self.products[0])).chunk(2, dim=1)
        n = torch.tanh(torch.addmm(x[1], r * h, self.products[1]))
        return (torch.lerp(h, n, z),)


class MGU(Loop):
    parts = (1, 1)

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h,) = state
        f = torch.sigmoid(torch.addmm(x[0], h, self.products[0]))
        n = torch.tanh(torch.addmm(x[1], f * h, self.products[1]))
        return (torch.lerp(h, n, f),)


class MinGRU(Loop):
    """All but the weighted mean of old and new is taken out of the loop."""

    def hoisted(self, x: Tensor) -> Iterable[Tensor]:
        z, n = self.project(x).chunk(2, dim=-1)
        return torch.sigmoid(z), torch.where(n >= 0, n + 0.5, torch.sigmoid(n))

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (torch.lerp(state[0], x[1], x[0]),)


class MinLSTM(MinGRU):
    def hoisted(self, x: Tensor) -> Iterable[Tensor]:
        f, i, n = self.project(x).chunk(3, dim=-1)
        f, i = torch.sigmoid(f), torch.sigmoid(i)
        return i / (f + i), torch.where(n >= 0, n + 0.5, torch.sigmoid(n))


class LSTMCoupled(Loop):
    parts = (3,)
    num_states = 2

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h, c = state
        f, g, o = torch.addmm(x[0], h, self.products[0]).chunk(3, dim=1)
        c = torch.lerp(torch.tanh(g), c, torch.sigmoid(f))
        return torch.sigmoid(o) * torch.tanh(c), c


class LSTMPeephole(Loop):
    parts = (4,)
    num_states = 2

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h, c), v = state, self.vectors
        i, f, g, o = torch.addmm(x[0], h, self.products[0]).chunk(4, dim=1)
        i, f = torch.sigmoid(i + v["pi"] * c), torch.sigmoid(f + v["pf"] * c)
        c = f * c + i * torch.tanh(g)
        return torch.sigmoid(o + v["po"] * c) * torch.tanh(c), c


class LSTMLayerNorm(Loop):
    parts = (4,)
    num_states = 2

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        (h, c), v, size = state, self.vectors, (self.hidden_size,)
        products = (h @ self.products[0]).chunk(4, dim=1)
        i, f, g, o = (
            gate + functional.layer_norm(product, size, v[gain])
            for gate, product, gain in zip(
                x[0].chunk(4, dim=1), products, ("si", "sf", "sg", "so"), strict=True
            )
        )
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        shown = functional.layer_norm(c, size, v["sc"], v["dc"])
        return torch.sigmoid(o) * torch.tanh(shown), c


class SLSTM(Loop):
    parts = (4,)
    num_states = 4

    def step(self, x: tuple[Tensor, ...], state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        h, c, n, m = state
        i, f, z, o = torch.addmm(x[0], h, self.products[0]).chunk(4, dim=1)
        past = functional.logsigmoid(f) + m
        m = torch.where(n > 0, torch.maximum(past, i), i)
        kept = torch.where(n > 0, torch.exp(torch.clamp(past - m, max=0)), 0)
        new = torch.exp(i - m)
        c, n = kept * c + new * torch.tanh(z), kept * n + new
        return torch.sigmoid(o) * c / n, c, n, m


class MinGRUBlock(Loop):
    """All but the weighted mean of old and new is computed for all steps at once."""

    num_states = 5

    def __init__(self, source: RecurrentDirection) -> None:
        super().__init__(source)
        matrices = {name: w for name, w in source.weights.items() if w.ndim == 2}
        self.matrices = nn.ParameterDict({n: m.detach().clone() for n, m in matrices.items()})

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[tuple[list[Tensor] | Tensor, ...], tuple[Tensor, ...]]:
        zero = x.new_zeros(len(x), self.hidden_size)
        _, r, *before = state or (zero,) * self.num_states
        p, v, w = self.project(x), self.vectors, self.matrices
        size = (self.hidden_size,)
        normal = functional.layer_norm(p, size, v["sa"])
        a = torch.cat([*(part[:, None] for part in before[::-1]), normal], dim=1)
        kernel = torch.stack([v["k3"], v["k2"], v["k1"], v["k0"]], dim=1).unsqueeze(1)
        u = functional.conv1d(a.transpose(1, 2), kernel, groups=self.hidden_size).transpose(1, 2)
        z, n = torch.sigmoid(u @ w["z"] + v["bz"]), u @ w["n"] + v["bn"]
        n = torch.where(n >= 0, n + 0.5, torch.sigmoid(n))
        every = []
        for gate, candidate in zip(z.unbind(1), n.unbind(1), strict=True):
            r = torch.lerp(r, candidate, gate)
            every.append(r)
        q = p + torch.stack(every, dim=1) @ w["o"]
        inner = functional.gelu(functional.layer_norm(q, size, v["sq"]) @ w["m1"] + v["b1"])
        outputs = q + inner @ w["m2"] + v["b2"]
        windows = a[:, 3:], a[:, 2:-1], a[:, 1:-2]
        last = outputs[:, -1], r, *(part[:, -1] for part in windows)
        return (outputs, every, *windows), last


class LRU(Loop):
    """The products are taken for all steps at once; complex numbers turn in the loop."""

    num_states = 3

    def __init__(self, source: RecurrentDirection) -> None:
        super().__init__(source)
        matrix = torch.cat([source.weights["re"], -source.weights["im"]])
        self.matrix = nn.Parameter(matrix.detach().clone())

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[tuple[list[Tensor] | Tensor, ...], tuple[Tensor, ...]]:
        zero = x.new_zeros(len(x), self.hidden_size)
        _, re, im = state or (zero,) * self.num_states
        v = self.vectors
        eigenvalue = torch.polar(torch.exp(-torch.exp(v["nu"])), torch.exp(v["theta"]))
        of_re, of_im, direct = self.project(x).chunk(3, dim=-1)
        read = torch.exp(v["gamma"]) * torch.complex(of_re, of_im)
        s, every = torch.complex(re, im), []
        for new in read.unbind(1):
            s = eigenvalue * s + new
            every.append(s)
        states = torch.stack(every, dim=1)
        outputs = torch.cat([states.real, states.imag], dim=-1) @ self.matrix + direct
        return (outputs, states.real, states.imag), (outputs[:, -1], s.real, s.imag)


LOOPS: dict[str, type[Loop]] = {
    "memoryless": Memoryless,
    "rnn_sigmoid": RNNSigmoid,
    "gru": GRU,
    "mgu": MGU,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
    "slstm": SLSTM,
    "mingru_block": MinGRUBlock,
    "lru": LRU,
    "lstm_coupled": LSTMCoupled,
    "lstm_peephole": LSTMPeephole,
    "lstm_layernorm": LSTMLayerNorm,
}


def turned(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each sequence of (B, T, F) from its end; what lies beyond stays."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1])
    ends = lengths[:, None] - 1
    places = torch.where(steps <= ends, ends - steps, steps)
    return x[torch.arange(len(x))[:, None], places]


def at_end(states: Tensor | list[Tensor], lengths: Tensor) -> Tensor:
    """The state (B, H) after the last step of each sequence, of (B, T, H)."""
    states = states if isinstance(states, Tensor) else torch.stack(states, dim=1)
    return states[torch.arange(len(states)), lengths - 1]
