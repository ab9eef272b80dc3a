"""PyTorch's own tests of its recurrent modules, applied to these and to ours.

The cases are in the tables beside this file: a name, the test of PyTorch that the case comes
from, the kinds of module, and what is called. On both sides the same numbers come out, outputs,
states and gradients, or both refuse. The few cases where ours differs on purpose are in
`docs/guides/layer.md`, each with its reason.
"""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch

from rnn_core.errors import ParameterError

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs/guides/layer.md"
TABLES = (
    "construction",
    "arguments",
    "results",
    "steps",
    "derivatives",
    "graphs",
    "weights",
    "training",
    "modules",
    "programs",
)


def read(name):
    """A module beside this file."""
    spec = importlib.util.spec_from_file_location(f"torch_cases_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


CANNOT_HERE = "could not create a primitive"
"""So torch refuses an LSTM in bfloat16 on a processor without such instructions."""

SIDES = read("sides")
MODULES = {name: read(name) for name in TABLES}

pytestmark = [
    pytest.mark.usefixtures("float64"),
    # What PyTorch says of its own doings:
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled:UserWarning"),
]


def rows(kind_of_row):
    """The rows of all tables, once for each kind of module."""
    return [
        pytest.param(kind, *rest, id=f"{table}: {name}: {kind}")
        for table, module in MODULES.items()
        for name, _, kinds, *rest in getattr(module, kind_of_row, [])
        for kind in kinds.split()
    ]


def outcome(act, kind, *, ours):
    """Result of a case; an error is returned."""
    torch.manual_seed(0)
    try:
        return act(SIDES.Side(kind, ours))
    except Exception as error:  # noqa: BLE001 - whatever the case is refused with
        return error


@pytest.mark.one_in(10)
@pytest.mark.parametrize(("kind", "act"), rows("SAME"))
def test_ours_gives_what_torch_does(kind, act):
    torch.manual_seed(0)
    try:
        theirs = act(SIDES.Side(kind, ours=False))
    except RuntimeError as error:
        if CANNOT_HERE in str(error):
            pytest.skip("torch has no such LSTM on this processor")
        raise
    torch.manual_seed(0)
    SIDES.agree(act(SIDES.Side(kind, ours=True)), theirs)


@pytest.mark.parametrize(("kind", "act", "message"), rows("REFUSED"))
def test_both_refuse(kind, act, message):
    theirs, ours = (outcome(act, kind, ours=ours) for ours in (False, True))
    assert isinstance(theirs, Exception)
    assert isinstance(ours, ParameterError | TypeError), ours
    assert re.search(message, str(ours))
    caught = [kind for kind in (ValueError, TypeError, RuntimeError) if isinstance(theirs, kind)]
    assert all(isinstance(ours, kind) for kind in caught), (ours, theirs)


@pytest.mark.parametrize(("kind", "act", "difference"), rows("DIFFERENT"))
def test_a_difference_that_is_told_is_there(kind, act, difference):
    theirs, ours = (outcome(act, kind, ours=ours) for ours in (False, True))
    refused = [isinstance(side, Exception) for side in (ours, theirs)]
    if any(refused):
        assert not all(refused), (ours, theirs)
    else:
        with pytest.raises(AssertionError):
            SIDES.agree(ours, theirs)


def test_the_page_tells_each_difference():
    _, section = PAGE.read_text().split("## Differences from torch.nn\n")
    told = re.findall(r"^- \*\*(.+?)\.\*\*", section.split("\n## ")[0], re.MULTILINE)
    assert len(told) == len(set(told))
    assert set(told) == {row.values[-1] for row in rows("DIFFERENT")}
