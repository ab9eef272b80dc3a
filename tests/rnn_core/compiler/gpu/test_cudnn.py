"""cuDNN's cells by PyTorch's functions, which on the CPU compute the same without cuDNN."""

import pytest
import torch

from rnn_core.cells import REGISTRY, get_cell
from rnn_core.compiler.gpu.cudnn import flat_weights, is_cudnns, run_cudnn

CUDNN = ["rnn_tanh", "rnn_relu", "lstm", "gru_reset_after"]
LENGTHS = [None, [6, 1, 4, 0, 3]]


def run(case):
    """The output at all steps and all final states, by PyTorch's function."""
    x, weight, bias = case.tensors[:3]
    mask = None if case.present is None else case.present.squeeze(-1)
    every, last = run_cudnn(
        case.cell, x, weight, bias, case.states, case.weights[2:], [], mask, case.reverse
    )
    return [*every, *last]


def run_eager(kernels):
    """The same by the eager loop, 0 where no sequence is."""

    def step_by_step(case):
        outputs, *others = kernels.run_eager(case)
        last = others[len(case.states) - 1 :]
        return [outputs if case.present is None else outputs * case.present, *last]

    return step_by_step


@pytest.mark.parametrize("cell", CUDNN, indirect=True)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_cudnn_matches_the_eager_loop(kernels, cell, reverse, lengths):
    case = kernels.draw(
        cell, T=6, B=5, I=3, H=4, dtype=torch.float64, lengths=lengths, reverse=reverse
    )
    cotangents = [torch.randn_like(output) for output in run(case)]
    ours = kernels.gradients(run, case, cotangents)
    theirs = kernels.gradients(run_eager(kernels), case, cotangents)
    for actual, expected in zip(ours, theirs, strict=True):
        kernels.assert_near(actual, expected, 1e-10)


def test_only_the_cells_themselves_are_cudnns():
    assert [name for name in REGISTRY if is_cudnns(get_cell(name))] == CUDNN
    changed = type("Changed", (type(get_cell("lstm")),), {})
    assert not is_cudnns(changed())


@pytest.mark.parametrize("cell", CUDNN, indirect=True)
def test_weights_lie_in_one_stretch_of_memory_in_cudnns_order(kernels, cell):
    case = kernels.draw(cell, I=3, H=4)
    recurrent = dict(zip(cell.weights, case.weights[2:], strict=True))
    flat = flat_weights(cell, *case.weights[:2], recurrent)
    ends = [piece.data_ptr() + piece.numel() * piece.element_size() for piece in flat]
    assert [piece.data_ptr() for piece in flat[1:]] == ends[:-1]
    modules = {1: torch.nn.RNN, 3: torch.nn.GRU, 4: torch.nn.LSTM}
    own = modules[len(cell.gates)](3, 4)._flat_weights
    assert [piece.shape for piece in flat] == [weight.shape for weight in own]
