# SPDX-License-Identifier: MIT
"""Foreign clients of MessagePack-RPC, unchanged: pynvim, Neovim itself, a bare socket, asyncio.
For each: get, a list in pages, an error whose text arrives, a change, a large reply."""

import asyncio
import json
import shutil
import subprocess

import pytest

from support import paths, wire
from support.data import webhook

import whclient

assert paths.CLIENT


@pytest.fixture
def rows(sim, c):
    sim.add_all([webhook(n, whcomment="x" * 1000) for n in range(300)])
    c.call("sync.now")
    return sim.rows()


def plain(text):
    return text.decode() if isinstance(text, bytes) else text


# ------------------------------------------------------------------- pynvim --


@pytest.fixture
def session(whd):
    """What pynvim's users have: it sends nvim_set_client_info-like notifications and bin names."""
    pynvim = pytest.importorskip("pynvim")
    made = pynvim.socket_session(str(whd.socket))
    made.error_wrapper = lambda e: pynvim.NvimError(plain(e[1]))  # as pynvim.Nvim sets it
    yield made
    made.close()


def ask(session, method, **params):
    return session.request(method, params)


def test_pynvim_reads_and_pages(session, rows):
    row = ask(session, "webhook.get", whid=rows[0]["whid"])
    assert plain(row["whname"]) == "hook 0"
    seen, cursor = 0, None
    while True:
        page = ask(session, "webhook.list", limit=70, cursor=cursor)
        seen += len(page["items"])
        cursor = page.get("cursor")
        if cursor is None:
            break
    assert seen == 300
    assert len(ask(session, "webhook.list", limit=1000)["items"]) == 300, "a reply of 400 KiB"


def test_pynvim_gets_the_text_of_an_error(session):
    for method, params, code in (("webhook.get", {"whid": "nowhere"}, "NOT_FOUND"),
                                 ("no.method", {}, "METHOD_NOT_FOUND"),
                                 ("webhook.get", {"whit": 1}, "INVALID_PARAM")):
        with pytest.raises(Exception) as failed:
            session.request(method, params)
        assert code + ": " in str(failed.value)


def test_pynvim_changes(sim, session, c):
    op = ask(session, "webhook.create", **webhook(1))
    ended = ask(session, "queue.wait", op=op["op"])
    assert plain(ended["state"]) == "done" and len(sim.rows()) == 1


def test_pynvim_gets_events_pushed(session, c):
    ask(session, "events.subscribe")
    c.applied(c.create(**webhook(1)))
    message = session.next_message()
    assert message[0] == "notification" and plain(message[1]) == "event"
    assert plain(message[2][0]["kind"]) in ("created", "op")


# -------------------------------------------------------------------- Neovim --

SCRIPT = """
local chan = vim.fn.sockconnect('pipe', [[%s]], {rpc = true})
local out = {}
vim.fn.rpcnotify(chan, 'nvim_set_client_info', 'test', {}, 'remote', {}, {})
out.row = vim.fn.rpcrequest(chan, 'webhook.get', {whid = [[%s]]})
out.page = #vim.fn.rpcrequest(chan, 'webhook.list', {limit = 250}).items
out.empty = vim.fn.rpcrequest(chan, 'hello').server
local ok, err = pcall(vim.fn.rpcrequest, chan, 'webhook.get', {whid = 'nowhere'})
out.failed, out.text = not ok, tostring(err)
ok, err = pcall(vim.fn.rpcrequest, chan, 'webhook.lst', vim.empty_dict())
out.unknown = tostring(err)
local op = vim.fn.rpcrequest(chan, 'webhook.update',
  {whid = [[%s]], set = {whcomment = 'from nvim'}})
out.state = vim.fn.rpcrequest(chan, 'queue.wait', {op = op.op}).state
out.alive = vim.fn.rpcrequest(chan, 'status').live
vim.fn.writefile({vim.fn.json_encode(out)}, [[%s]])
"""


