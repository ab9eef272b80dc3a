"""A new study leaves the user's next Git commit as it was."""

import subprocess

from flows.commands.new import init_dvc


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_files_of_dvc_are_not_staged_and_those_of_the_user_stay_so(tmp_path):
    """The study gets its name last, so a staged file would not be there any more."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "mine.txt").write_text("mine")
    git(tmp_path, "add", "mine.txt")
    study = tmp_path / "studies/.new-1/study"
    study.mkdir(parents=True)
    init_dvc(study)
    assert (study / ".dvc/config").is_file()
    study.rename(tmp_path / "studies/shop")
    assert git(tmp_path, "diff", "--cached", "--name-only", "--no-ext-diff") == ["mine.txt"]
    assert "studies/shop/.dvc/config" in git(tmp_path, "ls-files", "--others")
