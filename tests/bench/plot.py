# SPDX-License-Identifier: MIT
"""How the time of an operation grows, as a picture: a panel for webhooks, one for the queue.

    plot.py < FILE.json > FILE.svg

Both axes are logarithmic. A line is one operation, its points are the sizes it was
measured at. The dashed line beside it leaves from the same point and grows as log n.
"""

import json
import math
import sys
from xml.sax.saxutils import escape

import table

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 300, 90, 300, 50, 46
LABEL = 17  # least distance of two labels
HEAD = 52
PANELS = (("growth", "webhooks"), ("growth-queue", "queued operations"))
COLOURS = ("#1565c0", "#2e7d32", "#c62828", "#6a1b9a", "#8d6e00")


def lines_of(found, comparison):
    """{operation: [(size, us), ..]}"""
    lines = {}
    for r in found["rows"]:
        if r["comparison"] == comparison and r.get("size"):
            lines.setdefault(r["what"].split(",")[0], []).append((r["size"], r["whd"]))
    return {what: sorted(points) for what, points in lines.items()}


def axis(values, low, high):
    """Where a value lies between two places, and the powers of ten around all values."""
    first = math.floor(math.log10(min(values)))
    last = max(math.ceil(math.log10(max(values))), first + 1)

    def place(v):
        return low + (math.log10(v) - first) / (last - first) * (high - low)
    return place, [10 ** i for i in range(first, last + 1)]


def text(x, y, words, **how):
    how = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in how.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{how}>{escape(words)}</text>'


def path(points, x, y, **how):
    how = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in how.items())
    at = " ".join(f"{x(n):.1f},{y(us):.1f}" for n, us in points)
    return f'<polyline points="{at}" fill="none"{how}/>'


def scales(x, y, sizes, times, things):
    parts = [text(LEFT - 74, y(times[-1]) - 14, "time of one operation", fill="#546e7a"),
             text((x(sizes[0]) + x(sizes[-1])) / 2, y(times[0]) + 38, things, fill="#546e7a",
                  text_anchor="middle")]
    for us in times:
        parts += [path([(sizes[0], us), (sizes[-1], us)], x, y, stroke="#cfd8dc"),
                  text(LEFT - 8, y(us) + 4, f"{us:,} us", text_anchor="end")]
    for n in sizes:
        parts += [path([(n, times[0]), (n, times[-1])], x, y, stroke="#cfd8dc"),
                  text(x(n), y(times[0]) + 18, f"{n:,}", text_anchor="middle")]
    return parts


def as_log(points):
    """The first point, growing as log n up to the last size."""
    (first, us), last = points[0], points[-1][0]
    steps = [first * (last / first) ** (i / 16) for i in range(17)]
    return [(n, us * math.log(n) / math.log(first)) for n in steps]


def labels(lines, x, y):
    """At the ends of the lines; those that would lie upon each other are moved apart."""
    parts, last = [], math.inf
    for what, colour in sorted(lines, key=lambda item: item[0][1][-1][1]):
        (operation, points), at = what, min(y(what[1][-1][1]), last - LABEL)
        words = f"{operation}: {table.number(points[0][1])} to {table.number(points[-1][1])} us"
        parts.append(text(x(points[-1][0]) + 10, at + 4, words, fill=colour))
        last = at
    return parts


def panel(lines, things, top):
    x, sizes = axis([n for points in lines.values() for n, _ in points], LEFT, WIDTH - RIGHT)
    y, times = axis([us for points in lines.values() for _, us in points],
                    top + HEIGHT - BOTTOM, top + TOP)
    coloured = list(zip(lines.items(), COLOURS))
    parts = scales(x, y, sizes, times, things)
    for (_, points), colour in coloured:
        parts += [path(as_log(points), x, y, stroke=colour, stroke_dasharray="2,4"),
                  path(points, x, y, stroke=colour, stroke_width=2)]
        parts += [f'<circle cx="{x(n):.1f}" cy="{y(us):.1f}" r="3" fill="{colour}"/>'
                  for n, us in points]
    return parts + labels(coloured, x, y)


def svg(found):
    shown = [(lines, things) for name, things in PANELS if (lines := lines_of(found, name))]
    height = HEAD + HEIGHT * len(shown)
    rounds = max((r["rounds"] for r in found["rows"] if r.get("size")), default=0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        text(12, 20, "whd: time of one operation as the numbers grow; both axes logarithmic",
             font_size=15),
        text(12, 40, f"{found['machine']}; medians of {rounds} rounds; dashed: as log n grows "
             "from the first point", fill="#546e7a")]
    for i, (lines, things) in enumerate(shown):
        parts += panel(lines, things, HEAD + HEIGHT * i)
    return "\n".join(parts + ["</svg>"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(svg(json.load(sys.stdin)))
