"""The fingerprint of code: what it has to notice, and what it must not."""

import ast

import pytest

from rnn_core import definitions
from rnn_core.reach import fingerprint, forget, reached, refresh

SCALE = '''
"""A module."""
from toy.tables import look_up as find
import toy.other

RATE = 3  # a rate

def scale(x, text=f"{RATE!r} of {{x}}"):
    """Scale it."""
    return x * RATE + find(x)

def unused(x):
    return toy.other.other(x)

class Cell(toy.other.Base):
    """A cell."""

    def step(self, x):
        from toy.late import late
        return late(x) + scale(x)
'''

FILES = {
    "scale.py": SCALE,
    "tables.py": "TABLE = {1: 2}\n\ndef look_up(x):\n    return TABLE[x]\n\ndef apart():\n    pass",
    "other.py": "class Base:\n    pass\n\ndef other(x):\n    return x\n",
    "late.py": "def late(x):\n    return x\n\nprint('imported')\n",
    "__init__.py": "",
}


def changed(text, changes):
    for old, new in changes:
        text = text.replace(old, new)
    return text


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Writes a package of some files and gives the fingerprint of a name in it."""
    monkeypatch.setattr(definitions, "ROOT", tmp_path)
    monkeypatch.setattr(definitions, "PACKAGES", ("toy",))

    def of(changes=(), root=("toy.scale", "Cell"), **files):
        for name, text in {**FILES, **files}.items():
            file = tmp_path / "toy" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(changed(text, changes))
        forget()
        return fingerprint([root])

    yield of
    forget()


def test_code_is_read_anew_once_any_file_of_it_has_changed(toy, tmp_path):
    """Also if only its text changed, or it lies beside a module, or it was not there before."""
    root = [("toy.scale", "Cell")]
    before, seen = toy(), definitions.seen()
    (tmp_path / "toy/notes.txt").write_text("new")
    refresh()
    assert fingerprint(root) == before
    assert definitions.seen() == definitions.signature() != seen
    file = tmp_path / "toy/tables.py"
    file.write_text(file.read_text().replace("1: 2", "1: 2, 3: 4"))
    assert fingerprint(root) == before
    refresh()
    after = fingerprint(root)
    assert after != before
    file.write_text(file.read_text().replace("1: 2, 3: 4", "1: 2"))
    refresh()
    assert fingerprint(root) == before


def test_module_that_was_not_there_is_found_once_it_is(toy, tmp_path):
    toy()
    root = [("toy.new", "f")]
    with pytest.raises(ModuleNotFoundError):
        fingerprint(root)
    (tmp_path / "toy/new.py").write_text("def f(x):\n    return x\n")
    refresh()
    assert fingerprint(root)


@pytest.mark.parametrize("name", ["scale.cpython-312.pyc", "scale.cpython-312.pyc.140231"])
def test_code_is_not_read_anew_when_python_compiles_it(toy, tmp_path, name):
    """It writes under a name of its own, and renames the file then."""
    toy()
    read, seen = definitions.module_of("toy.scale"), definitions.seen()
    compiled = tmp_path / "toy/__pycache__" / name
    compiled.parent.mkdir()
    compiled.write_bytes(b"compiled")
    refresh()
    assert definitions.module_of("toy.scale") is read
    assert definitions.seen() == seen


@pytest.mark.parametrize("asked", [1, 2])
def test_file_that_goes_while_files_are_listed_is_none_of_ours(toy, tmp_path, monkeypatch, asked):
    """Return whether it has gone when it is first asked for, or when it is asked for again."""
    toy()
    seen = definitions.seen()
    file = tmp_path / "toy/scale.py~"
    file.write_text("for a moment")
    stat, times = type(file).stat, []

    def going(self, **kwargs):
        if self == file:
            times.append(self)
            if len(times) == asked:
                file.unlink(missing_ok=True)
        return stat(self, **kwargs)

    monkeypatch.setattr(type(file), "stat", going)
    found = definitions.signature()
    assert times
    assert {name for name, *_ in found} - {str(file)} == {name for name, *_ in seen}


UNSEEN = {
    "strings that are written in two parts": [('f"{RATE!r} of {{x}}"', 'f"{RATE!r} " f"of {{x}}"')],
    "other quotes": [('f"{RATE!r} of {{x}}"', "f'{RATE!r} of {{x}}'")],
    "lines that are broken": [
        ("x * RATE + find(x)", "(\n        x * RATE\n        + find(x,)\n    )")
    ],
    "another name for what is imported": [
        ("import look_up as find", "import look_up as looked_up"),
        ("find(x)", "looked_up(x)"),
    ],
    "a pass": [("    return late(x) + scale(x)", "    pass\n        return late(x) + scale(x)")],
    "a comment": [("# a rate", "# the rate of it all")],
    "a docstring": [('"""Scale it."""', '"""Make it larger,\n\n    by so much.\n    """')],
    "a docstring that goes": [('    """A cell."""\n\n', "")],
    "layout": [("x * RATE + find(x)", "x * RATE  +  find( x )")],
    "what nobody calls": [("return toy.other.other(x)", "return 7")],
    "a definition beside": [("def apart():\n    pass", "def apart():\n    return 1")],
    "another name for a module": [
        ("import toy.other\n", "import toy.other as o\n"),
        ("toy.other.", "o."),
    ],
}


@pytest.mark.parametrize("changes", UNSEEN.values(), ids=UNSEEN)
def test_what_changes_no_result_changes_no_fingerprint(toy, changes):
    assert toy(changes) == toy()


SEEN = {
    "how a value in a string is written": [("{RATE!r} of", "{RATE!s} of")],
    "how wide a value in a string is": [("{RATE!r} of", "{RATE!r:>3} of")],
    "an equation": [("late(x) + scale(x)", "late(x) - scale(x)")],
    "a function that it calls": [("x * RATE + find(x)", "x * RATE - find(x)")],
    "a variable of that": [("RATE = 3", "RATE = 4")],
    "a variable of another module": [("{1: 2}", "{1: 3}")],
    "a default with a value in it": [("{RATE!r} of", "{RATE!r} from")],
    "a base class": [("class Base:\n    pass", "class Base:\n    rate = 1")],
    "what it imports late": [("def late(x):\n    return x", "def late(x):\n    return -x")],
    "what a module does on import": [("print('imported')", "print('done')")],
    "indentation that means something": [
        ("    return x * RATE", "    if x:\n        x += 1\n        x += 2\n    return x * RATE")
    ],
}


@pytest.mark.parametrize("changes", SEEN.values(), ids=SEEN)
def test_what_may_change_a_result_changes_the_fingerprint(toy, changes):
    assert toy(changes) != toy()


def test_statement_that_leaves_a_block_changes_the_fingerprint(toy):
    end = "    return x * RATE"
    inside = [(end, f"    if x:\n        x += 1\n        x += 2\n{end}")]
    outside = [(end, f"    if x:\n        x += 1\n    x += 2\n{end}")]
    assert toy(inside) != toy(outside)


def test_file_that_moves_changes_no_fingerprint(toy):
    moved = [("from toy.late import", "from toy.deep.later import")]
    files = {"deep/__init__.py": "", "deep/later.py": FILES["late.py"]}
    assert toy(moved, **files) == toy()


def test_root_that_is_not_there_is_refused(toy):
    with pytest.raises(ModuleNotFoundError, match=r"toy\.scales is no module of toy"):
        toy(root=("toy.scales", "Cell"))


TASK = """
from toy.base import Base as Above
from toy.late import late

