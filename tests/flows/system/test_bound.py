"""No process outlives what it works for."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from waiting import lives, wait_for

from flows.system.bound import bound_command

WAIT_SECONDS = 20


PARENT = """
import subprocess, sys, time
from flows.system import bound
make, alone = getattr(bound, sys.argv[1]), "group" in sys.argv[1]
subprocess.Popen(make("family", *sys.argv[2:]), start_new_session=alone)
time.sleep(60)
"""

FAMILY = """
import os, signal, subprocess, sys, time
if "grandchild" in sys.argv or "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif "with-grandchild" in sys.argv:
    own = "of-its-own" in sys.argv
    subprocess.Popen([sys.executable, "family.py", "grandchild"], start_new_session=own)
print(os.getpid(), *sys.argv[1:], flush=True)
time.sleep(60)
"""


@pytest.fixture
def family(start, tmp_path):
    """Starts a parent with the given command, and tells the processes below it."""
    (tmp_path / "family.py").write_text(FAMILY)
    seen = []

    def begin(command, *arguments, size):
        parent = start(PARENT, command, *arguments)
        seen.extend(int(parent.stdout.readline().split()[0]) for _ in range(size))
        children = [child.pid for child in psutil.Process(parent.pid).children(recursive=True)]
        assert set(seen) <= set(children)
        seen.extend(children)
        return parent, children

    yield begin
    for pid in filter(lives, seen):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_bound_child_is_gone_after_its_parent(family, how):
    parent, children = family("bound_command", "an argument", size=1)
    assert len(children) == 1
    parent.send_signal(how)
    wait_for(lambda: not any(map(lives, children)))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_bound_group_is_gone_after_its_parent(family, how):
    """Wrapper, child, and a grandchild that does not listen to SIGTERM."""
    parent, children = family("bound_group_command", "with-grandchild", size=2)
    assert len(children) == 3
    parent.send_signal(how)
    wait_for(lambda: not any(map(lives, children)))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_has_a_session_of_its_own_is_gone_with_the_group_that_started_it(family, how):
    parent, children = family("bound_group_command", "with-grandchild", "of-its-own", size=2)
    assert len({os.getsid(child) for child in children}) == 2
    parent.send_signal(how)
    wait_for(lambda: not any(map(lives, children)))


def test_bound_group_that_does_not_listen_is_gone_after_its_parent(family):
    parent, children = family("bound_group_command", "stubborn", size=1)
    assert len(children) == 2
    parent.kill()
    wait_for(lambda: not any(map(lives, children)))


def test_bound_group_is_gone_after_its_first_process(family):
    _, children = family("bound_group_command", "with-grandchild", size=2)
    wrapper = next(pid for pid in children if "--group" in psutil.Process(pid).cmdline())
    os.kill(wrapper, signal.SIGTERM)
    wait_for(lambda: not any(map(lives, children)))


@pytest.mark.parametrize("more", [[], ["--group"]])
def test_bound_child_whose_parent_has_ended_before_it_began_ends_at_once(more):
    """As where a run is killed at the moment in which it starts a server."""
    with subprocess.Popen([sys.executable, "-c", ""]) as parent:
        parent.wait()
    command = bound_command(*more, "http.server", "0", "--bind", "127.0.0.1")
    assert command[3] == str(os.getpid())
    command[3] = str(parent.pid)
    done = subprocess.run(command, start_new_session=True, timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL


def test_bound_module_gets_its_arguments(start, tmp_path):
    (tmp_path / "told.py").write_text("import sys\nprint(__name__, *sys.argv[1:])\n")
    program = (
        "import subprocess, flows.system.bound as b;"
        "subprocess.run(b.bound_command('told', '--x', 'y'))"
    )
    output, errors = start(program).communicate(timeout=WAIT_SECONDS)
    assert (output, errors) == ("__main__ --x y\n", "")


def test_garbage_is_still_collected_though_seldom():
    program = (
        "import gc\n"
        "from flows.system.bound import OBJECTS, collect_seldom\n"
        "collect_seldom()\n"
        "most = ended = 0\n"
        "class Cycle:\n"
        "    def __init__(self):\n"
        "        self.own = self\n"
        "    def __del__(self):\n"
        "        global ended\n"
        "        ended += 1\n"
        "for made in range(1, 3 * OBJECTS):\n"
        "    Cycle()\n"
        "    most = max(most, made - ended)\n"
        "assert OBJECTS / 4 < most < 2 * OBJECTS, most\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
