"""The compiler's cache: what its keys depend on, and what it does when things go wrong."""

import inspect
import os
import shlex
import shutil
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from rnn_core import cache as files
from rnn_core.cells import get_cell
from rnn_core.compiler.cpu import build
from rnn_core.compiler.cpu.build import library
from rnn_core.compiler.inspection.code import read
from rnn_core.compiler.running import search
from rnn_core.compiler.running.search import form_for

TRACER = ["rnn_core.compiler.trace", "torch._dynamo", "sympy"]
"""Modules that take seconds to import; the last two in parts that importing PyTorch leaves out."""
RUN = """
import sys
{layer}
print(*[run_layer() for _ in range(2)])
print(*[name for name in sys.argv[1:] if name in sys.modules])
"""


def run_layer():
    """The sum of the outputs of a layer with fixed weights."""
    import torch

    from rnn_core.layers.recurrent import Recurrent

    layer = Recurrent("rnn_tanh", 3, 4)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.arange(parameter.numel()).view_as(parameter) % 5 * 0.1 - 0.2)
    return layer(torch.arange(30.0).view(5, 2, 3) / 30)[0].sum().item()


@pytest.fixture
def truth(monkeypatch):
    """The same number by the eager loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEWISE_FUSED", "0")
        return run_layer()


@pytest.fixture
def fresh(monkeypatch):
    """A process that has neither looked for a compiler, nor loaded a kernel, nor warned."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(build, "LIBRARIES", {})
    monkeypatch.setattr(search, "FORMS", {})
    monkeypatch.setattr(search, "warned", set())
    monkeypatch.setattr(files, "PRIVATE", {})
    build.environment.cache_clear()
    yield
    build.environment.cache_clear()


@pytest.fixture
def cache(fresh, tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "gatewise"


def start(cache_home):
    """A process of its own that runs the layer twice and prints sums and imported modules."""
    code = RUN.format(layer=inspect.getsource(run_layer))
    command = [sys.executable, "-W", "error", "-c", code, *TRACER]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache_home)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def outcome(process):
    """Its sums, and those of the tracer's modules that it has imported."""
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    sums, modules = output.splitlines()
    return [float(number) for number in sums.split()], modules.split()


def test_processes_that_compile_at_once_end_right_and_later_ones_need_no_tracer(tmp_path, truth):
    for process in [start(tmp_path) for _ in range(2)]:
        sums, modules = outcome(process)
        assert sums == pytest.approx([truth, truth], rel=1e-6)
        assert TRACER[0] in modules
    left = sorted((tmp_path / "gatewise").iterdir())
    assert sorted(path.suffix for path in left) == [".form", ".so"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in left} == {0o600}
    assert stat.S_IMODE(left[0].parent.stat().st_mode) == 0o700
    sums, modules = outcome(start(tmp_path))
    assert sums == pytest.approx([truth, truth], rel=1e-6)
    assert modules == []


def script(path, text):
    """An executable file."""
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def only_warning(expected):
    """The one warning of two runs, whose numbers are the eager loop's."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [run_layer(), run_layer()] == [expected, expected]
    (warning,) = caught
    assert warning.category is RuntimeWarning
    return str(warning.message)


def test_compiler_that_fails_leaves_its_log_and_the_eager_loop(cache, tmp_path, truth, monkeypatch):
    compiler = script(tmp_path / "cc", "#!/bin/sh\necho it is broken >&2\nexit 1\n")
    monkeypatch.setenv("CC", str(compiler))
    message = only_warning(truth)
    start = (
        f"RNNTanh runs in the eager loop, which is slower: the C compiler {compiler} failed; see "
    )
    assert message.startswith(start)
    log = Path(message.removeprefix(start))
    assert "it is broken" in log.read_text()
    assert str(compiler) in log.read_text()
    assert sorted(path.suffix for path in cache.iterdir()) == [".form", ".log"]


def test_compiler_that_writes_nothing_is_what_is_wrong(cache, truth, monkeypatch):
    monkeypatch.setenv("CC", "true")
    message = only_warning(truth)
    assert "true reported success and wrote no kernel; see " in message
    assert Path(message.partition("see ")[2]).parent == cache


@pytest.mark.parametrize("form", ["{cc} -m64", "'{cc}' -DUNUSED='a b'", "{wrapper} {cc}"])
def test_compiler_may_have_arguments(cache, tmp_path, truth, monkeypatch, form):
    wrapper = script(tmp_path / "a wrapper", '#!/bin/sh\nexec "$@"\n')
    cc = next(path for path in map(shutil.which, ("cc", "gcc", "clang")) if path)
    monkeypatch.setenv("CC", form.format(cc=cc, wrapper=shlex.quote(str(wrapper))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run_layer() == pytest.approx(truth, rel=1e-6)


def test_compiler_that_cannot_be_run_is_named(cache, tmp_path, truth, monkeypatch):
    monkeypatch.setenv("CC", str(script(tmp_path / "cc", "no program at all")))
    assert f"the C compiler {tmp_path}/cc cannot be run: " in only_warning(truth)


def test_without_a_compiler_the_eager_loop_runs_and_says_why(cache, tmp_path, truth, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert only_warning(truth) == (
        "RNNTanh runs in the eager loop, which is slower: no C compiler (cc, gcc, clang) is on "
        "the path; install one or set CC"
    )


def test_cache_that_cannot_be_written_is_named_and_kernels_go_with_the_process(
    fresh, tmp_path, truth, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    start = f"kernels are compiled for this process only: the cache {tmp_path}/file/gatewise cannot"
    assert only_warning_of_kernel(truth).startswith(start)


def test_user_without_a_home_is_told_what_to_set(fresh, truth, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def homeless(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert "has no home folder to be in; set XDG_CACHE_HOME" in only_warning_of_kernel(truth)


def only_warning_of_kernel(expected):
    """The one warning of two runs on a kernel; what was made for them is removed."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [run_layer(), run_layer()] == pytest.approx([expected, expected], rel=1e-6)
    (folder,) = files.PRIVATE.values()
    assert sorted(path.suffix for path in folder.iterdir()) == [".form", ".so"]
    files.remove_private_folder(os.getpid())
    assert not folder.exists()
    (warning,) = caught
    return str(warning.message)