class Task(Above):
    rate = 1

    def prepare(self, x):
        return self.read(x)

    def read(self, x):
        return x

    def serve(self, x):
        return late(x)

    def check(self):
        return 1
"""

BASE = """
class Base:
    def prepare(self, x):
        raise NotImplementedError

    def start(self):
        self.check()

    def check(self):
        pass
"""


@pytest.fixture
def methods(toy):
    """Gives the fingerprint of a method of a class that has others."""

    def of(name, changes=()):
        files = {"task.py": changed(TASK, changes), "base.py": changed(BASE, changes)}
        return toy(root=("toy.task", f"Task.{name}"), **files)

    return of


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        ("prepare", "return self.read(x)", "return -self.read(x)"),
        ("prepare", "        return x\n", "        return -x\n"),
        ("prepare", "rate = 1", "rate = 2"),
        ("prepare", "NotImplementedError", "ValueError"),
        ("start", "return 1", "return 2"),
        ("start", "self.check()", "self.check(1)"),
        ("serve", "return late(x)", "return late(-x)"),
    ],
)
def test_method_is_told_apart_from_others_of_its_class(methods, method, old, new):
    """It is seen where it is called: in a class above, in one below, and by another method."""
    of_all = {name: methods(name) for name in ("prepare", "start", "serve")}
    found = {name: methods(name, [(old, new)]) for name in of_all}
    changed_by_it = {name for name in of_all if found[name] != of_all[name]}
    assert changed_by_it == ({*of_all} if old.startswith("rate") else {method})


def test_class_is_all_its_methods_and_those_that_it_stands_on(toy):
    root, texts = ("toy.task", "Task"), {"task.py": TASK, "base.py": BASE}
    for name, old in [
        ("task.py", "return x\n"),
        ("base.py", "pass"),
        ("base.py", "self.check()\n"),
    ]:
        edited = {**texts, name: texts[name].replace(old, "return 2\n")}
        assert toy(root=root, **edited) != toy(root=root, **texts)


def test_method_that_a_class_has_not_is_refused(methods):
    with pytest.raises(AttributeError, match=r"toy\.task\.Task has no method preparing"):
        methods("preparing")


def test_method_of_a_class_that_is_not_there_is_refused(toy):
    """It is not all of the module, which may be next to nothing."""
    with pytest.raises(AttributeError, match=r"toy\.task\.Other has no method prepare"):
        toy(root=("toy.task", "Other.prepare"), **{"task.py": TASK, "base.py": BASE})


def test_seams_in_a_string_with_values_are_not_seen():
    """Versions of Python differ in where they are."""
    value = ast.FormattedValue(ast.Name("x"), -1, ast.JoinedStr([ast.Constant(">3")]))
    seams = ast.FormattedValue(
        ast.Name("x"), -1, ast.JoinedStr([ast.Constant(">"), ast.Constant("3"), ast.Constant("")])
    )
    whole, parted = definitions.Definition(), definitions.Definition()
    definitions.Reader(whole, {}, {}).read(ast.JoinedStr([ast.Constant("of "), value]))
    definitions.Reader(parted, {}, {}).read(
        ast.JoinedStr([ast.Constant(""), ast.Constant("o"), ast.Constant("f "), seams])
    )
    assert whole.text == parted.text
    assert "'of '" in whole.text


@pytest.mark.parametrize(
    ("name", "text", "comment"),
    [
        ("scale.c", "x = 1; /* {} */", "so"),
        ("scale.css", "p {{ margin: 0 }} /* {} */", "so"),
        ("page.jinja", "<p>{{{{ x }}}}</p>{{# {} #}}", "so"),
        ("table.csv", "1,2", ""),
    ],
)
def test_file_that_a_string_names_is_seen_but_for_its_comments(toy, name, text, comment):
    names = [('f"{RATE!r} of {{x}}"', f'"{name}"')]
    one = toy(names, **{name: text.format(comment)})
    assert toy(names, **{name: text.format("and so")}) == one
    assert toy(names, **{name: text.format(comment).replace("1", "2").replace("p", "q")}) != one
    assert toy(**{name: text}) == toy(**{name: f"{text}1"}), "nobody names it"


def test_file_that_a_named_file_names_is_seen(toy):
    names = [('f"{RATE!r} of {{x}}"', '"page.jinja"')]
    page = {"page.jinja": '{% extends "base.jinja" %}'}
    assert toy(names, **page, **{"base.jinja": "a"}) != toy(names, **page, **{"base.jinja": "b"})


def test_name_that_is_imported_where_it_can_be_is_followed(toy):
    scale = "try:\n    from toy.late import late\nfinally:\n    pass\n"
    scale += "def use(x):\n    return late(x)\n"
    root, files = ("toy.scale", "use"), {"scale.py": scale}
    other = {"late.py": FILES["late.py"].replace("return x", "return -x")}
    assert toy(root=root, **files, **other) != toy(root=root, **files)


def test_which_of_two_definitions_of_one_name_is_taken_where_is_seen(toy):
    """Both are reached, whichever way round."""
    files = {"one.py": "def a(x):\n    return x\n", "two.py": "def a(x):\n    return -x\n"}
    use = "from toy.{} import a as f\nfrom toy.{} import a as g\n\n"
    use += "def use(x):\n    return f(x) / g(x)\n"
    root = ("toy.use", "use")
    one_over_two = toy(root=root, **files, **{"use.py": use.format("one", "two")})
    assert toy(root=root, **files, **{"use.py": use.format("two", "one")}) != one_over_two


def test_registry_may_grow(toy):
    text = 'REGISTRY = {"a": 1}\n\ndef get(name):\n    return REGISTRY[name]\n'
    root = ("toy.names", "get")
    more = text.replace("{", '{"b": 2, ')
    assert toy(root=root, **{"names.py": more}) == toy(root=root, **{"names.py": text})


def test_training_of_a_cell_reaches_its_equation_and_no_other():
    roots = [("rnn_core.training.loop", "train"), ("rnn_core.cells.lstm", "LSTM")]
    found = reached(roots, (("rnn_core.compiler.gpu", None),))
    modules = {module for module, _ in found}
    assert ("rnn_core.compiler.cpu.stages", "Direction") in found
    assert ("rnn_core.training.loop", "train") in found
    assert "rnn_core.cells.gru" not in modules
    assert not any(module.startswith("rnn_core.compiler.gpu") for module in modules)
