"""Downloads that break, archives that attack, and generators that must not drift."""

import hashlib
import io
import math
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rnn_core.errors import ParameterError, SourceError
from rnn_core.files import digest_of
from rnn_core.readers.sound.audio import read_sound
from rnn_core.sources import REGISTRY, agreement_text, download, get_source
from rnn_core.sources.agreement_text import START, choices, log_probabilities, sample
from rnn_core.sources.archive import RemoteArchive
from rnn_core.sources.download import MIRROR_VARIABLE, RemoteFile, RemoteFiles
from rnn_core.sources.mauna_loa_co2 import SOURCE as CO2
from rnn_core.sources.synthetic_digits import SAMPLE_RATE_HZ, SyntheticDigits, Voice, speak
from rnn_core.sources.synthetic_digits import SOURCE as DIGITS

CONTENT = bytes(range(256)) * 40


class Server:
    """A web server with given answers, which counts."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, int]] = []
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                status, body, announced = outer.answers[min(outer.requests, len(outer.answers)) - 1]
                self.send_response(status)
                self.send_header("Content-Length", str(announced))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/folder/data.bin"
        serve = partial(self.http.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()

    def say(self, body: bytes, *, status: int = 200, announced: int | None = None) -> None:
        self.answers.append((status, body, len(body) if announced is None else announced))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def source_at(url: str, content: bytes = CONTENT) -> RemoteFiles:
    sha256 = hashlib.sha256(content).hexdigest()
    return RemoteFiles((RemoteFile(url=url, name="data.bin", size=len(content), sha256=sha256),))


def test_download_puts_the_promised_bytes_in_place(server, tmp_path):
    server.say(CONTENT)
    source_at(server.url).fetch(tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert server.requests == 1


@pytest.mark.parametrize("share", [0, 0.0001, 0.5, 0.99])
def test_truncated_download_is_retried_then_refused(server, tmp_path, share):
    server.say(CONTENT[: int(share * len(CONTENT))], announced=len(CONTENT))
    with pytest.raises(SourceError, match=r"could not fetch http.*data\.bin"):
        source_at(server.url).fetch(tmp_path)
    assert server.requests == download.ATTEMPTS
    assert list(tmp_path.iterdir()) == []


def test_download_succeeds_after_trouble(server, tmp_path):
    server.say(b"", status=503)
    server.say(CONTENT[:10], announced=len(CONTENT))
    server.say(CONTENT)
    source_at(server.url).fetch(tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT


def test_missing_file_is_not_asked_for_again(server, tmp_path):
    server.say(b"not found", status=404)
    with pytest.raises(SourceError, match="the server says 404"):
        source_at(server.url).fetch(tmp_path)
    assert server.requests == 1


@pytest.mark.parametrize(
    "wrong", [CONTENT[:-1] + b"\x00", b"<html>502 Bad Gateway</html>", CONTENT + b"x"]
)
def test_wrong_content_is_refused_and_removed(server, tmp_path, wrong):
    server.say(wrong)
    expected = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(SourceError, match=f"expected {len(CONTENT)} bytes with {expected}"):
        source_at(server.url).fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_network_the_error_names_the_url_and_the_mirror(tmp_path, server):
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(SourceError, match=r"data\.bin: .*check the network, or set GATE"):
        source_at(server.url).fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_mirror_is_read_instead_of_the_network(server, tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    (mirror / "127.0.0.1/folder").mkdir(parents=True)
    (mirror / "127.0.0.1/folder/data.bin").write_bytes(CONTENT)
    monkeypatch.setenv(MIRROR_VARIABLE, str(mirror))
    target = tmp_path / "raw"
    target.mkdir()
    source_at(server.url).fetch(target)
    assert (target / "data.bin").read_bytes() == CONTENT
    assert server.requests == 0


def test_file_that_the_mirror_lacks_is_named(server, tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "empty"))
    with pytest.raises(SourceError, match=r"the mirror has no .*127\.0\.0\.1/folder/data\.bin"):
        source_at(server.url).fetch(tmp_path)


FILES = {"a.wav": b"first", "b.wav": b"second"}


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


def archive_of(*members, compression: str = "gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def good_members(**changes):
    return [member(f"top/{name}", changes.get(name, content)) for name, content in FILES.items()]


def archive_source(url: str) -> RemoteArchive:
    lines = "".join(f"{hashlib.sha256(c).hexdigest()}  {n}\n" for n, c in sorted(FILES.items()))
    digest = hashlib.sha256(lines.encode()).hexdigest()
    return RemoteArchive(
        url=url, folder="top", names=frozenset(FILES), digest=digest, largest_file=100
    )


def fetch_archive(server: Server, tmp_path, content: bytes):
    server.say(content)
    target = tmp_path / "inner/raw"
    target.mkdir(parents=True)
    archive_source(server.url).fetch(target)
    return target


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz", ""])
def test_archive_gives_its_named_files_however_it_is_compressed(server, tmp_path, compression):
    extra = [member("top/README.md", b"x"), member("top/sub/a.wav", b"y")]
    target = fetch_archive(
        server, tmp_path, archive_of(*extra, *good_members(), compression=compression)
    )
    assert {p.name: p.read_bytes() for p in target.iterdir()} == FILES


ATTACKS = {
    "symbolic link": [member("top/a.wav", kind=tarfile.SYMTYPE, link="/etc/passwd")],
    "hard link": [member("top/a.wav", kind=tarfile.LNKTYPE, link="../../outside")],
    "device": [member("top/a.wav", kind=tarfile.CHRTYPE)],
    "fifo": [member("top/a.wav", kind=tarfile.FIFOTYPE)],
    "folder": [member("top/a.wav", kind=tarfile.DIRTYPE)],
    "name twice": good_members(),
    "too large": [member("top/a.wav", b"x" * 101)],
    "traversal": [member("../outside", b"x"), member("top/../../outside", b"x")],
    "absolute name": [member("/tmp/outside", b"x")],
    "link, then through it": [
        member("top", kind=tarfile.SYMTYPE, link="../.."),
        member("top/outside", b"x"),
    ],
    "other case": [member("TOP/A.WAV", b"x")],
    "dots": [member("./top/./a.wav", b"x")],
}
HARMLESS = {"traversal", "absolute name", "link, then through it", "other case", "dots"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_archive_writes_nothing_but_the_named_files(server, tmp_path, attack):
    content = archive_of(*ATTACKS[attack], *good_members())
    if attack in HARMLESS:
        assert {p.name for p in fetch_archive(server, tmp_path, content).iterdir()} == set(FILES)
    else:
        with pytest.raises(SourceError, match="cannot be trusted"):
            fetch_archive(server, tmp_path, content)
    written = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert written <= {"inner/raw/a.wav", "inner/raw/b.wav"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive_of(good_members()[0]), "lacks 1 file, such as b.wav"),
        (archive_of(*good_members())[:60], "is not a whole archive"),
        (b"<html>no archive</html>", "is not a whole archive"),
        (archive_of(*good_members(**{"a.wav": b"other"})), "have the digest"),
    ],
    # By default an id shows the bytes, and gzip's hold the time: workers would disagree.
    ids=["file missing", "truncated", "no archive", "other content"],
)
def test_broken_archive_is_refused(server, tmp_path, content, message):
    with pytest.raises(SourceError, match=message):
        fetch_archive(server, tmp_path, content)


def sentences(position=START, text="", probability=1.0):
    """Every sentence of the grammar with its probability, by walking all derivations."""
    for share, piece, after in choices(position):
        if after == START:
            yield text + piece, probability * share
        else:
            yield from sentences(after, text + piece, probability * share)


def test_character_probabilities_multiply_to_those_of_whole_derivations():
    everything = dict(sentences())
    assert math.fsum(everything.values()) == pytest.approx(1, abs=1e-12)
    assert len(everything) == 8 * (1 + 64 + 64**2)  # no sentence has two derivations
    text = sample(3000, seed=5)
    for line in text.splitlines(keepends=True):
        expected = math.log(everything[line])
        assert math.fsum(log_probabilities(line)) == pytest.approx(expected, abs=1e-10)


def test_sampled_text_has_the_entropy_of_the_grammar():
    everything = dict(sentences())
    entropy = -math.fsum(p * math.log(p) for p in everything.values())
    text = sample(60_000, seed=1)
    per_sentence = -math.fsum(log_probabilities(text)) / text.count("\n")
    assert per_sentence == pytest.approx(entropy, rel=0.02)


def test_agreement_reaches_over_more_than_20_characters():
    for sentence, _ in sentences():
        subject_ends, verb_starts = sentence.index(" ", 4), sentence.rindex(" ") + 1
        assert verb_starts - subject_ends > (0, 16, 32)[sentence.count(" the ")]


def test_agreement_text_and_its_probabilities_have_the_same_length(tmp_path):
    agreement_text.AgreementText(500, seed=3).fetch(tmp_path)
    text = (tmp_path / "text.txt").read_text()
    assert len(np.load(tmp_path / "log_probability.npy")) == len(text) >= 500


def test_synthetic_digits_are_the_same_every_time(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        SyntheticDigits(2, 1, noise=1.0, seed=9).fetch(tmp_path / name)
    assert digest_of(tmp_path / "one") == digest_of(tmp_path / "two")
    assert len(list((tmp_path / "one").iterdir())) == 20
    samples, rate = read_sound(tmp_path / "one/7_voice01_0.wav")[:2]
    assert rate == SAMPLE_RATE_HZ
    assert 0.2 < len(samples) / rate < 1.2


def spectral_peak_hz(samples, low, high):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 15))
    frequencies = np.fft.rfftfreq(1 << 15, 1 / SAMPLE_RATE_HZ)
    inside = (frequencies > low) & (frequencies < high)
    return frequencies[inside][spectrum[inside].argmax()]


def test_synthetic_voice_has_its_pitch_and_formants():
    voice = Voice(pitch_hz=120, tract=1.0, tempo=1.0, breath=0.0)
    samples = speak([2], voice, np.random.default_rng(4), noise=0.0)  # "two": T, UW
    vowel = samples[len(samples) // 2 : len(samples) // 2 + 800]
    lags = np.correlate(vowel, vowel, "full")[len(vowel) - 1 :]
    pitch = SAMPLE_RATE_HZ / (40 + lags[40:120].argmax())
    assert pitch == pytest.approx(120, rel=0.15)
    assert spectral_peak_hz(vowel, 200, 600) == pytest.approx(300, rel=0.35)
    assert spectral_peak_hz(vowel, 700, 1100) == pytest.approx(870, rel=0.15)


def runs_of_silence(samples):
    """First sample and sample after the last of each stretch of zeros."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], samples == 0, [0]])))
    return [(a, b) for a, b in edges.reshape(-1, 2).tolist() if b - a > 200]


