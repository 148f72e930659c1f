# SPDX-License-Identifier: MIT
"""The webhooks that are served and listed: about 500 bytes of MessagePack, 531 of JSON."""

import json

COMMENT = "notifies the specialist application of a change of state; owner: the department " * 4


def row_id(i):
    """As bench_id() of measure.c."""
    return f"{i * 2654435761 % 2**32:08x}-0000-4000-8000-{i:012x}"


def row(i, turn=0):
    """The i-th webhook; another turn changes it."""
    return {
        "whid": row_id(i),
        "whname": f"webhook {i}",
        "whcomment": f"{turn} {COMMENT}"[:236],
        "applicationId": f"d0db4b13-20d4-42c3-8268-{i % 1000:012x}",
        "municipalityId": f"{i // 1000 + 1:04d}",
        "callbackUrl": f"https://hooks.example.org/in/{i}",
        "processes": [f"7a0de37c-90ae-4c0e-{i % 7:04x}-1d7ee9b5b4d2"],
    }


def body(n, changed=(), turn=1):
    """The list of the API with n webhooks, as JSON; those of `changed` are in another turn."""
    changed = set(changed)
    parts = [json.dumps(row(i, turn if i in changed else 0), separators=(",", ":"))
             for i in range(n)]
    return ("[" + ",".join(parts) + "]").encode()
