# SPDX-License-Identifier: MIT
"""What every whd of the tests is asked before it is stopped: all that it says of itself.

The counters go into the contract's book, so that the last test can tell which
of them no test has moved. The keys are looked for in every answer. A whd that
does not answer (it is full, or hangs on purpose) is let be: its test looks.
"""

import re
import socket

import msgpack

from support import contract, secrets

PATIENCE = 10
ASKED = ("metrics", "status", "config.show", "dump", "queue.list", "history.list", "webhook.list")


def _answers(path):
    """Method -> answer, over a connection of its own; what is refused is left out."""
    answers, left = {}, len(ASKED)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(str(path))
        sock.sendall(b"".join(msgpack.packb([0, n, name, []]) for n, name in enumerate(ASKED)))
        unpacker = msgpack.Unpacker(raw=False, unicode_errors="replace", max_buffer_size=1 << 26)
        while left > 0:
            data = sock.recv(1 << 20)
            if not data:
                break
            secrets.look("an answer", data)
            unpacker.feed(data)
            for _, ident, error, result in unpacker:
                left -= 1
                if error is None:
                    answers[ASKED[ident]] = result
    return answers


def counters(text):
    """Name -> value of the counters in what `metrics` answers."""
    return {name: int(value)
            for name, value in re.findall(r"^whd_(\w+)_total (\d+)$", text, re.MULTILINE)}


def take(path):
    try:
        answers = _answers(path)
    except OSError:
        return
    secrets.look("the last answers", answers)
    if "metrics" in answers:
        contract.note_counters(counters(answers["metrics"]))