@pytest.mark.skipif(not shutil.which("nvim"), reason="Neovim is not installed")
def test_neovim_itself(world, sim, whd, rows):
    whid = rows[5]["whid"]
    script, out = world.folder / "script.lua", world.folder / "out.json"
    script.write_text(SCRIPT % (whd.socket, whid, whid, out), encoding="utf-8")
    done = subprocess.run(["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n",
                           "-c", f"luafile {script}", "-c", "qall!"],
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    assert out.exists(), done.stderr.decode()
    seen = json.loads(out.read_text(encoding="utf-8"))
    assert seen["row"]["whid"] == whid and seen["page"] == 250 and seen["empty"] == "whd"
    assert seen["failed"] and "NOT_FOUND: no webhook has the id" in seen["text"]
    assert "METHOD_NOT_FOUND" in seen["unknown"] and "webhook.list" in seen["unknown"]
    assert seen["state"] == "done" and seen["alive"]
    assert sim.row(whid)["whcomment"] == "from nvim"


# ----------------------------------------------------- the project's own ones --


def test_asyncio_client(sim, whd, rows):
    async def work():
        async with whclient.AsyncClient(str(whd.socket)) as client:
            found = [w async for w in client.list(whname="hook 7")]
            many = await asyncio.gather(*(client.get(r["whid"]) for r in rows))
            op = await client.create(**webhook(900))
            done = await client.wait(op["op"])
            with pytest.raises(whclient.WhdError) as failed:
                await client.get("nowhere")
            return found, many, done, failed.value.code

    found, many, done, code = asyncio.run(work())
    assert [w["whname"] for w in found] == ["hook 7"]
    assert [w["whid"] for w in many] == [r["whid"] for r in rows]
    assert done["state"] == "done" and code == "NOT_FOUND"
    assert sim.executed("POST") == 1


def blocking_events(whd, n, **behind):
    with whclient.Client(str(whd.socket)).events(timeout=10, **behind) as events:
        return events.reset, [next(events) for _ in range(n)]


def async_events(whd, n, **behind):
    async def work():
        async with whclient.AsyncClient(str(whd.socket)) as client:
            found = []
            async for event in client.events(**behind):
                found.append(event)
                if len(found) >= n:
                    return found

    found = asyncio.run(asyncio.wait_for(work(), 10))
    return found[0]["kind"] == "reset", found


@pytest.mark.parametrize("read", [blocking_events, async_events])
def test_follower_gets_what_is_behind_its_revision(whd, rows, c, read):
    """It comes together with the answer."""
    head = c.head()
    assert head > len(rows)
    _, events = read(whd, head, since=0)
    assert [e["revision"] for e in events] == list(range(1, head + 1))


@pytest.mark.parametrize("read, n", [(blocking_events, 0), (async_events, 1)])
def test_follower_with_a_gap_is_told(whd, rows, read, n):
    assert rows
    reset, _ = read(whd, n, since=10**6)
    assert reset


def test_client_finds_its_way_back_after_a_restart(sim, whd):
    c = whclient.Client(str(whd.socket), timeout=30)
    op = c.create(**webhook(1))
    c.wait(op["op"])
    whd.kill()
    whd.start()
    assert c.status()["live"], "a read is repeated"
    again = c.create(**webhook(2))
    assert c.wait(again["op"])["state"] == "done"
    assert sim.executed("POST") == 2
    c.close()


def test_wait_follows_a_change_to_the_one_that_carries_it_out(sim, whd, c):
    async def wait(op, timeout):
        async with whclient.AsyncClient(str(whd.socket)) as client:
            return await client.wait(op["op"], timeout)

    whid = c.applied(c.create(**webhook(1)))["whid"]
    c.go_offline(sim)
    create = c.create(**webhook(2))
    merged = c.update(create["tmp_id"], {"whcomment": "x"})
    replaced = c.update(whid, {"whcomment": "x"})
    c.delete(whid)
    assert merged["result"] == "merged"
    for now in (c.wait(merged["op"], 0.1), asyncio.run(wait(merged, 0.1))):
        assert (now["op"], now["state"]) == (create["op"], "queued")
    for now in (c.wait(replaced["op"], 0.1), asyncio.run(wait(replaced, 0.1))):
        assert (now["op"], now["state"]) == (replaced["op"], "superseded"), "none does it"
    sim.up()
    for now in (c.wait(merged["op"]), asyncio.run(wait(merged, 30))):
        assert (now["op"], now["state"], now["result"]) == (create["op"], "done", "applied")


def test_client_says_what_is_wrong_when_whd_is_away(world, sim):
    whd = world.whd(sim, start=False)
    with pytest.raises(whclient.WhdError) as failed:
        whclient.Client(str(whd.socket))
    assert failed.value.code == "UNREACHABLE" and str(whd.socket) in str(failed.value)
    for path in (world.folder, whd.config):
        with pytest.raises(whclient.WhdError) as failed:
            whclient.Client(str(path))
        assert failed.value.code == "UNREACHABLE" and f"{path} is no socket" in str(failed.value)


def test_bare_socket(whd, rows):
    raw = wire.Raw(whd.socket)
    raw.send(0, "webhook.get", whid=rows[0]["whid"])
    assert raw.result(0)["whname"] == "hook 0"
    raw.send(1, "webhook.list", limit=1000)
    assert len(raw.result(1)["items"]) == 300
