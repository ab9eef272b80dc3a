"""Zoneout against its equation, and dropout of recurrent weights."""

import pytest
import torch

from rnn_core.cells import get_cell
from rnn_core.cells.base import Cell
from rnn_core.compiler.running.unrolling import unroll
from rnn_core.layers.execution_path import eager_only
from rnn_core.layers.recurrent import Recurrent
from rnn_core.layers.zoneout import Zoneout

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H = 5, 3, 4, 6
EXACT = {"rtol": 1e-11, "atol": 1e-11}
CELLS = ("gru", "lstm_layernorm", "minlstm", "slstm", "lru", "mingru_block")
LENGTHS = torch.tensor([5, 2, 4])


def by_hand(layer, x, masks):
    """One direction, step by step, with the equation written out."""
    (direction,) = layer.directions
    cell, w = layer.cell, direction.weights
    state = tuple(torch.zeros(B, H) for _ in cell.states)
    outputs = []
    for t in range(T):
        projected = (x[t] @ direction.input_weight.T + direction.input_bias)[None]
        weights = [w[name] for name in cell.weights]
        _, new = unroll(cell, projected, state, weights)
        state = tuple(
            torch.where(mask[t] == 1, old, fresh)
            for mask, old, fresh in zip(masks, state, new, strict=True)
        )
        outputs.append(state[0])
    return torch.stack(outputs)


@pytest.mark.parametrize("name", CELLS)
def test_units_that_are_drawn_keep_their_state(name, monkeypatch):
    layer, x = Recurrent(name, I, H, zoneout=0.4), torch.randn(T, B, I)
    masks = [torch.empty(T, B, H).bernoulli_(0.4) for _ in layer.cell.states]
    monkeypatch.setattr(layer.directions[0], "given", lambda _: tuple(masks))
    torch.testing.assert_close(layer(x)[0], by_hand(layer, x, masks), **EXACT)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("training", [True, False])
def test_kernel_and_loop_agree_with_zoneout(name, training):
    layer = Recurrent(name, I, H, zoneout=0.3, bidirectional=True, num_layers=2).train(training)
    x = torch.randn(T, B, I, requires_grad=True)

    def gradients():
        torch.manual_seed(1)
        outputs, _ = layer(x, lengths=LENGTHS)
        loss = (outputs * torch.linspace(-1, 1, outputs.numel()).view_as(outputs)).sum()
        return outputs, *torch.autograd.grad(loss, [x, *layer.parameters()], allow_unused=True)

    ours = gradients()
    with eager_only():
        theirs = gradients()
    for mine, its in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, torch.zeros_like(mine) if its is None else its, **EXACT)


def test_evaluation_takes_the_mean_over_the_masks_of_a_linear_step():
    """Of `memoryless` with zero input the step is constant, so that the mean is exact."""
    layer, x = Recurrent("memoryless", 1, H, zoneout=0.25).eval(), torch.zeros(1, 1, 1)
    first = torch.ones(1, 1, H)
    torch.testing.assert_close(layer(x, first)[0], torch.full((1, 1, H), 0.25), **EXACT)


def test_share_of_units_that_skip_is_the_rate():
    layer = Recurrent("memoryless", 1, 200, zoneout=0.3)
    outputs, _ = layer(torch.ones(1, 500, 1), torch.full((1, 500, 200), 9.0))
    assert (outputs == 9).double().mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("randomness", ["different", "same"])
def test_vmap_draws_masks_for_each_or_for_all(randomness):
    layer, x = Recurrent("gru", I, H, zoneout=0.5), torch.randn(T, B, I).expand(3, T, B, I)
    drawn = torch.vmap(lambda x: layer(x)[0], randomness=randomness)(x.clone())
    assert torch.equal(drawn[0], drawn[1]) == (randomness == "same")


@pytest.mark.parametrize("name", ["lstm", "lru", "slstm"])
def test_zoneout_declares_what_its_cell_does(name):
    inner = get_cell(name)
    cell = Zoneout(inner)
    declared = {n for n in Cell.__annotations__ if n != "projectable"}
    assert declared >= {"gates", "weights", "states", "together"}
    for attribute in declared - {"given"}:
        assert getattr(cell, attribute) == getattr(inner, attribute)
    assert cell.given == tuple(f"keep_{state}" for state in inner.states)


@pytest.mark.parametrize(
    ("name", "alone", "together"),
    [("slstm", ["h"], ["c", "n", "m"]), ("lru", ["h"], ["re", "im"]), ("lstm", ["h", "c"], [])],
)
def test_states_that_mean_something_only_together_skip_together(name, alone, together):
    (direction,) = Recurrent(name, I, 50, zoneout=0.4).directions
    masks = dict(zip(direction.cell.states, direction.given(torch.zeros(T, B, I)), strict=True))
    for mask in masks.values():
        assert mask.mean() == pytest.approx(0.4, abs=0.1)
    groups = [[state] for state in alone] + ([together] if together else [])
    for group in groups:
        for state, mask in masks.items():
            assert torch.equal(masks[group[0]], mask) == (state in group)


def test_zoneout_leaves_an_slstm_a_mean_of_what_it_read():
    """c and n are numbers of the same scale only while both belong to the same step."""
    layer = Recurrent("slstm", I, 50, zoneout=0.5)
    (_, c, n, _), _ = layer.every_state(30 * torch.randn(40, B, I))
    assert (c.abs() <= n * (1 + 1e-9)).all()


def test_recurrent_dropout_drops_the_same_weights_at_all_steps():
    torch.manual_seed(0)
    layer, x = Recurrent("rnn_tanh", I, H, recurrent_dropout=0.5), torch.randn(T, B, I)
    (direction,) = layer.directions
    torch.manual_seed(7)
    outputs, _ = layer(x)
    torch.manual_seed(7)
    dropped = torch.nn.functional.dropout(direction.weights["h"].detach(), 0.5)
    assert 0 < (dropped == 0).sum() < H * H
    h = torch.zeros(B, H)
    for t in range(T):
        h = torch.tanh(x[t] @ direction.input_weight.T + direction.input_bias + h @ dropped)
        torch.testing.assert_close(outputs[t], h, **EXACT)


def test_recurrent_dropout_is_for_training_only():
    layer, x = Recurrent("lstm", I, H, recurrent_dropout=0.5), torch.randn(T, B, I)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])
