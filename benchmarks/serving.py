"""The model server against `mlflow models serve`, on the same registered models.

    python benchmarks/serving.py [--seconds 10] [--rounds 3] [--rate 50] [--clients 16]
        [--models sentiment speech] [--json FILE]

Models have the sizes of studies/benchmark (sst2, free_spoken_digits), with weights as they are
before a training: what an answer costs does not depend on what was learned. Both servers answer
the same rows of JSON, each in a process with its own defaults, and take turns: in each round, each
answers as many requests as it can to so many clients that ask again once they are answered; and
ours answers requests that come at a steady rate, whether or not those before them are answered.
The clients run in this process, and so on the same processors.

Latency is from when a request was due until its answer is there. Goals, with two processors: half
of all answers within 10 ms, 99 of 100 within 50 ms at 50 requests a second, and three times the
requests a second of `mlflow models serve`.
"""

import argparse
import asyncio
import base64
import io
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
import wave
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from flows.system.environment import use_defaults
from flows.system.servers import free_port
from rnn_core.parameters import parse
from rnn_core.tasks import get_task
from rnn_core.training.models import build_model

REPOSITORY = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
HOST = "127.0.0.1"
OURS, THEIRS = "gatewise serve", "mlflow models serve"
WORDS, SENTENCES, LENGTH = 14_000, 8000, 19
"""Of sst2: words, sentences, and words of a sentence."""

GOALS = {"p50_ms": 10.0, "p99_ms": 50.0, "ratio": 3.0}


@dataclass(frozen=True)
class Kind:
    """A model that is asked.

    Attributes:
        task: Name of its task.
        model: Parameters of its model, as studies/benchmark has them.
        data: Parameters of its data.
    """

    task: str
    model: dict
    data: dict


KINDS = {
    "sentiment": Kind(
        "sentiment",
        {"hidden_size": 64, "embedding_size": 100, "word_evidence": True},
        {"text": "text", "label": "label", "validation_share": 0.1, "test_share": 0.1},
    ),
    "speech": Kind(
        "speech_recognition",
        {"hidden_size": 96, "bidirectional": True, "pooling": "mean"},
        {"num_mels": 40, "split_by": "speaker", "validation": ["b"], "test": ["c"]},
    ),
}


def sentence(draw):
    """As many words as usual, the frequent ones more often."""
    length = draw.randint(LENGTH // 2, 3 * LENGTH // 2)
    return " ".join(f"w{int(WORDS * draw.random() ** 3)}" for _ in range(length))


def recording(draw):
    """Half a second of noise, which costs as much as a word."""
    noise = np.random.default_rng(draw.randrange(2**32)).normal(0, 3000, 4000).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(noise.tobytes())
    return buffer.getvalue()


def write_raw(name, raw, draw):
    """The raw files of a model."""
    raw.mkdir()
    if name == "sentiment":
        rows = (f"{sentence(draw)}\t{('no', 'yes')[i % 2]}" for i in range(SENTENCES))
        (raw / "texts.tsv").write_text("\n".join(["text\tlabel", *rows]) + "\n")
        return
    for word in range(10):
        for speaker in "abc":
            (raw / f"{word}_{speaker}_0.wav").write_bytes(recording(draw))


def register(name, folder):
    """Register an untrained model; returns its name in the registry."""
    sys.path[:0] = [str(REPOSITORY / "tests" / place) for place in ("servers", "usual")]
    from registered import RUN, put, write_run  # noqa: PLC0415 - it is found by the line above

    kind = KINDS[name]
    task = get_task(kind.task)
    write_raw(name, folder / "raw", random.Random(0))
    _, meta = task.prepare(folder / "raw", parse(task.DataParameters, kind.data, ""))
    made = task(meta, parse(task.ModelParameters, kind.model, ""))
    model = build_model(made, "gru").eval()
    write_run(folder / RUN, kind.task, made, model)
    return put(folder, f"benchmark.{name}", made, model).name


def rows_for(name, count, draw):
    """Rows of raw input, each another."""
    if name == "sentiment":
        return [{"text": sentence(draw)} for _ in range(count)]
    return [{"wav": base64.b64encode(recording(draw)).decode()} for _ in range(count)]


def request(port, path, content):
    """A request as it goes over the wire."""
    body = json.dumps(content).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client:
    """A connection that is kept; httpx would take as long as the server."""

    def __init__(self, port):
        self.port = port

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(HOST, self.port)
        return self

    async def ask(self, content):
        """The body of an answer."""
        self.writer.write(content)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        lines = head.lower().split(b"\r\n")
        (length,) = (int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        return await self.reader.readexactly(length)

    def close(self):
        self.writer.close()


async def steadily(port, requests, rate, seconds):
    """Seconds that each request took which came at a steady rate."""
    free, took = [await Client(port).open() for _ in range(8)], []
    begun, tasks = time.perf_counter(), []

    async def one(content, due):
        client = free.pop() if free else await Client(port).open()
        await client.ask(content)
        took.append(time.perf_counter() - due)
        free.append(client)

    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(requests[number % len(requests)], due)))
    await asyncio.gather(*tasks)
    for client in free:
        client.close()
    return took


