# SPDX-License-Identifier: MIT
"""Comparisons: sides that are measured in turns, and rows made of their medians.

A comparison is a function of a Bench, found under the name it is registered
with. It yields its sides, a function each that measures once and returns
{metric: value}; what follows the yield puts away what was set up for it.
"""

import contextlib
import statistics

COMPARISONS = {}


class Row:
    """One line of the table: a metric of whd's side, beside that of another side.

    In the title {many} stands for the number of webhooks, {size} for the size that the
    side tells of itself. goal is (">=" or "<=", must, aim) for the ratio whd / beside, or
    for whd's own value if beside is None.
    """

    def __init__(self, title, metric, unit, beside=None, goal=None, of="whd", floor=None):
        self.title, self.metric, self.unit, self.beside = title, metric, unit, beside
        self.goal, self.of, self.floor = goal, of, floor


def comparison(name, *rows, most=99):
    """most: rounds, for what takes long."""
    def add(function):
        COMPARISONS[name] = (contextlib.contextmanager(function), rows, most)
        return function
    return add


def measure(sides, rounds, say):
    """{side: [{metric: value}, ..]}; the sides take turns, so that what drifts hits all."""
    found = {name: [] for name in sides}
    for turn in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
            say(f"{turn + 1}/{rounds} {name}")
    return found


def median(values):
    return statistics.median(values) if values else None


def series(found, side, metric):
    return [m[metric] for m in found.get(side, ()) if m.get(metric) is not None]


def verdict(goal, value):
    if not goal or value is None:
        return None
    sign, must, aim = goal

    def holds(bound):
        return value >= bound if sign == ">=" else value <= bound
    return "aim" if holds(aim) else "must" if holds(must) else "missed"


def make_row(name, row, found, many):
    ours, theirs = series(found, row.of, row.metric), series(found, row.beside, row.metric)
    floors = series(found, row.floor, row.metric)
    size = next(iter(series(found, row.of, "size")), None)
    ratios = [a / b for a, b in zip(ours, theirs) if b]
    judged = median(ratios) if row.beside else median(ours)
    spread = ratios if row.beside else ours
    return {
        "comparison": name, "what": row.title.format(many=f"{many:,}", size=f"{size or 0:,}"),
        "metric": row.metric, "unit": row.unit, "size": size,
        "whd": median(ours), "peer": median(theirs), "peer_name": row.beside,
        "floor": median(floors), "floor_name": row.floor if floors else None,
        "ratio": median(ratios), "least": min(spread, default=None),
        "most": max(spread, default=None), "rounds": len(ours),
        "goal": row.goal and {"sign": row.goal[0], "must": row.goal[1], "aim": row.goal[2]},
        "verdict": verdict(row.goal, judged),
    }


def run(name, bench):
    """The rows of one comparison."""
    setup, rows, most = COMPARISONS[name]
    with setup(bench) as sides:
        found = measure(sides, min(bench.rounds, most), lambda what: bench.say(f"{name}: {what}"))
    made = [make_row(name, row, found, bench.many) for row in rows]
    return [r for r in made if r["whd"] is not None]
