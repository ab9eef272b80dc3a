"""The list of cells, against layers of torch."""

import re

import pytest
import torch

from flows.commands import cells as catalogue
from rnn_core.cells import REGISTRY
from rnn_core.errors import ParameterError


def test_list_counts_what_a_layer_of_torch_has():
    header, *lines = catalogue.listing(input_size=3, hidden_size=64).splitlines()
    titles = ["cell", "states", "recurrent parameters", "MACs of a step at I=3, H=64"]
    assert re.split(r" {2,}", header) == titles
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert list(rows) == list(REGISTRY)
    lstm, gru = torch.nn.LSTM(3, 64), torch.nn.GRU(3, 64)
    of_lstm, of_gru = lstm.weight_hh_l0.numel(), gru.weight_hh_l0.numel()
    assert rows["lstm"] == ["h", "c", f"{of_lstm:,}", f"{of_lstm + lstm.weight_ih_l0.numel():,}"]
    assert rows["gru"] == ["h", f"{of_gru:,}", f"{of_gru + gru.weight_ih_l0.numel():,}"]
    assert rows["gru_reset_after"][1] == f"{of_gru + 64:,}"
    assert len({len(line) for line in (header, *lines)}) == 1


def test_list_refuses_a_size_below_one():
    with pytest.raises(ParameterError, match="sizes must be at least 1"):
        catalogue.listing(0, 64)
