"""The page to try models, as a browser shows it."""

import io
import re
import time
from dataclasses import fields
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from chromium_page import CHROMIUM, CONTRASTS, chromium
from trying import Trying, listening

from flows.report.answer import answer
from flows.tracking.rows import rows_of
from rnn_core.tasks import REGISTRY, get_task

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")

REPOSITORY = Path(__file__).parents[3]
LOOKS = list(product((360, 1200), ("light", "dark")))
GIVEN = "0123456789abcdef0123"
WIDEST = """
[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() &&
  !e.closest(".scroll, svg") && e.getBoundingClientRect().right > innerWidth + 0.5
).map((e) => e.outerHTML.slice(0, 80))
"""


def test_text_appears_while_it_is_written(trying, models):
    made = models["text_generation"]
    trying.open(made.name).type("line").set("num_tokens", 3000).set("seed", 5).ask()
    seen = trying.browser.wait_for("document.querySelector('.writing')?.textContent.length > 10")
    assert seen, "it is shown before it is whole"
    told = trying.answer()
    wanted = made.task.AnswerParameters(num_tokens=3000, seed=5)
    shown = trying.browser.value("document.querySelector('.answer pre').textContent")
    assert shown == made.task.generate(made.model, "line", wanted)
    assert re.search(r"speed\n[\d.e+]+ tokens/s", told)


def test_text_is_stopped_by_the_person(trying):
    trying.open("tiny.text_generation").type("line").set("num_tokens", 10_000).ask()
    trying.browser.wait_for("document.querySelector('.writing')?.textContent.length > 5")
    trying.browser.value("[...document.querySelectorAll('button')].at(-1).click()")
    assert trying.wrong() == "Stopped."
    assert trying.browser.wait_for("!document.querySelector('#question .main').disabled")


def test_sentence_is_judged_with_the_probability_of_each_class(trying, models):
    made = models["sentiment"]
    told = trying.open(made.name).type("a fine and funny film").ask().answer()
    wanted = rows_of(made.task.answer(made.model, table_of("a fine and funny film"), all_of(made)))
    label, share = wanted[0]["label"], 100 * wanted[0]["confidence"]
    assert f"a fine and funny film: {label}" in told
    assert f"{label}\n{share:.1f} %" in told
    assert (
        len(trying.browser.value("[...document.querySelectorAll('meter')].map(m => m.value)")) == 2
    )


def table_of(text):
    return pd.DataFrame({"text": [text]})


def all_of(made):
    return made.task.AnswerParameters(all=True)


def test_answer_stands_beside_cell_evidence_and_latency(trying):
    told = trying.open("tiny.sentiment").type("fine").ask().answer()
    assert "cell\ngru" in told
    assert "evidence\nuse gru-4 (the only candidate)" in told
    assert re.search(r"latency\n[\d.]+ ms in the server, [\d.]+ ms in all", told)


def test_evidence_is_that_of_the_terminal_in_its_words(trying, undecided):
    """The risk by the validation set alone, and reasons against the recommendation."""
    trying.open("tiny.copy_memory")
    told = trying.browser.value("document.querySelector('.answer dl').innerText").split("\n")
    lines = answer(undecided).lines
    place = told.index("evidence") + 1
    assert told[place : place + len(lines)] == lines
    starts = [
        "use gru-32 for now (not decided yet)",
        "but: the simple baseline nearest",
        "accuracy",
    ]
    starts += ["risk: 2.4 % that another candidate is better by more", "to decide: "]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    score = f"{undecided.registered_test_score:.4g}"
    assert told[place + len(lines) :] == ["own test score", score]
    assert told[told.index("size") + 1] == "32 units, 1 layer"
    assert trying.browser.value("document.querySelector('dl').innerText.includes('98.6')") is False


def test_two_versions_answer_the_same_input_side_by_side(trying):
    trying.open("tiny.sentiment").choose("second", "tiny.sentiment@1").type("fine").ask()
    first, second = trying.answer(0), trying.answer(1)
    assert first.startswith("tiny.sentiment\n")
    assert second.startswith("tiny.sentiment@1\n")
    assert first.split("\n")[2:4] == second.split("\n")[2:4]
    boxes = "[...document.querySelectorAll('.answer')].map(a => a.getBoundingClientRect().top)"
    assert len(set(trying.browser.value(boxes))) == 1, "they are beside one another"


def test_second_model_is_one_that_takes_the_same(trying):
    trying.open("tiny.sentiment")
    offered = "[...document.getElementById('second').options].map(o => o.value)"
    assert trying.browser.value(offered) == ["", "tiny.sentiment@1"]
    trying.choose("first", "tiny.translation")
    assert trying.browser.value("document.getElementById('second').disabled")


