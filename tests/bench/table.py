# SPDX-License-Identifier: MIT
"""The table of what was found."""

HEAD = ("what", "unit", "whd", "peer", "", "floor", "", "ratio", "spread", "must", "aim", "")


def number(v):
    if v is None:
        return ""
    if abs(v) >= 1000:
        return f"{v:,.0f}"
    return f"{v:.3g}"


def line(r):
    goal = r["goal"]
    spread = f"{number(r['least'])}-{number(r['most'])}" if r["rounds"] > 1 else ""
    return (r["what"], r["unit"], number(r["whd"]), number(r["peer"]), r["peer_name"] or "",
            number(r["floor"]), r["floor_name"] or "", number(r["ratio"]), spread,
            f"{goal['sign']} {goal['must']}" if goal else "",
            f"{goal['sign']} {goal['aim']}" if goal else "", r["verdict"] or "")


def text(found):
    lines = [HEAD] + [line(r) for r in found["rows"]]
    widths = [max(len(cells[i]) for cells in lines) for i in range(len(HEAD))]
    made = [found["machine"], ""]
    for cells in lines:
        made.append("  ".join(c.ljust(w) for c, w in zip(cells, widths)).rstrip())
    return "\n".join(made)
