# SPDX-License-Identifier: MIT
"""Webhooks to create, and what is expected of rows."""


def webhook(n=0, **members):
    """The six members of a webhook; different ones for each n."""
    row = {
        "whname": f"hook {n}",
        "whcomment": f"comment {n}",
        "applicationId": "d0db4b13-20d4-42c3-8268-37db22b36f98",
        "municipalityId": "351",
        "callbackUrl": f"https://hooks.example.org/in/{n}",
        "processes": [f"p{n}", "all"],
    }
    row.update(members)
    return row