def test_number_is_its_digits_with_pauses_before_between_and_after():
    voice = Voice(pitch_hz=120, tract=1.0, tempo=1.0, breath=0.0)
    draw = np.random.default_rng(4)
    samples = speak([9, 0, 1], voice, draw, noise=0.0, pause_seconds=(0.05, 0.25))
    found = runs_of_silence(samples)
    assert len(found) == 4
    assert found[0][0] == 0
    assert found[-1][1] == len(samples)
    for start, end in found:
        assert 0.05 <= (end - start) / SAMPLE_RATE_HZ <= 0.26
    loudest = [np.abs(samples[a:b]).max() for (_, a), (b, _) in pairwise(found)]
    assert min(loudest) > 0.1


def test_numbers_of_the_sample_differ_in_the_order_of_digits_alone():
    numbers = DIGITS.numbers
    assert len(set(numbers)) == 10
    assert {number[::-1] for number in numbers} == set(numbers)
    assert all(number != number[::-1] for number in numbers)


def test_co2_series_is_whole(tmp_path):
    CO2.fetch(tmp_path)
    lines = (tmp_path / "co2.csv").read_text().splitlines()
    assert lines[0] == "date,co2"
    assert lines[1] == "1958-03-29,316.1"
    assert len(lines) == 1 + 2284
    assert sum(line.endswith(",") for line in lines) == 59


def test_unknown_source_is_named_with_the_nearest_one():
    with pytest.raises(ParameterError, match="did you mean 'etth1'"):
        get_source("ett_h1")


def test_registry_is_the_files_of_the_folder_that_have_a_source():
    folder = Path(agreement_text.__file__).parent
    files = {p.stem for p in folder.glob("*.py") if "\nSOURCE = " in p.read_text()}
    assert set(REGISTRY) == files
