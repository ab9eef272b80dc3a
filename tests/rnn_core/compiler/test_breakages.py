"""The compiler, broken in one place after another: random cells or its own checks notice each."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, seed
from random_cells import settings
from random_cells.generator import examples
from random_cells.oracle import MismatchError, check

from rnn_core.compiler import operations, passes, readings, schedule
from rnn_core.compiler.cpu import build
from rnn_core.compiler.running import search

CELLS = 60


def operation(patch, name, **changes):
    """Let the table of operations say something else of one of them."""
    known = operations.OPERATIONS[name]
    patch.setitem(operations.OPERATIONS, name, replace(known, **changes))


def products_are_not_summed(patch):
    """Regression test: only values that a loop computes are added to a sum."""
    whole = schedule.Scheduler.program

    def program(self):
        made = whole(self)
        for loop in (loop for stage in made.stages for loop in stage.loops):
            loop.sums = [name for name in loop.sums if self.sums[name].op != "product"]
        return made

    patch.setattr(schedule.Scheduler, "program", program)


def a_transposed_mark_is_lost(patch):
    whole = readings.recurrent
    patch.setattr(readings, "recurrent", lambda *arguments: whole(*arguments[:3], ""))


def a_slot_is_used_twice(patch):
    def new_slot(self):
        self.num_slots = 1
        return schedule.Place("slot", 0)

    patch.setattr(schedule.Scheduler, "new_slot", new_slot)


def a_reduction_starts_from_one(patch):
    reduction = operations.OPERATIONS["row_sum"].c
    operation(patch, "row_sum", c=replace(reduction, start="1"))


def a_choice_is_swapped(patch):
    operation(patch, "where", c="{0} ? {2} : {1}")


def a_product_starts_from_what_others_read(patch):
    class Once(dict):
        def __missing__(self, key):
            return 1

    patch.setattr(passes, "use_counts", lambda form: Once())


def a_value_is_not_saved(patch):
    whole = schedule.saved_values
    patch.setattr(schedule, "saved_values", lambda form: whole(form)[1:])


def a_difference_becomes_a_sum(patch):
    def without_negation(builder, op, first, second):
        if op == "add" and second.op == "neg":
            return builder.node("add", first, second.operands[0])
        return None

    patch.setattr(passes, "without_negation", without_negation)


def a_copy_is_forgotten(patch):
    patch.setattr(schedule.Scheduler, "put_copies", lambda self, stages: None)


BREAKAGES = (
    products_are_not_summed,
    a_transposed_mark_is_lost,
    a_slot_is_used_twice,
    a_reduction_starts_from_one,
    a_choice_is_swapped,
    a_product_starts_from_what_others_read,
    a_value_is_not_saved,
    a_difference_becomes_a_sum,
    a_copy_is_forgotten,
)


class NoticedError(Exception):
    """The compiler itself has noticed."""


@pytest.fixture
def forgetful(monkeypatch, tmp_path, request):
    """Nothing that was made before is found again, nor what is made now later.

    What the system has loaded by a name it does not load again, so each compiler has its own.
    """
    monkeypatch.setattr(build, "package_digest", lambda: request.node.name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "LIBRARIES", {})
    monkeypatch.setattr(search, "FORMS", {})
    monkeypatch.setattr(build, "FLAGS", ("-O1", *build.FLAGS[1:]))
    caches = (build.environment, build.kernel_from, build.interface_of)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("broken", BREAKAGES)
@pytest.mark.thorough
def test_breakage_is_noticed(broken, monkeypatch):
    broken(monkeypatch)

    @seed(0)
    @settings.of(CELLS, shrink=False)
    @given(examples())
    def run(example):
        outcome = check(example, [torch.float64])
        if "a check of the compiler" in outcome.reason:
            raise NoticedError(outcome.reason)

    with pytest.raises((MismatchError, NoticedError)):
        run()
