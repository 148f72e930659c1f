# SPDX-License-Identifier: MIT
"""whd and those it is measured beside, as child processes in one private folder.

Only these are ever ended, by their process ids. Nothing listens but on unix
sockets and on the loopback interface.
"""

import contextlib
import os
import pathlib
import selectors
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import msgpack

PATIENCE = 60
SETTLED_NS = 1_000_000
UPSTREAM = "/webhookconfig"


class Peer:
    """A server process. `ready` is called until it returns true."""

    def __init__(self, argv, cpu=None, log=None, env=None):
        def pin():
            os.sched_setaffinity(0, {cpu})
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=log or subprocess.DEVNULL, env=env,
            preexec_fn=pin if cpu is not None else None)  # which costs a copy of this process
        self.pid = self.process.pid

    def wait_ready(self, ready):
        """Looks until it is: a peer has no other way to tell. Returns ms since its start."""
        waiter = selectors.DefaultSelector()
        while not ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args[0]} ended with {self.process.returncode}")
            if time.monotonic() - self.began > PATIENCE:
                raise RuntimeError(f"{self.process.args[0]} does not get ready")
            waiter.select(0.0005)
        waiter.close()
        return (time.monotonic() - self.began) * 1000

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def memory(self):
        """KiB by name, of /proc/PID/status."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return {line.split(":")[0]: int(line.split()[1])
                for line in text.splitlines() if line.endswith(" kB")}

    def cpu_ns(self):
        """What all of its threads have run."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
        return total

    def tasks(self):
        return [int(t.name) for t in pathlib.Path(f"/proc/{self.pid}/task").iterdir()]

    def pin(self, cpu):
        """All of its threads on one core; None: on any."""
        for task in self.tasks():
            os.sched_setaffinity(task, os.sched_getaffinity(0) if cpu is None else {cpu})

    def spread(self, first, others):
        """Its first thread on one core, all others on another one."""
        self.pin(others)
        os.sched_setaffinity(self.pid, {first})

    def wake_ups(self):
        """How often any of its threads gave up the processor of itself."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            for line in (task / "status").read_text(encoding="ascii").splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
        return total


def connects(path):
    def ready():
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(str(path))
                return True
            except OSError:
                return False
    return ready


class Rpc:
    """A connection to whd."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.unpacker = msgpack.Unpacker(self.socket.makefile("rb", 0), max_buffer_size=2**28)

    def call(self, method, **params):
        self.socket.sendall(msgpack.packb([0, 1, method, [params]]))
        _, _, error, result = next(self.unpacker)
        if error:
            raise RuntimeError(f"{method}: {error[1]}")
        return result

    def send(self, calls):
        """Sends all of them, then takes all answers."""
        calls = list(calls)
        self.socket.sendall(b"".join(msgpack.packb([0, i, method, [params]])
                                     for i, (method, params) in enumerate(calls)))
        for _ in calls:
            _, _, error, _ = next(self.unpacker)
            if error:
                raise RuntimeError(error[1])

    def pages(self, **params):
        page = self.call("webhook.list", limit=1000, **params)
        yield page["items"]
        while "cursor" in page:
            page = self.call("webhook.list", limit=1000, cursor=page["cursor"], **params)
            yield page["items"]

    def close(self):
        self.socket.close()


class Whd(Peer):
    def __init__(self, program, folder, url, cpu=None, under=(), **settings):
        """under: the words of a program that runs it."""
        folder.mkdir(exist_ok=True)
        self.socket, self.store = folder / "whd.sock", folder / "store"
        key = folder / "key"
        key.touch(0o600)
        key.write_text("a-key\n", encoding="ascii")
        self.settings = {
            "upstream.url": url, "upstream.key_file": key, "upstream.allow_http": "yes",
            "upstream.max_body": "4GiB",
            "sync.interval": "1d", "socket.path": self.socket, "store.path": self.store,
            "limits.connections": 5000, "limits.per_uid": 5000, "queue.max_ops": 1000000,
            "queue.max_bytes": "4GiB", "log.level": "warning",
            **{k.replace("__", "."): v for k, v in settings.items()}}
        self.config = folder / "whd.conf"
        self.write_config()
        self.log = open(folder / "log", "ab")
        super().__init__([*under, program, "-c", self.config], cpu, self.log)
        self.ready_ms = self.wait_ready(self.answers)

    def answers(self):
        try:
            rpc = self.rpc()
        except OSError:
            return False
        rpc.call("webhook.list", limit=1)
        rpc.close()
        return True

    def write_config(self):
        text = ""
        for name, value in sorted(self.settings.items()):
            section, key = name.split(".")
            text += f"[{section}]\n{key} = {value}\n"
        self.config.write_text(text, encoding="utf-8")

    def rpc(self):
        return Rpc(self.socket)

    def stop(self, number=signal.SIGTERM):
        code = super().stop(number)
        self.log.close()
        return code

    def synced(self):
        rpc = self.rpc()
        rpc.call("wait", until="synced", timeout_ms=120000)
        rpc.close()
        return self

    def settled(self):
        """Waits until nothing follows the first list any more: it builds its index."""
        waiter = selectors.DefaultSelector()
        before = 0
        while self.cpu_ns() - before > SETTLED_NS:
            before = self.cpu_ns()
            waiter.select(0.2)
        waiter.close()
        return self

    def data_size(self):
        return (self.store / "data.mdb").stat().st_size / 2**20


