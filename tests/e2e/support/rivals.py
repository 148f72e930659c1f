# SPDX-License-Identifier: MIT
"""Others who change the same webhooks while whd is cut off from the API."""

# whd reads a webhook again before it changes it, however young its copy is
ALWAYS_LOOK = {"queue.check_age": "0", "sync.interval": "200ms"}


def meanwhile(sim, c, mine, theirs):
    """Queues a change offline while others edit the same webhook; returns the settled op."""
    c.go_offline(sim)
    op = mine()
    theirs()
    c.go_online(sim)
    return c.settled(op)
