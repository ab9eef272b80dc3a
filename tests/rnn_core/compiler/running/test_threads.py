"""First use from several threads, and from several processes."""

import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.testing import assert_close

from rnn_core.cells.base import Cell
from rnn_core.compiler import pipeline, trace
from rnn_core.compiler.cpu import build
from rnn_core.compiler.inspection.aside import aside, eager_only
from rnn_core.compiler.running import search
from rnn_core.layers.recurrent import Recurrent


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """A process that knows no kernel."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "LIBRARIES", {})
    monkeypatch.setattr(search, "FORMS", {})
    monkeypatch.setattr(search, "warned", set())
    return tmp_path


def at_once(functions):
    """Results of functions that threads of their own start at the same moment."""
    barrier = threading.Barrier(len(functions))

    def call(function):
        barrier.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as threads:
        return list(threads.map(call, functions))


@pytest.mark.parametrize(
    "names",
    [
        ["rnn_tanh", "rnn_sigmoid", "memoryless", "mgu", "mingru", "gru"],
        ["rnn_tanh"] * 6,
    ],
)
def test_every_thread_gets_a_kernel(names, fresh):
    layers, x = [Recurrent(name, 2, 3) for name in names], torch.randn(4, 2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outputs = at_once([lambda layer=layer: layer(x)[0].detach() for layer in layers])
    for layer, output in zip(layers, outputs, strict=True):
        with eager_only():
            assert_close(output, layer(x)[0].detach(), rtol=1e-5, atol=1e-6)
    assert len(list(fresh.rglob("*.so"))) == len(build.LIBRARIES) == len(set(names))


def test_threads_that_want_the_same_trace_and_compile_it_once(monkeypatch):
    calls = []
    for module, name in ((pipeline, "trace"), (build, "compiled")):
        function = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, f=function, n=name: (calls.append(n), f(*a))[1]
        )
    layer, x = Recurrent("rnn_tanh", 2, 3), torch.randn(4, 2, 2)
    at_once([lambda: layer(x)] * 6)
    assert calls == ["trace", "compiled"]


def test_accident_of_the_tracer_is_not_remembered(monkeypatch):
    """Other threads of the person's may use the tracer, which is not made for that."""
    failures = ["CURRENT_PATCHER is None in finally block"] * 2
    graph = trace.traced_graph

    def unlucky(cell, dtype):
        if failures:
            raise AssertionError(failures.pop())
        return graph(cell, dtype)

    monkeypatch.setattr(trace, "traced_graph", unlucky)
    layer, x = Recurrent("rnn_tanh", 2, 3), torch.randn(4, 2, 2)
    message = "RNNTanh runs in the eager loop, which is slower: it could not be traced this time: "
    with pytest.warns(RuntimeWarning, match=message):
        before = layer(x)[0]
    assert build.LIBRARIES == {}
    after = layer(x)[0]
    assert len(build.LIBRARIES) == 1
    assert_close(after, before, rtol=1e-5, atol=1e-6)


def test_accident_that_stays_is_given_up(monkeypatch):
    tries = []

    def unlucky(cell, dtype):
        tries.append(cell)
        raise AssertionError("never")

    monkeypatch.setattr(trace, "traced_graph", unlucky)
    layer, x = Recurrent("rnn_tanh", 2, 3), torch.randn(4, 2, 2)
    with pytest.warns(RuntimeWarning) as caught:
        for _ in range(6):
            layer(x)
    assert len(caught) == 1
    assert len(tries) == 2 * search.MOST_TRIES


class Outer(Cell):
    """A cell with a layer in its step, which wants a kernel while this one's is built."""

    gates = ("a",)
    weights = {}

    def __init__(self):
        self.layer = Recurrent("rnn_tanh", 3, 3)

    def step(self, x, state, w):
        return (self.layer(x.a.unsqueeze(0))[0][0],)


def test_layer_within_a_step_does_not_wait_for_the_step():
    layer, x = Recurrent(Outer(), 2, 3), torch.randn(4, 2, 2)
    with pytest.warns(RuntimeWarning, match="Outer runs in the eager loop"):
        outputs = layer(x)[0]
    with eager_only():
        assert_close(outputs, layer(x)[0], rtol=1e-5, atol=1e-6)


def test_thread_that_is_waited_for_does_not_wait_for_the_lock():
    with build.building():
        assert aside(lambda: build.building().__enter__()) is None


def test_fork_while_another_thread_builds_can_build(fresh):
    """The lock of the parent, which nobody gives back in the child, is not the child's."""
    code = (
        "import os, threading, torch\n"
        "from rnn_core.compiler.cpu.build import building\n"
        "from rnn_core.layers.recurrent import Recurrent\n"
        "torch.set_num_threads(1)\n"
        "layer, x = Recurrent('rnn_tanh', 2, 3), torch.randn(4, 2, 2)\n"
        "held, done = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with building():\n"
        "        held.set()\n"
        "        done.wait()\n"
        "thread = threading.Thread(target=hold)\n"
        "thread.start()\n"
        "held.wait()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    layer(x)\n"
        "    os._exit(0)\n"
        "print(os.waitpid(child, 0)[1])\n"
        "done.set()\n"
    )
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=os.environ
    )
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
    assert len(list(fresh.rglob("*.so"))) == 1
