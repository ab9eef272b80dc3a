"""Initial weights: the promises of the methods hold for every cell."""

import math

import pytest
import torch
from scipy import stats

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.errors import ParameterError
from rnn_core.layers.initialisation import Initialisation
from rnn_core.layers.recurrent import Recurrent

pytestmark = pytest.mark.usefixtures("float64")

I, H = 3, 400


def biases(layer):
    (direction,) = layer.directions
    parts = direction.input_bias.detach().split(layer.hidden_size)
    return dict(zip(layer.cell.gates, parts, strict=True))


@pytest.mark.parametrize("name", [n for n in REGISTRY if get_cell(n).memory_gates])
def test_forget_bias_is_on_the_side_of_keeping(name):
    """With all else zero, a larger bias keeps more of the state, of c where there is one."""
    states = get_cell(name).states
    kept_one = states.index("c") if "c" in states else 0

    def kept(bias):
        layer = Recurrent(name, 1, 2, initialisation=Initialisation(forget_bias=bias))
        with torch.no_grad():
            layer.directions[0].input_weight.zero_()
            for weight in layer.directions[0].weights.values():
                weight.zero_()
        first = [torch.full((1, 1, 2), {"n": 1.0}.get(state, 0.0)) for state in states]
        first[kept_one] = torch.tensor([[[0.3, 0.9]]])
        state = tuple(first) if len(first) > 1 else first[0]
        with torch.no_grad():
            _, after = layer(torch.zeros(1, 1, 1), state)
        last = after[kept_one] if isinstance(after, tuple) else after
        return float(last[0, 0, 1] - last[0, 0, 0]) / 0.6

    assert kept(0.0) < kept(1.0) < kept(4.0) < 1


def test_chrono_biases_are_log_uniform_and_opposite():
    longest = 200
    layer = Recurrent("lstm", I, H, initialisation=Initialisation(longest_memory=longest))
    found = biases(layer)
    spans = found["f"].exp()
    assert stats.kstest(spans.numpy(), stats.uniform(1, longest - 2).cdf).pvalue > 0.01
    torch.testing.assert_close(found["i"], -found["f"])
    assert (found["g"] == 0).all()
    assert (found["o"] == 0).all()


@pytest.mark.parametrize(("name", "gate", "side"), [("gru", "z", -1), ("gru_reset_after", "z", 1)])
def test_chrono_bias_of_a_gru_keeps_the_state_for_the_drawn_span(name, gate, side):
    layer = Recurrent(name, I, H, initialisation=Initialisation(longest_memory=50))
    share_kept = torch.sigmoid(side * biases(layer)[gate])
    spans = 1 / (1 - share_kept)  # steps after which a state has decayed to 1/e, about
    assert spans.min() > 2
    assert 40 < spans.max() <= 50


def test_uniform_recurrent_weights_are_those_of_torch():
    layer = Recurrent("gru", I, H, initialisation=Initialisation(recurrent="uniform"))
    weight = layer.directions[0].weights["n"].detach().flatten().numpy()
    bound = 1 / math.sqrt(H)
    theirs = torch.nn.GRU(I, H).weight_hh_l0.detach().flatten().numpy()
    assert stats.ks_2samp(weight[:20000], theirs[:20000]).pvalue > 0.01
    assert abs(weight).max() <= bound


def test_uniform_and_orthogonal_weights_follow_the_generator():
    for recurrent in ("uniform", "orthogonal"):
        start = Initialisation(recurrent=recurrent, longest_memory=10)
        first, second = (
            Recurrent(
                "lstm", I, 5, initialisation=start, generator=torch.Generator().manual_seed(s)
            )
            for s in (3, 3)
        )
        for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recurrent": "orthogonel"}, "unknown recurrent 'orthogonel'; did you mean 'orthogonal'"),
        ({"longest_memory": 9.5}, "longest_memory must be a whole number, not 9.5"),
        ({"longest_memory": "9"}, "longest_memory must be a whole number, not '9'"),
        ({"longest_memory": True}, "longest_memory must be a whole number, not True"),
        ({"forget_bias": "1"}, "forget_bias must be a number, not '1'"),
        ({"forget_bias": True}, "forget_bias must be a number, not True"),
        ({"forget_bias": math.nan}, "forget_bias must be finite, not nan"),
        ({"forget_bias": -math.inf}, "forget_bias must be finite, not -inf"),
        ({"longest_memory": 2}, "longest_memory must be at least 3, not 2"),
    ],
)
def test_impossible_starts_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        Initialisation(**options)
