"""Lines of symbols that cannot be used, and the errors."""

from typing import Any

PARAMETERS: dict[str, Any] = {"lag": 3, "validation_share": 0.1, "test_share": 0.2}

LINES = [f"{'abc'[i % 3]}{'abc'[i // 3 % 3]}{'abc'[i // 9 % 3]}" for i in range(40)]


def lines(rows: list[str]) -> dict[str, bytes]:
    return {"lines.txt": "".join(f"{row}\n" for row in rows).encode()}


def good() -> dict[str, bytes]:
    """The content of a raw folder by file name."""
    return lines(LINES)


CASES: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "no text file": (
        {"lines.csv": b"abc\n"},
        {},
        "lines.csv is a table, and the copy problem reads plain text; save its column of texts",
    ),
    "two text files": (
        {"a.txt": b"abc\n", "b.txt": b"abc\n"},
        {},
        "holds 2 text files, a.txt and b.txt among them; the copy problem reads one, so join them",
    ),
    "empty": ({"lines.txt": b""}, {}, "lines.txt is empty"),
    "no text": (lines([*LINES, "a\x00b"]), {}, "lines.txt, line 41 holds the control character"),
    "line of another length": (
        lines([*LINES[:20], "ab", *LINES[20:]]),
        {},
        "lines.txt, line 21 has 2 symbols, but line 1 has 3",
    ),
    "blank line": (
        lines([*LINES, ""]),
        {},
        "lines.txt, line 41 has 0 symbols, but line 1 has 3",
    ),
    "too few lines": (lines(LINES[:3]), {}, "3 lines are too few: the validation set gets none"),
    "one symbol": (lines(["aaa"] * 40), {}, "the training set is 'a' over and over"),
    "symbol at the end only": (
        lines([*LINES[:-1], "abd"]),
        {},
        "line 40 has the symbol 'd', which no line of the training set has",
    ),
    "shares above 1": (
        good(),
        {"validation_share": 0.5, "test_share": 0.6},
        "validation_share and test_share leave nothing to train on",
    ),
    "share of 0": (good(), {"test_share": 0.0}, "validation_share and test_share must be above 0"),
    "negative lag": (good(), {"lag": -1}, "lag must be at least 0, not -1"),
}