def test_lines_are_translated(trying, models):
    made = models["translation"]
    told = trying.open(made.name).click(".example").ask().answer()
    for line in made.answer["translation"]:
        assert line.strip() in told


@pytest.mark.parametrize("task", ["speech_recognition", "speech_transcription"])
def test_recording_is_uploaded(trying, models, tmp_path, task):
    made = models[task]
    (tmp_path / "said.wav").write_bytes(made.example["wav"][0])
    trying.open(made.name).upload(tmp_path / "said.wav")
    trying.browser.wait_for("document.body.innerText.includes('said.wav')")
    told = trying.ask().answer()
    assert str(made.answer.iloc[0, 0]) in told
    assert trying.browser.value("!document.querySelector('audio').hidden")


def test_sound_is_recorded_as_a_wav_that_models_read(trying, models, tmp_path):
    """A missing microphone is reported; a recording is a plain wav."""
    trying.open("tiny.speech_recognition")
    trying.browser.value(
        "import('/page/sound.js').then(async ({wav}) => {"
        "const samples = Float32Array.from({length: 800}, (_, i) => Math.sin(i / 3) * 2);"
        "window.made = [...new Uint8Array(await wav(samples, 8000).arrayBuffer())]; })"
    )
    content = bytes(trying.browser.wait_for("window.made"))
    (tmp_path / "made.wav").write_bytes(content)
    samples, rate = soundfile.read(tmp_path / "made.wav")
    wanted = np.clip(2 * np.sin(np.arange(800) / 3), -1, 1)
    assert rate == 8000
    np.testing.assert_allclose(samples, wanted, atol=2e-4)


RECORD = "#question button[type=button]:not(.example)"


@pytest.fixture(scope="module")
def with_microphone(address, tmp_path_factory):
    """A browser whose microphone beeps, and which does not ask whether it may be used."""
    beeps = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with chromium(tmp_path_factory.mktemp("chromium"), *beeps) as browser:
        yield Trying(browser, address)


def test_recording_of_the_microphone_is_answered(with_microphone):
    with_microphone.open("tiny.speech_recognition").click(RECORD)
    browser = with_microphone.browser
    browser.wait_for(f"document.querySelector('{RECORD}').textContent === 'Stop'")
    time.sleep(1.2)  # it beeps once a second
    with_microphone.click(RECORD)
    browser.wait_for("document.body.innerText.includes('Recorded here.')")
    assert browser.wait_for("document.querySelector('audio').duration") > 0.8
    browser.value(
        "window.send = window.fetch; window.fetch = (address, options) => {"
        "if (options?.body instanceof Blob) options.body.arrayBuffer().then("
        "(sent) => { window.heard = [...new Uint8Array(sent)]; });"
        "return window.send(address, options); }; 1"
    )
    assert "cell" in with_microphone.ask().answer()
    samples, rate = soundfile.read(io.BytesIO(bytes(browser.wait_for("window.heard"))))
    assert rate >= 8000 and np.abs(samples).max() > 0.1


def test_recording_that_cannot_be_read_is_told_and_can_be_made_again(with_microphone):
    """The button said "Stop" for ever, and did nothing."""
    with_microphone.open("tiny.speech_recognition")
    browser = with_microphone.browser
    browser.value("AudioContext.prototype.decodeAudioData = () => Promise.reject('too short')")
    with_microphone.click(RECORD)
    browser.wait_for(f"document.querySelector('{RECORD}').textContent === 'Stop'")
    with_microphone.click(RECORD)
    browser.wait_for("document.body.innerText.includes('Nothing was recorded; try again.')")
    assert browser.value(f"document.querySelector('{RECORD}').textContent") == "Record"


def test_microphone_that_is_not_there_is_told(trying):
    trying.open("tiny.speech_recognition").click(RECORD)
    trying.browser.wait_for("document.body.innerText.includes('upload a recording')")


def test_choices_say_what_they_choose(trying):
    """Every option of an answer has words on the page, and no words are left over."""
    trying.open("tiny.forecasting")
    page = trying.browser.value("document.body.innerText")
    assert "Model whose answer is shown beside it" in page
    assert "horizon: rows to predict (0: as trained)" in page
    trying.browser.value(
        "import('/page/questions.js').then(m => { window.options = Object.keys(m.OPTIONS); })"
    )
    told = trying.browser.wait_for("window.options")
    kinds = [get_task(name) for name in REGISTRY]
    assert told == sorted({f.name for kind in kinds for f in fields(kind.AnswerParameters)})


