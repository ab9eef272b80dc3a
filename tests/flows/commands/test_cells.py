"""The list of cells and the page about them, against the cells themselves."""

import re

import pytest
import torch

from flows.commands import cells as catalogue
from rnn_core.cells import REGISTRY, get_cell
from rnn_core.errors import ParameterError
from rnn_core.layers.recurrent import Recurrent


def table():
    """The rows of the page's table by cell, and by column."""
    lines = [line for line in catalogue.page().splitlines() if line.startswith("| ")]
    header, rule, *rows = [[part.strip() for part in line.split("|")[1:-1]] for line in lines]
    assert set(rule) == {"---"}
    return {
        re.match(r"\[`(\w+)`\]", row[0]).group(1): dict(zip(header, row, strict=True))
        for row in rows
    }


@pytest.mark.parametrize("name", REGISTRY)
def test_formula_of_the_table_counts_the_weights_of_a_layer(name):
    formula = table()[name]["parameters"].replace("H²", "*H*H").replace("IH", "*I*H")
    formula = re.sub(r"(\d)H", r"\1*H", formula)
    formula = re.sub(r"(^| )\*", r"\1", formula)
    for I, H in ((3, 5), (4, 2), (1, 7)):
        counted = sum(p.numel() for p in Recurrent(name, I, H).parameters())
        assert eval(formula, {"I": I, "H": H}) == counted  # noqa: S307


def test_table_has_costs_as_multiples_of_lstm():
    costs = {name: float(row["cost"]) for name, row in table().items()}
    assert list(costs) == list(REGISTRY)
    assert costs["lstm"] == costs["lstm_peephole"] == 1
    assert costs["gru"] == costs["gru_reset_after"] == costs["lstm_coupled"] == 0.75
    assert (costs["mgu"], costs["rnn_tanh"], costs["memoryless"]) == (0.5, 0.25, 0.125)


def test_table_has_the_longest_chain_of_products_and_all_matrices():
    rows = table()
    chains = {name: int(row["dependent products"]) for name, row in rows.items()}
    assert {name for name, chain in chains.items() if chain == 2} == {"gru", "mgu"}
    assert {name: chain for name, chain in chains.items() if chain > 2} == {"mingru_block": 4}
    assert {name for name, chain in chains.items() if chain == 0} == {
        "memoryless",
        "mingru",
        "minlstm",
    }
    matrices = {name: int(row["recurrent matrices"]) for name, row in rows.items()}
    assert (matrices["lstm_peephole"], matrices["gru"], matrices["mingru"]) == (4, 3, 0)
    assert (matrices["slstm"], matrices["lru"], matrices["mingru_block"]) == (4, 2, 5)


def test_chain_counts_products_that_wait_and_no_others():
    class Odd(type(get_cell("gru"))):
        def step(self, x, state, w):
            (h,) = state
            beside = h @ w.z
            return (((h @ w.z).tanh() @ w.r + x.n) @ w.n + beside,)

    assert catalogue.dependent_products(Odd()) == 3


@pytest.mark.parametrize("name", REGISTRY)
def test_table_says_when_to_use_a_cell_in_one_clause(name):
    purpose = table()[name]["use it"]
    text = " ".join(catalogue.docstring(get_cell(name)).split())
    assert f"Use it {purpose}" in text
    assert text.split(f"Use it {purpose}")[1][0] in ".;:,"
    assert 15 < len(purpose) < 110


@pytest.mark.parametrize("name", REGISTRY)
def test_page_has_every_equation_and_links_every_reference(name):
    page = catalogue.page()
    section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
    text = catalogue.docstring(get_cell(name))
    equations = [
        line.strip() for line in text.splitlines() if re.match(r"    \S+ = |    g\(a", line)
    ]
    fenced = re.search(r"^```text\n(.*?)^```$", section, re.M | re.S).group(1)
    assert fenced.splitlines() == equations
    assert f"[`{name}`](#{name})" in page
    for number in re.findall(r"arXiv:([\w.]+v\d)", text):
        assert f"[arXiv:{number}](https://arxiv.org/abs/{number})" in section
    for doi in re.findall(r"doi:([\w./]+\w)", text):
        assert f"[doi:{doi}](https://doi.org/{doi})" in section
    outside = re.sub(r"```text.*?```|`[^`\n]*`", "", section, flags=re.S)
    assert not re.search(r"^(    |\t)|<|\|", outside, re.M), "it would not be plain text"


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
