# SPDX-License-Identifier: MIT
"""What a list has in common with the one before is not read again, and is never taken for more
than it is: whatever happened to a row in between, the next list puts it right."""

import pytest

from support import proc
from support.data import webhook

ROWS = 300  # enough bytes for whole blocks of the body to come again


@pytest.fixture(params=["bare", "wrapped"])
def api(request, sim):
    sim.set(list_shape=request.param)
    sim.seed(ROWS)
    return sim


def read(c):
    """List elements parsed so far."""
    for line in c.call("metrics").splitlines():
        if line.startswith("whd_rows_read_total "):
            return int(line.split()[1])
    raise AssertionError("no such metric")


class Lists:
    def __init__(self, sim, c):
        self.sim, self.c = sim, c
        c.synced()
        self.next(None)
        self.next(None)  # from here on blocks are known, too

    def next(self, elements, **counts):
        """One list, of which so many elements are read; then both sides are equal."""
        before = read(self.c)
        result = self.c.call("sync.now")
        assert result["complete"]
        assert elements is None or read(self.c) - before == elements
        assert {k: result[k] for k in counts} == counts
        served = {w["whid"]: {k: v for k, v in w.items() if k != "_whd"}
                  for w in self.c.list(limit=1000)}
        assert served == {r["whid"]: r for r in self.sim.rows()}


@pytest.fixture
def lists(world, api):
    return Lists(api, world.whd(api, {"sync.interval": "1h", "queue.check_age": "0"}).client())


def test_nothing_changed_nothing_read(lists):
    for _ in range(4):
        lists.next(0, unchanged=ROWS, added=0, changed=0, removed=0)


def test_nothing_changed_nothing_but_the_stamp_written(world, api):
    whd = world.whd(api, {"sync.interval": "1h"})
    lists = Lists(api, whd.client())
    before = proc.bytes_written(whd.child.pid)
    lists.c.call("sync.now")
    after = proc.bytes_written(whd.child.pid)
    if before is None:
        pytest.skip("only root sees what a process like whd writes")
    assert after - before < 100 * 1024 < ROWS * 500


def test_one_changed_one_read(lists):
    rows = lists.sim.rows()
    for n, row in enumerate([rows[0], rows[ROWS // 2], rows[-1], rows[ROWS // 2]]):
        lists.sim.edit(row["whid"], whcomment=f"edit {n}")
        lists.next(1, changed=1, unchanged=ROWS - 1)
        lists.next(0, unchanged=ROWS)


def test_an_edit_taken_back_is_read(lists):
    row = lists.sim.rows()[7]
    lists.sim.edit(row["whid"], whcomment="other")
    lists.next(1, changed=1)
    lists.sim.edit(row["whid"], whcomment=row["whcomment"])
    lists.next(1, changed=1)


def test_our_own_change_is_read_once(lists):
    row = lists.sim.rows()[100]
    lists.c.applied(lists.c.update(row["whid"], set={"whcomment": "ours"}))
    lists.next(1, unchanged=ROWS)
    lists.next(0, unchanged=ROWS)


def test_our_change_undone_by_others_before_the_next_list(lists):
    """The body is byte for byte the one before, but the row is not what it was."""
    row = lists.sim.rows()[100]
    lists.c.applied(lists.c.update(row["whid"], set={"whcomment": "ours"}))
    lists.sim.edit(row["whid"], whcomment=row["whcomment"])
    lists.next(1, changed=1)
    lists.next(0, unchanged=ROWS)


def test_rows_that_go_and_come(lists):
    rows = lists.sim.rows()
    for row in rows[3], rows[-1]:
        lists.sim.remove(row["whid"])
    lists.next(0, removed=2, unchanged=ROWS - 2)
    lists.sim.add(**webhook(1))
    lists.next(1, added=1, unchanged=ROWS - 2)
    lists.next(0, unchanged=ROWS - 1)


def test_a_row_removed_as_another_comes(lists):
    """As many rows as before, but not the same."""
    gone = lists.sim.rows()[50]["whid"]
    lists.sim.remove(gone)
    lists.sim.add(**webhook(1))
    lists.next(1, added=1, removed=1, unchanged=ROWS - 1)


def test_our_create_and_delete(lists):
    op = lists.c.applied(lists.c.create(**webhook(1)))
    lists.next(1, unchanged=ROWS + 1)
    lists.c.applied(lists.c.delete(op["whid"]))
    lists.next(0, unchanged=ROWS)


def test_the_same_row_twice(lists):
    lists.sim.set(duplicate_id_in_list=True)
    assert not lists.c.call("sync.now")["complete"]
    lists.sim.set(duplicate_id_in_list=False)
    lists.next(None, unchanged=ROWS)


def test_a_cut_list_then_a_whole_one(lists):
    lists.sim.edit(lists.sim.rows()[ROWS - 1]["whid"], whcomment="x")
    lists.sim.fault("cut_body", bytes=100000, method="GET", count=1)
    assert not lists.c.call("sync.now")["complete"]
    lists.next(1, changed=1, unchanged=ROWS - 1)


def test_an_unknown_update_is_seen_not_to_be_executed(world, api):
    """The row comes as it was: that is news for the update."""
    whd = world.whd(api, {"sync.interval": "1h", "retry.base": "50ms", "retry.cap": "100ms"})
    lists = Lists(api, whd.client())
    row = api.rows()[100]
    api.fault("close_before", method="PATCH", count=1)
    lists.c.applied(lists.c.update(row["whid"], set={"whcomment": "ours"}))
    assert api.executed("PATCH") == 1
    lists.next(None, unchanged=ROWS)


def test_a_restart_reads_all_and_changes_nothing(world, api):
    whd = world.whd(api, {"sync.interval": "1h"})
    lists = Lists(api, whd.client())
    revisions = {w["whid"]: w["_whd"]["revision"] for w in lists.c.list(limit=1000)}
    whd.kill()
    whd.start()
    c = whd.client()
    assert c.call("sync.now")["unchanged"] == ROWS and read(c) >= ROWS
    assert revisions == {w["whid"]: w["_whd"]["revision"] for w in c.list(limit=1000)}


def test_members_no_longer_ignored_are_read(world, api):
    whd = world.whd(api, {"sync.interval": "1h", "sync.ignore_members": "noise"})
    c = whd.client()
    row = api.rows()[5]
    c.synced()
    api.edit(row["whid"], noise="1")
    assert c.call("sync.now")["changed"] == 0
    whd.write_config(sync_ignore_members=None)
    c.call("config.reload")
    assert c.call("sync.now")["changed"] == 1
    assert c.get(row["whid"])["noise"] == "1"


def test_a_member_that_always_changes_is_named_once(world, api):
    whd = world.whd(api, {"sync.interval": "1h"})
    c = whd.client()
    c.synced()
    api.set(volatile_member=True)
    for told in ([], [], ["servedAs"], ["servedAs"]):
        assert c.call("sync.now")["changed"] == ROWS
        assert c.status()["sync"].get("restless", []) == told
    assert whd.log.count("a member changes in most webhooks") == 1
    assert "member=servedAs" in whd.log
    whd.write_config(sync_ignore_members="servedAs")
    c.call("config.reload")
    assert c.call("sync.now")["unchanged"] == ROWS
    assert "restless" not in c.status()["sync"]
