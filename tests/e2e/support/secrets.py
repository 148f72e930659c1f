# SPDX-License-Identifier: MIT
"""The subscription keys of the tests, and the search for them wherever they must not be: in
answers, logs, stores. Every test does it, whatever it is about."""

KEYS = set()


class Leak(AssertionError):
    """A key was seen outside of whd."""


def add(*keys):
    """From now on these are looked for."""
    KEYS.update(keys)


def look(where, what):
    """Raises Leak if a key stands in what: text, bytes, or a decoded answer."""
    if not isinstance(what, (str, bytes)):
        what = repr(what)
    for key in KEYS:
        if (key.encode() if isinstance(what, bytes) else key) in what:
            raise Leak(f"a key stands in {where}")