class Redis(Peer):
    def __init__(self, folder, cpu=None, durable=False):
        folder.mkdir(exist_ok=True)
        self.folder, self.socket = folder, folder / "redis.sock"
        super().__init__(["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir",
                          folder, "--save", "", "--appendonly", "yes" if durable else "no",
                          "--appendfsync", "always"], cpu)
        self.ready_ms = self.wait_ready(self.answers)

    def answers(self):
        """It accepts before it has read its file; then it says LOADING."""
        try:
            return self.command("PING") == b"+PONG\r\n"
        except OSError:
            return False

    def command(self, *words):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            s.sendall(resp(*words))
            return s.recv(65536)

    def fill(self, pairs):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            for chunk in chunks(pairs, 500):
                s.sendall(b"".join(resp("SET", k, v) + resp("RPUSH", "all", v) for k, v in chunk))
                answers = b""
                while answers.count(b"\r\n") < 2 * len(chunk):
                    answers += s.recv(65536)
                if b"-" in answers:
                    raise RuntimeError(f"redis refuses: {answers[:200]}")


class Memcached(Peer):
    def __init__(self, folder, cpu=None):
        folder.mkdir(exist_ok=True)
        self.socket = folder / "memcached.sock"
        super().__init__(["memcached", "-s", self.socket, "-m", "1024", "-t", "1", "-U", "0",
                          "-u", "root"], cpu)
        self.wait_ready(connects(self.socket))

    def fill(self, pairs):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.socket))
            for chunk in chunks(pairs, 500):
                s.sendall(b"".join(f"set {k} 0 0 {len(v)}\r\n".encode() + v + b"\r\n"
                                   for k, v in chunk))
                answers = b""
                while answers.count(b"\r\n") < len(chunk):
                    answers += s.recv(65536)
                if answers.count(b"STORED") < len(chunk):
                    raise RuntimeError(f"memcached refuses: {answers[:200]}")


class Nginx(Peer):
    """Serves a file as the API's list and answers every change with 204, over http and https."""

    def __init__(self, folder, cpu=None):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.list = folder / "list.json"
        self.list.write_bytes(b"[]")
        self.port, self.tls_port = free_port(), free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", folder / "tls.key", "-out", folder / "tls.pem"],
                       check=True, capture_output=True)
        (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{self.port}; listen 127.0.0.1:{self.tls_port} ssl;
    ssl_certificate {folder}/tls.pem; ssl_certificate_key {folder}/tls.key;
    location = {UPSTREAM} {{
      if ($request_method != GET) {{ return 204; }}
      default_type application/json; alias {self.list};
    }}
    location = /requests {{ stub_status; }}
  }}
}}
""", encoding="utf-8")
        self.cpu = cpu
        self.start()
        self.url = f"http://127.0.0.1:{self.port}{UPSTREAM}"
        self.tls_url = f"https://127.0.0.1:{self.tls_port}{UPSTREAM}"
        self.certificate = folder / "tls.pem"

    def start(self):
        """Also again, after a stop."""
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        Peer.__init__(self, [program, "-p", self.folder, "-c", self.folder / "nginx.conf"],
                      self.cpu)
        self.asked = 0
        self.wait_ready(self.listens)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.tls_port)) == 0

    def requests(self):
        """How many it has got since its start, but for these questions."""
        self.asked += 1
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/requests") as answer:
            counts = answer.read().decode().splitlines()[2].split()
        return int(counts[2]) - self.asked

    def serve(self, data):
        part = self.list.with_suffix(".part")
        part.write_bytes(data)
        part.rename(self.list)


def resp(*words):
    parts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def chunks(items, n):
    items = list(items)
    return [items[i:i + n] for i in range(0, len(items), n)]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
