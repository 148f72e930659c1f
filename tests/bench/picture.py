# SPDX-License-Identifier: MIT
"""What was found, as a picture: a bar for each row with a goal, on a scale of ratios.

The bar is whd beside its peer; longer is better, whichever way the goal goes.
At 1 both are equal. The marks are what must and what should be reached.
"""

import math
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, LINE, TOP = 900, 360, 120, 24, 56
LEAST, MOST = 0.25, 64.0
COLOURS = {"aim": "#2e7d32", "must": "#558b2f", "missed": "#c62828", None: "#546e7a"}


def place(v):
    """x of a ratio; logarithmic, so that twice and half are as far from 1."""
    v = min(max(v, LEAST), MOST)
    share = math.log(v / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def turned(goal, v):
    """The ratio so that more is better."""
    return v if goal["sign"] == ">=" else 1 / v if v else MOST


def bar(r, y):
    goal, better = r["goal"], turned(r["goal"], r["ratio"])
    a, b = sorted((place(1), place(better)))
    parts = [
        f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(r["what"])}</text>',
        f'<rect x="{a:.1f}" y="{y + 4}" width="{max(b - a, 2):.1f}" height="14" '
        f'fill="{COLOURS[r["verdict"]]}"/>',
        f'<text x="{WIDTH - RIGHT + 8}" y="{y + 15}">'
        f'{better:.2f}x {escape(r["peer_name"])}</text>']
    for name, dash in (("must", ""), ("aim", ' stroke-dasharray="2,2"')):
        x = place(turned(goal, goal[name]))
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y + 1}" y2="{y + 21}" '
                     f'stroke="#212121"{dash}/>')
    return parts


def svg(found):
    shown = [r for r in found["rows"] if r["goal"] and r["ratio"]]
    height = TOP + LINE * len(shown) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="20" font-size="15">whd beside its peers: longer is better, '
        f'1 is equal</text>',
        f'<text x="12" y="40" fill="#546e7a">{escape(found["machine"])}; solid mark: must, '
        f'dotted: aim</text>']
    for v in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64):
        x = place(v)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{height - 12}" '
                     f'stroke="{"#90a4ae" if v == 1 else "#eceff1"}"/>')
    for i, r in enumerate(shown):
        parts += bar(r, TOP + LINE * i)
    return "\n".join(parts + ["</svg>"]) + "\n"
