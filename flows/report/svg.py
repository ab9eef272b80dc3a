"""Turn Matplotlib's figures into small SVG with reproducible bytes and the colours of the page.

A colour is drawn as a stand-in and written as a CSS variable, so that a figure has the colours of
its page. For a separate file, `alone` sets the colours.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

LIGHT = {
    "ink": "#1f2328",
    "quiet": "#59636e",
    "grid": "#d1d9e0",
    "accent": "#b3261e",
    "c0": "#0072b2",
    "c1": "#b84a00",
    "c2": "#007a59",
    "c3": "#9b3f84",
    "c4": "#806200",
    "c5": "#5a55c8",
    "c6": "#59636e",
}
"""Colours of Okabe and Ito, but darker, so that text in them can be read on white."""

DARK = {
    "ink": "#e6e9ec",
    "quiet": "#a5b0ba",
    "grid": "#3d444d",
    "accent": "#ff8a80",
    "c0": "#56b4e9",
    "c1": "#ff9e5e",
    "c2": "#3ccb9f",
    "c3": "#e6a0cb",
    "c4": "#e3bd4b",
    "c5": "#aba6ff",
    "c6": "#a5b0ba",
}

STAND_IN = {name: f"#0102{place:02x}" for place, name in enumerate(LIGHT)}
"""Stand-ins for colours while a figure is drawn; no figure uses these colours otherwise."""

FONT_SIZE = 9
"""Font size of all text, in points; a single size needs no attribute at each text."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": FONT_SIZE,
    "text.color": STAND_IN["ink"],
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.edgecolor": STAND_IN["quiet"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": STAND_IN["ink"],
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "grid.color": STAND_IN["grid"],
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.labelcolor": STAND_IN["ink"],
    "xtick.bottom": False,  # the grid shows where they are
    "xtick.labelcolor": STAND_IN["ink"],
    "ytick.left": False,
    "ytick.labelcolor": STAND_IN["ink"],
}

COORDINATES = re.compile(r'\b(d|x|y|x1|x2|y1|y2|width|height|transform|points)="([^"]*)"')
STYLES = re.compile(r'style="[^"]*"')
NEEDLESS = [
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>|<clipPath.*?</clipPath>",
        r"<defs>\s*</defs>",
        r' clip-path="[^"]*"',
        r"<g(?: id=\"[^\"]*\")?/?>|</g>",
        rf"font: {FONT_SIZE}px [^;\"]*;? ?",
        rf"font-size: {FONT_SIZE}px; font-family: [^;\"]*;? ?",
        r' transform="rotate\(-?0 [^"]*"',
        r"stroke-line(?:cap: square|join: miter);? ?",
    )
]
LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")


@contextmanager
def drawing() -> Iterator[None]:
    """Use Matplotlib's settings for figures that `written` writes."""
    with mpl.rc_context(STYLE):
        yield


def written(figure: Figure, name: str, words: str) -> str:
    """Write a figure as an SVG element; call it within `drawing`.

    Args:
        figure: The figure.
        name: Makes the ids inside differ from those of other figures on the page.
        words: Description, for readers who do not see the figure.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"gatewise {name}"}):
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", metadata=nothing)
    _, start, rest = buffer.getvalue().partition("<svg ")
    head, _, body = rest.partition(">")
    (view_box,) = re.findall(r'viewBox="[^"]*"', head)
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    label = escape(words)
    font = f'font-size="{FONT_SIZE}px" font-family="sans-serif"'
    opening = f'{start}{spaces} {view_box} {font} role="img" aria-label="{label}">'
    return f"{opening}{smaller(coloured(body.strip()))}\n"


def alone(picture: str) -> str:
    """A picture from `written` as a separate file, on white."""
    colours = ";".join(f"--{name}:{colour}" for name, colour in LIGHT.items())
    style = f"<style>svg{{{colours};background:#fff}}</style>"
    return picture.replace(">", f">{style}", 1)


def coloured(svg: str) -> str:
    """Replace stand-ins for colours by CSS variables."""
    for name, stand_in in STAND_IN.items():
        svg = svg.replace(stand_in, f"var(--{name})")
    return svg


def smaller(svg: str) -> str:
    """Remove parts of an SVG that do not change how it looks.

    Panels do not need clipping, since their limits follow from the data; groups have no effect.
    """
    for needless in NEEDLESS:
        svg = needless.sub("", svg)
    svg = COORDINATES.sub(lambda found: f'{found[1]}="{rounded(found[2])}"', svg)
    svg = STYLES.sub(lambda found: found[0].replace(": ", ":").replace("; ", ";"), svg)
    return re.sub(r">\s+<", "><", svg)


def rounded(coordinates: str) -> str:
    """Round coordinates to a tenth of a point, and write them on one line."""
    shorter = LONG_NUMBER.sub(lambda found: f"{float(found[0]):.1f}", coordinates)
    shorter = re.sub(r"\.0(?!\d)", "", shorter)
    return re.sub(r"\s*([MLCzQ])\s*", r"\1", " ".join(shorter.split()))