def cut(path, size):
    os.truncate(path, size)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


BREAK = {
    "nothing": lambda path: path.unlink(),
    "half of it": lambda path: cut(path, path.stat().st_size // 2),
    "all but its end": lambda path: cut(path, path.stat().st_size - 1),
    "an empty file": lambda path: cut(path, 0),
    "another bit": flip,
    "another file": lambda path: path.write_bytes(b"x" + files.seal("another", b"x")),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The files of two cells."""
    folder = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setattr(build, "LIBRARIES", {})
        patch.setattr(search, "FORMS", {})
        for name in ("memoryless", "rnn_tanh"):
            assert form_for(get_cell(name), library, torch.float32)
    return {path.name: path.read_bytes() for path in (folder / "gatewise").iterdir()}


def filled(cache, files):
    """A cache with these files; the paths of each kind."""
    cache.mkdir(parents=True)
    for name, content in files.items():
        (cache / name).write_bytes(content)
    return [sorted(cache.glob(f"*.{kind}")) for kind in ("form", "so")]


@pytest.mark.parametrize("harm", BREAK)
@pytest.mark.parametrize("kind", ["form", "so"])
@pytest.mark.one_in(3)
def test_broken_file_of_the_cache_is_made_again(cache, compiled, truth, harm, kind):
    forms, kernels = filled(cache, compiled)
    for path in forms if kind == "form" else kernels:
        BREAK[harm](path)
    assert run_layer() == pytest.approx(truth, rel=1e-6)
    mended = [path for path in cache.glob(f"*.{kind}") if sealed(path)]
    assert len(mended) == 1


def sealed(path):
    """Return whether a file of the cache is whole."""
    content = path.read_bytes()
    end = len(content) - files.SEAL_BYTES
    return content[end:] == files.seal(path.name, content[:end])


def test_files_in_the_cache_are_not_made_again(cache, compiled, truth, monkeypatch):
    filled(cache, compiled)
    monkeypatch.setattr(build, "compiled", lambda *arguments: pytest.fail("compiled again"))
    monkeypatch.setattr(search, "traced", lambda *arguments: pytest.fail("traced again"))
    assert run_layer() == pytest.approx(truth, rel=1e-6)


def test_kernels_differ_by_flags_compiler_processor_version_and_type(cache, tmp_path, monkeypatch):
    names = []
    form = search.form_of(get_cell("gru"), torch.float32, read(get_cell("gru")))
    monkeypatch.setattr(files, "load", lambda name, loader: names.append(name) or "a kernel")

    def note(dtype=torch.float32):
        build.LIBRARIES.clear()
        build.environment.cache_clear()
        library(form, dtype)

    note()
    note(torch.float64)
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-g"))
    note()
    compiler = script(tmp_path / "cc", "#!/bin/sh\n")
    monkeypatch.setenv("CC", str(compiler))
    note()
    script(tmp_path / "cc", "#!/bin/sh\n# another version\n")
    note()
    monkeypatch.setenv("CC", f"{compiler} -m64")
    note()
    monkeypatch.setattr(build, "processor", lambda: "another one")
    note()
    monkeypatch.setattr(build, "package_digest", lambda: "another one")
    note()
    assert len(set(names)) == len(names) == 8
