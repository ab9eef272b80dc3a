"""Check the words of the repository; see CONTRIBUTING.md."""

import sys
from pathlib import Path

from plain_words.check import findings, is_clean, is_in, read_paths, read_rules


def main() -> int:
    """Print what breaks a rule; returns the exit code.

    Arguments of the command line are files to check, from the repository's root; all without any.
    """
    rules, root, chosen = read_rules(), Path(__file__).parents[2], sys.argv[1:]
    paths = [p for p in read_paths(root, rules.skipped) if not chosen or p in chosen]
    checked = [path for path in paths if not is_in(path, rules.later)]
    lines = [str(finding) for finding in findings(root, checked, rules)]
    lines += [
        f'rules.toml: "{place}" keeps the rules now; remove it from `later`'
        for place in (() if chosen else rules.later)
        if is_clean(root, [path for path in paths if is_in(path, [place])], rules)
    ]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