@pytest.mark.parametrize(
    ("model", "text", "said"),
    [
        ("tiny.sentiment", "", "Write something first."),
        ("tiny.text_generation", "Ω", "character 1 of the prompt"),
        ("tiny.translation", "Привет мир", "row 1, column 'text'"),
        ("tiny.copy_memory", "abcabcabc", "row 1 has 9 symbols"),
    ],
)
def test_wrong_input_is_told_on_the_page(trying, model, text, said):
    trying.open(model)
    if text:
        trying.type(text)
    assert said in trying.ask().wrong()


@pytest.mark.parametrize("model", ["tiny.speech_recognition", "tiny.forecasting"])
def test_missing_or_wrong_file_is_told_on_the_page(trying, tmp_path, model):
    assert "first" in trying.open(model).ask().wrong()
    (tmp_path / "wrong.txt").write_text("nothing,here\n1,2\n")
    trying.open(model).upload(tmp_path / "wrong.txt")
    trying.browser.wait_for("document.body.innerText.includes('wrong.txt')")
    assert trying.ask().wrong()


def test_markup_is_shown_and_not_let_in(trying):
    told = trying.open("tiny.sentiment").type("<img src=x onerror=alert(1)> fine").ask().answer()
    assert "<img src=x onerror=alert(1)> fine" in told
    assert trying.browser.value("document.images.length") == 0


def test_keyboard_reaches_all_and_asks(trying):
    trying.open("tiny.sentiment").type("a fine film")
    trying.browser.ask("Input.dispatchKeyEvent", **key("Enter", modifiers=2))
    assert "a fine film" in trying.answer()
    trying.browser.value("document.querySelector('nav a').focus()")
    reached = []
    for _ in range(12):
        trying.browser.ask("Input.dispatchKeyEvent", **key("Tab"))
        trying.browser.ask("Input.dispatchKeyEvent", type="keyUp", key="Tab")
        reached.append(
            trying.browser.value("document.activeElement.id || document.activeElement.textContent")
        )
    for wanted in ("first", "second", "text", "Judge", "Use the example"):
        assert wanted in reached


def key(name, **more):
    codes = {"Enter": 13, "Tab": 9}
    told = {"type": "rawKeyDown", "key": name, "code": name, "windowsVirtualKeyCode": codes[name]}
    return told | more


@pytest.mark.parametrize(("width", "colours"), LOOKS)
@pytest.mark.parametrize("task", ["sentiment", "forecasting", "text_generation"])
def test_page_fits_and_can_be_read(trying, task, width, colours):
    trying.open(f"tiny.{task}", width, colours).click(".example").ask().answer()
    assert trying.browser.value(WIDEST) == []
    assert trying.browser.value("document.scrollingElement.scrollWidth") <= width
    found = trying.browser.value(CONTRASTS)
    assert len(found) > 15
    assert not [text for text in found if text["contrast"] < 4.5]
    assert not trying.browser.troubles()
    asked = {url for url in trying.browser.requests() if not url.startswith(("data:", "blob:"))}
    assert all(url.startswith(trying.address) for url in asked)


@pytest.mark.parametrize(("width", "colours"), LOOKS)
def test_page_for_programs_names_every_address(browser, address, width, colours):
    browser.open(f"{address}/docs", width, colours)
    browser.wait_for("document.querySelectorAll('#paths section').length")
    text = browser.value("document.body.innerText")
    assert "POST /models/tiny.text_generation/stream" in text
    assert "curl" in text
    assert browser.value("document.scrollingElement.scrollWidth") <= width
    assert not [t for t in browser.value(CONTRASTS) if t["contrast"] < 4.5]
    assert not browser.troubles()


def test_page_asks_for_the_token_where_one_is_needed(browser, models, application):
    with listening(application("tiny.sentiment", token=GIVEN)) as address:
        browser.open(f"{address}/")
        trying = Trying(browser, address)
        assert trying.wrong() == "This server needs its token."
        for given in ("wrong", GIVEN):
            browser.value(
                f"document.querySelector('[name=token]').value = '{given}';"
                "document.querySelector('#token').requestSubmit()"
            )
            if given == "wrong":
                browser.wait_for("document.querySelector('main').hidden")
        browser.wait_for("!document.querySelector('main').hidden")
        told = trying.type("fine").ask().answer()
        assert "fine: " in told


def test_page_tells_that_the_server_is_gone(browser, models, application):
    with listening(application("tiny.sentiment")) as address:
        trying = Trying(browser, address).open("tiny.sentiment").type("fine")
    assert trying.ask().wrong() == "The server does not answer. Is it still running?"


def test_page_tells_that_there_is_no_model(browser, own_models, application):
    with listening(application()) as address:
        browser.open(f"{address}/")
        assert Trying(browser, address).wrong().startswith("No model is registered yet")
