"""Random cells against the eager loop: 12 here, 60 in `make test-all`, 5,000 in `make fuzz`.

Further ones run in Triton, in its interpreter, which takes a second for each.
"""

from collections import Counter

import pytest
import torch
from depth import number
from hypothesis import given, seed
from random_cells import settings
from random_cells.generator import examples
from random_cells.oracle import check

from rnn_core.compiler.cpu import build
from rnn_core.compiler.gpu import operators
from rnn_core.compiler.running import search
from rnn_core.layers import execution_path

NUMBER = number(quick=12, whole=60)
NUMBER_IN_TRITON = number(quick=6, whole=10)


@pytest.fixture(scope="module", autouse=True)
def quick_compiler(tmp_path_factory):
    """Less optimisation, which compiles in a third of the time; kernels are kept nowhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(build, "FLAGS", ("-O1", *build.FLAGS[1:]))
        patch.setattr(build, "LIBRARIES", {})
        patch.setattr(search, "FORMS", {})
        build.environment.cache_clear()
        yield
    build.environment.cache_clear()


def test_kernel_of_a_random_cell_is_its_eager_loop():
    """Two of three in float64, a tenth by finite differences too; nearly all have a kernel."""
    reasons = Counter()

    @seed(0)
    @settings.of(NUMBER)
    @given(examples())
    def is_its_eager_loop(example):
        number = reasons.total()
        dtype = torch.float32 if number % 3 == 2 else torch.float64
        outcome = check(example, [dtype], gradcheck=number % 10 == 1 and dtype is torch.float64)
        reasons[outcome.reason] += 1

    is_its_eager_loop()
    assert reasons.total() >= NUMBER
    assert reasons[""] >= 0.95 * reasons.total(), reasons


@pytest.mark.filterwarnings("ignore::RuntimeWarning:triton")
@pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy")
@pytest.mark.thorough
def test_program_of_a_random_cell_is_its_eager_loop(monkeypatch):
    """Values beyond H and B in a block mean nothing, and may overflow."""
    monkeypatch.setenv(execution_path.SWITCH, "triton")
    launched, reasons = Counter(), Counter()

    def launch(*arguments, really=operators.launch):
        launched[arguments[1].dtype] += 1
        return really(*arguments)

    monkeypatch.setattr(operators, "launch", launch)

    @seed(0)
    @settings.of(NUMBER_IN_TRITON)
    @given(examples())
    def is_its_eager_loop(example):
        dtype = (torch.float64, torch.float32)[reasons.total() % 2]
        reasons[check(example, [dtype]).reason] += 1

    is_its_eager_loop()
    assert reasons == {"": NUMBER_IN_TRITON}
    assert min(launched[torch.float64], launched[torch.float32]) >= NUMBER_IN_TRITON
