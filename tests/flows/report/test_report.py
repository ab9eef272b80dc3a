"""What the forms of the report say in every case, and what they weigh."""

import re
import time
from types import SimpleNamespace

from flows.report import words
from flows.stages.report import report
from rnn_core.files import digest_of, read_json
from rnn_core.study import read_study

MOST_BYTES = 1_500_000
MOST_SECONDS = 30


def texts(layout):
    """The page and report.md after the stage ran, without markup and line breaks."""
    report(layout, read_study(layout.folder))
    page = re.sub(r"<(?:svg|style).*?</(?:svg|style)>", "", layout.page.read_text(), flags=re.S)
    page = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    return page, (layout.reports / "report.md").read_text()


def of_dataset(text, dataset, start="## "):
    """The part of report.md about a dataset."""
    return text.partition(f"{start}{dataset}\n")[2].partition(start)[0]


def test_every_case_has_a_stated_outcome(made_up):
    page, markdown = texts(made_up)
    stated = {
        "prices": "It is not decided; for now use **gru-16**: 0.1968 mse (lower is better)",
        "sounds": "4 of 5 seeds; seed 3 diverged at epoch 2",
        "phrases": "Of the candidates, use **memoryless-8**: 0.5 accuracy (higher is better), the "
        "same as gru-8.",
        "lost": "No cell can be recommended: a seed of every candidate diverged.",
        "one_lost": "0 of 3 seeds; seed 0 diverged at epoch 4, seed 1 diverged at epoch 4, seed 2 "
        "diverged at epoch 4",
        "bare": "Of the candidates, use **gru-8**",
    }
    for dataset, told in stated.items():
        assert told in of_dataset(markdown, dataset)
        assert told.replace("**", "") in page
    assert "stay as they are; the simple baseline linear beats every cell." in page
    assert "one seed says nothing of the spread between seeds; 3 seeds would decide it" in page
    assert "as good as the best of the others, confirmed on the test side; the cheapest" in page
    assert "Not compared yet: later." in markdown


def test_size_says_how_far_weights_are_from_their_budget():
    found = SimpleNamespace(sizes=("0.25", "equal"), deviations={"0.25": -0.0123})
    assert words.size(found) == "0.25 (-1.2%), equal"


def test_page_says_which_figures_lack_a_candidate(made_up):
    page, _ = texts(made_up)
    assert "Without a score, since every seed diverged: lstm-8." in page
    assert "Lines end where a training diverged: lstm-8 (4 of 5 seeds; seed 3 diverged" in page
    assert "Not compared: lstm-8 (4 of 5 seeds; seed 3 diverged at epoch 2)." in page
    assert "gru-8 falls to 0.016 of it at lag 39" in page
    assert "lstm-8 was not measured, since its training diverged" in page
    assert "memoryless-8 has none beyond lag 0" in page
    assert "not drawn: gru-8, lstm-16, memoryless-8." in page


def test_markup_in_the_data_is_text(made_up):
    report(made_up, read_study(made_up.folder))
    page = made_up.page.read_text()
    assert "<script" not in page
    assert "&lt;script&gt;document.title" in page
    assert "<b>bold" not in page
    assert "price in $ of tea &lt;i&gt;$&lt;/i&gt;" in page


def test_numbers_have_four_digits_and_counts_have_commas(made_up):
    page, markdown = texts(made_up)
    mean = read_json(made_up.metrics)["prices"]["candidates"]["gru-16"]["mean"]
    assert f"gru-16 (test mse {mean:.4g})" in page
    for text in (page, markdown):
        assert "39,488" in text
        assert "12,345" in text, "steps of tuning"
        assert "learning_rate = 0.001235" in text


def test_report_of_nothing_is_a_report(made_up, build_study, tmp_path):
    layout = build_study(tmp_path / "none", {"later": None, "bare": None}, ("gru",))
    page, markdown = texts(layout)
    assert "Not compared yet: bare, later." in markdown
    assert page.count("Not compared yet: not trained:") == 2
    assert read_json(layout.metrics) == {}


def test_page_is_light_and_soon_made(build_study, every_case, tmp_path):
    """16 datasets with 12 candidates, 5 seeds of 200 epochs, and the largest examples."""
    kinds = [every_case[name] for name in ("letters", "prices", "sounds", "phrases")]
    cells = ["gru", "lstm", "mgu", "gru_reset_after", "lstm_layernorm", "lstm_peephole"]
    scores = {cell: 0.5 + 0.05 * i for i, cell in enumerate(cells)}
    large = {"scores": scores, "sizes": (64, 128), "seeds": 5, "epochs": 200, "diverged": {}}
    datasets = {
        f"dataset_{i}": type(kind)(**(vars(kind) | large | {"noise": 0.01}))
        for i, kind in enumerate(kinds * 4)
    }
    layout = build_study(tmp_path / "large", datasets)
    start = time.process_time()
    report(layout, read_study(layout.folder))
    assert time.process_time() - start < MOST_SECONDS
    assert len(list((layout.reports / "details").iterdir())) == 16
    assert layout.page.read_text().count("<svg") >= 16 * 4
    assert layout.page.stat().st_size < MOST_BYTES


def test_report_is_the_same_bytes_each_time(made_up, build_study, every_case, tmp_path):
    report(made_up, read_study(made_up.folder))
    elsewhere = build_study(tmp_path / "elsewhere", every_case)
    report(elsewhere, read_study(elsewhere.folder))
    assert digest_of(elsewhere.reports) == digest_of(made_up.reports)
    assert len(list(made_up.reports.rglob("*.*"))) == 4 + 3 * 7
