"""Layers without recurrence: what an output sees, and against the modules of torch."""

import importlib.util
import math
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from rnn_core.errors import ParameterError
from rnn_core.parameters import parse
from rnn_core.references import REGISTRY, get_reference
from rnn_core.references.tcn import blocks_for
from rnn_core.tasks import REGISTRY as TASKS
from rnn_core.tasks import get_task

pytestmark = pytest.mark.usefixtures("float64")

T, B, I, H = 12, 4, 3, 8
LENGTHS = torch.tensor([12, 1, 7, 5])
EXAMPLES = Path(__file__).parents[1] / "malformed"
SEEN = {"linear": 5, "tcn": 5, "transformer": 2 * (5 - 1) + 1}
"""Steps that an output depends on, at a reach of 5; a second block of attention looks further."""


def make(name, **options):
    """A layer of a short reach."""
    return get_reference(name)(I, H, reach=5, **options)


def influence(layer):
    """Dependence of each step's output on each step's input for some input of many, bool (T, T)."""
    x = torch.randn(10, T, I)
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[0].sum(0), x)
    return jacobian.abs().sum((1, 2, 4)) > 0


@pytest.mark.parametrize("name", REGISTRY)
def test_an_output_sees_its_own_step_and_those_in_reach_before_it(name):
    back = torch.arange(T)[:, None] - torch.arange(T)
    expected = (back >= 0) & (back < SEEN[name])
    assert torch.equal(influence(make(name)), expected)


@pytest.mark.parametrize("name", REGISTRY)
def test_an_output_of_both_ways_sees_as_far_ahead(name):
    back = torch.arange(T)[:, None] - torch.arange(T)
    expected = back.abs() < SEEN[name]
    assert torch.equal(influence(make(name, bidirectional=True)), expected)