async def eagerly(port, requests, clients, seconds):
    """Requests a second that some clients are answered who ask again at once."""
    begun, count = time.perf_counter(), 0

    async def work(offset):
        nonlocal count
        client, number = await Client(port).open(), offset
        while time.perf_counter() - begun < seconds:
            await client.ask(requests[number % len(requests)])
            number, count = number + 1, count + 1
        client.close()

    await asyncio.gather(*(work(7 * i) for i in range(clients)))
    return count / (time.perf_counter() - begun)


@contextmanager
def running(command, port, health, log):
    """A server in a process group of its own."""
    programs = {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
    code = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=os.environ | programs | code,
            start_new_session=True,
        )
        try:
            wait_for(process, f"http://{HOST}:{port}{health}", log)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def wait_for(process, address, log):
    """Wait until a server answers."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(log.read_text())
        try:
            if httpx.get(address, timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} does not answer; {log.read_text()[-2000:]}")


def ours(model, port):
    command = [sys.executable, "-m", "flows.commands", "serve", model, "--port", str(port)]
    return command, "/ready", f"/models/{model}/predict"


def theirs(model, port):
    command = [str(PROGRAMS / "mlflow"), "models", "serve", "--model-uri", f"models:/{model}/1"]
    return [*command, "--env-manager", "local", "--port", str(port)], "/ping", "/invocations"


def measure(name, options, folder):
    """Measure both servers with a model."""
    (folder / name).mkdir()
    model, draw = register(name, folder / name), random.Random(1)
    rows = rows_for(name, 200, draw)
    our_port, their_port = free_port(), free_port()
    our_command, our_health, our_path = ours(model, our_port)
    their_command, their_health, their_path = theirs(model, their_port)
    our_requests = [request(our_port, our_path, {"rows": [row]}) for row in rows]
    their_requests = [request(their_port, their_path, {"dataframe_records": [r]}) for r in rows]
    took, speeds = [], {OURS: [], THEIRS: []}
    with (
        running(our_command, our_port, our_health, folder / f"{name}-ours.log"),
        running(their_command, their_port, their_health, folder / f"{name}-theirs.log"),
    ):
        check_same(our_port, our_requests[0], their_port, their_requests[0])
        sides = {OURS: (our_port, our_requests), THEIRS: (their_port, their_requests)}
        for port, requests in sides.values():
            asyncio.run(eagerly(port, requests, options.clients, 1.0))
        for _ in range(options.rounds):
            took += asyncio.run(steadily(our_port, our_requests, options.rate, options.seconds))
            for side, (port, requests) in sides.items():
                speeds[side].append(
                    asyncio.run(eagerly(port, requests, options.clients, options.seconds))
                )
    return result_of(took, speeds)


def check_same(our_port, our_request, their_port, their_request):
    """Both give the same answer."""

    async def both():
        for port, content in ((our_port, our_request), (their_port, their_request)):
            client = await Client(port).open()
            yield json.loads(await client.ask(content))
            client.close()

    async def collect():
        return [answer async for answer in both()]

    first, second = asyncio.run(collect())
    wanted, found = second["predictions"], first["rows"]
    assert [list(row) for row in wanted] == [list(row) for row in found]
    numbers = [[v for row in rows for v in row.values()] for rows in (wanted, found)]
    assert all(a == b or abs(a - b) < 1e-6 for a, b in zip(*numbers, strict=True))


def result_of(took, speeds):
    """Figures of a model."""
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    medians = {side: statistics.median(found) for side, found in speeds.items()}
    return {
        "requests": len(took),
        "p50_ms": 1000 * cuts[49],
        "p90_ms": 1000 * cuts[89],
        "p99_ms": 1000 * cuts[98],
        "requests_a_second": medians,
        "rounds": speeds,
        "ratio": medians[OURS] / medians[THEIRS],
    }


def line(name, found):
    """Describe a result."""
    speeds = found["requests_a_second"]
    is_met = found["p50_ms"] <= GOALS["p50_ms"] and found["p99_ms"] <= GOALS["p99_ms"]
    return (
        f"{name:10} p50 {found['p50_ms']:6.1f} ms  p99 {found['p99_ms']:6.1f} ms  "
        f"{speeds[OURS]:6.0f} requests/s, mlflow {speeds[THEIRS]:5.0f}: {found['ratio']:.1f} times"
        f"{'' if is_met and found['ratio'] >= GOALS['ratio'] else '  BELOW THE GOAL'}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--models", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="serving-") as temporary:
        folder = Path(temporary)
        os.chdir(folder)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        use_defaults()
        found = {}
        for name in options.models:
            found[name] = measure(name, options, folder)
            print(line(name, found[name]), flush=True)
    if options.json:
        told = {"load_before": os.getloadavg(), "processors": os.cpu_count()}
        kinds = {name: asdict(KINDS[name]) for name in options.models}
        content = {"goals": GOALS, "models": found, "kinds": kinds, **told}
        options.json.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
