"""The page of cells, against the cells themselves."""

import re

import pytest
from generated_pages import cells as catalogue

from rnn_core.cells import REGISTRY, get_cell
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