@pytest.mark.parametrize("name", REGISTRY)
def test_what_changes_later_changes_no_earlier_output(name):
    layer, x = make(name), torch.randn(B, T, I)
    before, _ = layer(x)
    for step in (1, 6, T - 1):
        other = x.clone()
        other[:, step:] = 1e6 * torch.randn(B, T - step, I)
        after, _ = layer(other)
        torch.testing.assert_close(after[:, :step], before[:, :step], rtol=1e-12, atol=1e-12)
        assert (after[:, step] != before[:, step]).any()


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("cuts", [[4, 4, 4], [1, 10, 1], [1] * T])
def test_a_sequence_read_in_parts_is_the_same(name, cuts):
    layer, x = make(name), torch.randn(B, T, I)
    whole, state = layer(x)
    outputs, carried = [], None
    for part in x.split(cuts, dim=1):
        if part.shape[1] == 1:
            output, carried = layer.step(part[:, 0], carried)
            output = output[:, None]
        else:
            output, carried = layer(part, carried)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=1), whole, rtol=1e-11, atol=1e-11)
    after, _ = layer(x, state)
    again, _ = layer(x, carried)
    torch.testing.assert_close(again, after, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("fill", [0.0, float("nan"), 1e30])
def test_each_sequence_of_a_batch_is_read_as_if_alone(name, bidirectional, fill):
    layer = make(name, bidirectional=bidirectional)
    x = torch.randn(B, T, I)
    x[torch.arange(T) >= LENGTHS[:, None]] = fill
    x.requires_grad_()
    outputs, state = layer(x, lengths=LENGTHS)
    (gradient,) = torch.autograd.grad(outputs.square().sum() + state.sum(), x)
    for b, length in enumerate(LENGTHS.tolist()):
        alone, last = layer(x[b : b + 1, :length])
        last = last if isinstance(last, torch.Tensor) else last[0]
        torch.testing.assert_close(outputs[b, :length], alone[0], rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(state[:, b], last[:, 0], rtol=1e-11, atol=1e-11)
        assert (outputs[b, length:] == 0).all()
        assert (gradient[b, length:] == 0).all()
        assert gradient[b, :length].isfinite().all()


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_state_begins_with_the_output_where_each_direction_ends(name, bidirectional):
    layer = make(name, bidirectional=bidirectional)
    outputs, state = layer(torch.randn(B, T, I))
    last = state if isinstance(state, torch.Tensor) else state[0]
    assert outputs.shape[2] == layer.output_size
    ends = [outputs[:, -1, :H]]
    if len(layer.reversals) > 1:
        ends.append(outputs[:, 0, H:])
    torch.testing.assert_close(last, torch.stack(ends), rtol=0, atol=0)


def test_what_reads_from_the_end_is_what_reads_the_sequence_turned_around():
    for name in ("linear", "tcn"):
        layer = make(name, bidirectional=True)
        ahead = make(name)
        ahead.stacks[0].load_state_dict(layer.stacks[1].state_dict())
        x = torch.randn(B, T, I)
        torch.testing.assert_close(layer(x)[0][:, :, H:], ahead(x.flip(1))[0].flip(1))


@pytest.mark.parametrize("name", REGISTRY)
def test_a_state_of_padded_sequences_or_of_both_ways_is_refused(name):
    x = torch.randn(B, T, I)
    for layer, lengths in ((make(name), LENGTHS), (make(name, bidirectional=True), None)):
        _, state = layer(x, lengths=lengths)
        with pytest.raises(ParameterError, match="carries a state on through whole sequences"):
            layer(x, state)


def test_linear_filter_is_the_sum_of_products_of_its_last_steps():
    layer, x = make("linear"), torch.randn(B, T, I)
    kernel, bias = layer.stacks[0].map.weight.detach(), layer.stacks[0].map.bias.detach()
    expected = bias.expand(B, T, H).clone()
    for t in range(T):
        for k in range(min(5, t + 1)):
            expected[:, t] += x[:, t - k] @ kernel[:, :, -1 - k].T
    torch.testing.assert_close(layer(x)[0], expected)


def test_tcn_is_the_paper_s_residual_blocks_of_padded_convolutions():
    """With weights normalised by hand, and padding of both sides cut off at the right one."""
    layer, x = get_reference("tcn")(I, H, reach=20), torch.randn(B, T, I)
    value = x.transpose(1, 2)
    assert len(layer.stacks[0].blocks) == 3

    def convolved(convolution, value, dilation):
        of = convolution.parametrizations.weight
        weight = of.original0 * of.original1 / of.original1.norm(dim=(1, 2), keepdim=True)
        padded = functional.conv1d(
            value, weight, convolution.bias, padding=2 * dilation, dilation=dilation
        )
        return functional.relu(padded[:, :, :T])

    with torch.no_grad():
        for convolution in layer.stacks[0].convolutions():
            convolution.parametrizations.weight.original0.uniform_(0.5, 2)
        for level, block in enumerate(layer.stacks[0].blocks):
            inner = convolved(block.second, convolved(block.first, value, 2**level), 2**level)
            around = value
            if level == 0:
                around = torch.einsum("oi,bit->bot", block.around.weight[:, :, 0], value)
                around = around + block.around.bias[:, None]
            value = functional.relu(inner + around)
        torch.testing.assert_close(layer(x)[0], value.transpose(1, 2))


@pytest.mark.parametrize(("reach", "blocks"), [(1, 1), (5, 1), (6, 2), (13, 2), (14, 3), (253, 6)])
def test_tcn_has_as_many_blocks_as_its_reach_needs(reach, blocks):
    assert blocks_for(reach) == blocks
    layer = get_reference("tcn")(1, 4, reach=reach)
    assert len(layer.stacks[0].blocks) == blocks
    seen = influence_of_first(layer, 300)
    assert reach <= seen <= 1 + 4 * (2**blocks - 1)


def influence_of_first(layer, steps):
    """Number of outputs that depend on the first step, for some input of many."""
    x = torch.randn(50, steps, 1)
    other = torch.cat([x[:, :1] + 3, x[:, 1:]], dim=1)
    return int((layer(x)[0] != layer(other)[0]).any(-1).any(0).sum())


def mask_by_hand(both_ways, reach, heads=4):
    """Mask added to the scores, (N, T, T), one number after the other."""
    mask = torch.full((heads, T, T), -math.inf)
    looking = heads // 2 if both_ways else heads
    for head in range(heads):
        rate = 2 ** (-8 * (head % looking + 1) / looking)
        for t in range(T):
            for s in range(T):
                distance = t - s if head < looking else s - t
                if 0 <= distance < reach:
                    mask[head, t, s] = -rate * distance
    return mask


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("reach", [5, 100])
def test_transformer_is_that_of_torch_with_the_scores_lowered_by_distance(both_ways, reach):
    layer = get_reference("transformer")(I, H, reach=reach, bidirectional=both_ways)
    kind = partial(nn.TransformerEncoderLayer, H, 4, 4 * H, 0.0, "gelu", norm_first=True)
    theirs = nn.TransformerEncoder(
        kind(batch_first=True), 2, nn.LayerNorm(H), enable_nested_tensor=False
    )
    theirs.norm.load_state_dict(layer.norm.state_dict())
    for ours, its in zip(layer.blocks, theirs.layers, strict=True):
        its.self_attn.in_proj_weight.data.copy_(ours.attention.weight)
        its.self_attn.in_proj_bias.data.copy_(ours.attention.bias)
        its.self_attn.out_proj.load_state_dict(ours.joining.state_dict())
        its.linear1.load_state_dict(ours.network[0].state_dict())
        its.linear2.load_state_dict(ours.network[2].state_dict())
        its.norm1.load_state_dict(ours.first_norm.state_dict())
        its.norm2.load_state_dict(ours.second_norm.state_dict())
    found = []
    mask = mask_by_hand(both_ways, reach).repeat(B, 1, 1)
    torch.manual_seed(1)
    start = torch.randn(B, T, I)
    for run in (
        lambda x: layer(x)[0],
        lambda x: theirs(layer.embedding(x), mask=mask),
    ):
        x = start.clone().requires_grad_()
        outputs = run(x)
        (gradient,) = torch.autograd.grad((outputs * outputs.cos()).sum(), x)
        found.append((outputs, gradient))
    torch.testing.assert_close(*found, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [1, 6, 7])
def test_transformer_takes_a_size_that_its_heads_do_not_divide(size):
    layer = get_reference("transformer")(I, size, bidirectional=True)
    outputs, _ = layer(torch.randn(B, T, I), lengths=LENGTHS)
    assert outputs.shape == (B, T, size)
    assert outputs.isfinite().all()


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_counted_weights_are_those_that_torch_multiplies_with(name, bidirectional):
    layer = make(name, bidirectional=bidirectional)
    with FlopCounterMode(display=False) as counter:
        layer(torch.randn(B, T, I))
    products = counter.get_flop_counts()["Global"]
    scores = sum(count for op, count in products.items() if "attention" in str(op))
    scores += sum(count for op, count in products.items() if "bmm" in str(op))
    counted = counter.get_total_flops() - scores
    assert counted == 2 * T * B * layer.multiply_accumulates
    assert layer.recurrent_parameters == 0


@pytest.mark.parametrize("name", REGISTRY)
def test_initial_weights_follow_the_generator_and_leave_the_global_one_alone(name):
    before = torch.get_rng_state()
    one, same, other = (
        make(name, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    pairs = zip(one.parameters(), same.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    assert any(
        not torch.equal(ours, theirs)
        for ours, theirs in zip(one.parameters(), other.parameters(), strict=True)
    )
    generator = torch.Generator().manual_seed(1)
    first, second = make(name, generator=generator), make(name, generator=generator)
    assert not torch.equal(next(first.parameters()), next(second.parameters()))


def test_unknown_reference_is_named_with_the_nearest_one():
    with pytest.raises(ParameterError, match=r"unknown reference 'tnc'; did you mean 'tcn'\?"):
        get_reference("tnc")


def load(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small(name, input_size, *, bidirectional=False):
    """A layer as a model's wrapper asks for it."""
    return get_reference(name)(input_size, H, bidirectional=bidirectional, reach=20)


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("task_name", [t for t in TASKS if t != "translation"])
def test_every_wrapper_but_that_of_translation_learns_around_it(tmp_path, task_name, name):
    """A translator passes the states of its encoder on to a decoder, and there are none."""
    example, kind = load(EXAMPLES / f"{task_name}.py"), get_task(task_name)
    for file, content in example.good().items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(content)
    data, meta = kind.prepare(tmp_path, parse(kind.DataParameters, example.PARAMETERS, ""))
    data = {k: t.double() if t.is_floating_point() else t for k, t in data.items()}
    task = kind(meta, kind.ModelParameters(hidden_size=H), seed=1)
    model = task.build_model(partial(small, name))
    batch = next(task.training_batches(data, 4, torch.Generator().manual_seed(1)))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    losses, state = [], None
    for _ in range(30):
        loss, _ = task.loss(model, batch, state)
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None for p in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.97 * losses[0]
    with torch.inference_mode():
        scores = task.scores(model.eval(), data, "validation")
    assert math.isfinite(scores.overall)
