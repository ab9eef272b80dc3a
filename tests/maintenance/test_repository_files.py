"""Files that forges and tools read agree with the project."""

import re
import tomllib
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def test_citation_has_what_the_format_requires_and_the_project_s_licence():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["license"] == PROJECT["license"]
    assert citation["title"].lower() == PROJECT["name"]
    assert f"(c) 2026 {citation['authors'][0]['name']}" in (REPOSITORY / "LICENSE").read_text()


def test_hooks_run_only_what_make_check_runs():
    makefile = (REPOSITORY / "Makefile").read_text()
    check = re.search(r"^check:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    (local,) = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in local["hooks"]:
        (program,) = re.findall(r"\.venv/bin/(.*?)(?: --force-exclude)?$", hook["entry"])
        program = program.removesuffix(" --force-exclude")
        assert f"$(BIN)/{program}" in check, hook["id"]


def test_questions_of_issue_templates_have_different_names():
    templates = sorted((REPOSITORY / ".github/ISSUE_TEMPLATE").glob("*.yml"))
    assert templates
    for template in templates:
        content = yaml.safe_load(template.read_text())
        names = [question["id"] for question in content["body"]]
        assert len(set(names)) == len(names)
        assert content["name"]
        assert content["description"]
