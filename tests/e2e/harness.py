"""Runs real processes on loopback: troupe, its peers, and what they talk to. Standard library only."""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import urllib.parse

SKIP = 77  # CTest's SKIP_RETURN_CODE


def troupe_binary() -> str:
    return os.environ["TROUPE_BINARY"]


def peer(name: str):
    """Path of a peer's binary, or None."""
    folder = os.environ.get("TROUPE_PEERS", "")
    path = pathlib.Path(folder) / name
    return str(path) if folder and path.exists() else None


def peer_libraries() -> list:
    """Where scripts/peers.sh has client libraries, for sys.path."""
    folder = os.environ.get("TROUPE_PEERS", "")
    return [str(pathlib.Path(folder).parents[2] / "python")] if folder else []


def skip(reason: str):
    print(f"skipped: {reason}")
    raise SystemExit(SKIP)


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def wait_for(what: str, condition, timeout: float = 30.0, every: float = 0.05):
    """Polls until `condition()` is true (its value is returned); fails loudly after the timeout."""
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except (OSError, http.client.HTTPException, ValueError, LookupError) as e:
            last = e
        time.sleep(every)
    raise AssertionError(f"timed out after {timeout} s waiting for {what} (last error: {last})")


def request(port: int, method: str, path: str, body: bytes = b"", headers=None, timeout: float = 30.0, host="127.0.0.1"):
    """(status, headers, body) of one request on a connection of its own."""
    c = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        return r.status, dict(r.getheaders()), r.read()
    finally:
        c.close()


class Server:
    """A process with an HTTP port; started by start(), always ended by the context manager."""

    def __init__(self, argv, port: int, log_path: str, env=None):
        self.argv, self.port, self.log_path, self.env = argv, port, log_path, env
        self.process = None

    def start(self, ready: str = "/-/ready", timeout: float = 60.0):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log, env={**os.environ, **(self.env or {})})
        if ready:
            def up():
                if self.process.poll() is not None:
                    raise AssertionError(f"{self.argv[0]} ended with {self.process.returncode}:\n{self.log_tail()}")
                return request(self.port, "GET", ready, timeout=2)[0] == 200
            wait_for(f"{self.argv[0]} to be ready", up, timeout)
        return self

    def signal(self, number: int):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, timeout: float = 15.0) -> int:
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def rss_bytes(self) -> int:
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def anonymous_bytes(self) -> int:
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) << 10 for line in f if line.startswith("RssAnon:"))

    def held_bytes(self) -> int:
        """What is the process's own: anonymous and shared memory, without pages of files."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return sum(int(line.split()[1]) << 10 for line in f if line.startswith(("RssAnon:", "RssShmem:")))

    def cpu_seconds(self) -> float:
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_tail(self, lines: int = 40) -> str:
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-lines:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def stop_ok(server: Server) -> bool:
    return server.stop() == 0


def troupe(folder: str, config: str = None, flags=(), port: int = None, data: str = None, env=None) -> Server:
    """A troupe process with its data and log below `folder`; not started yet."""
    port = port or free_port()
    argv = [troupe_binary(), f"--storage.tsdb.path={data or folder + '/data'}", f"--web.listen-address=127.0.0.1:{port}",
            *flags]
    path = f"{folder}/prometheus.yml"
    if config is None:
        config = "scrape_configs: []\n"
    pathlib.Path(path).write_text(config, encoding="utf-8")
    argv.append(f"--config.file={path}")
    return Server(argv, port, f"{folder}/troupe.log", env)


def prometheus(folder: str, config: str, flags=(), port: int = None) -> Server:
    port = port or free_port()
    path = f"{folder}/peer.yml"
    pathlib.Path(path).write_text(config, encoding="utf-8")
    return Server([peer("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={folder}/peer-data",
                   f"--web.listen-address=127.0.0.1:{port}", *flags], port, f"{folder}/peer.log")


def prometheus_takes_otlp() -> bool:
    """Debian builds Prometheus without OTLP."""
    binary = peer("prometheus")
    return bool(binary) and "web.enable-otlp-receiver" in subprocess.run([binary, "--help"], capture_output=True, text=True,
                                                                         check=False).stdout


def alertmanager(folder: str, config: str, flags=(), port: int = None) -> Server:
    port = port or free_port()
    path = f"{folder}/alertmanager.yml"
    pathlib.Path(path).write_text(config, encoding="utf-8")
    argv = [peer("prometheus-alertmanager"), f"--config.file={path}", f"--storage.path={folder}/alertmanager-data",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", *flags]
    # Debian's reads its templates from a fixed place; unpacked only, they lie beside the binary.
    share = pathlib.Path(argv[0]).parent.parent / "share"
    if not pathlib.Path("/usr/share/prometheus/alertmanager/default.tmpl").exists():
        argv = ["unshare", "--mount", "--map-root-user", "sh", "-c", f'mount --bind "{share}" /usr/share && exec "$@"', "sh", *argv]
    return Server(argv, port, f"{folder}/alertmanager.log")


def farm(folder: str, port: int, targets: int, series: int, profile: str = "busy") -> Server:
    """`troupe bench scrape`: targets at 127.1.0.0 and up, each scrape gives the next values; not started yet."""
    return Server([troupe_binary(), "bench", "scrape", f"--port={port}", f"--targets={targets}", f"--profile={profile}",
                   f"--series-per-host={series}"], port, f"{folder}/farm.log")


def bench(*args, expect: int = 0, timeout: float = 300) -> dict:
    """Runs `troupe bench …` to its end; its figures."""
    done = subprocess.run([troupe_binary(), "bench", *args, "--output=json"], capture_output=True, text=True,
                          timeout=timeout, check=False)
    assert done.returncode == expect, f"{args}: exit code {done.returncode}: {done.stdout} {done.stderr}"
    return json.loads(done.stdout)


@contextlib.contextmanager
def work_folder(parent: str = None):
    folder = tempfile.mkdtemp(prefix="troupe-e2e-", dir=parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def api(port: int, path: str, timeout: float = 60.0, **params):
    """`data` of a successful API call; lists become repeated parameters."""
    form = urllib.parse.urlencode(params, doseq=True).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, body = request(port, "POST", path, form, headers, timeout)
    answer = json.loads(body)
    if status != 200 or answer["status"] != "success":
        raise ValueError(f"{path}: {status} {body[:500]!r}")
    return answer["data"]


def get_api(port: int, path: str, timeout: float = 60.0, **params):
    query = urllib.parse.urlencode(params, doseq=True)
    status, _, body = request(port, "GET", path + ("?" + query if query else ""), timeout=timeout)
    answer = json.loads(body)
    if status != 200 or answer["status"] != "success":
        raise ValueError(f"{path}: {status} {body[:500]!r}")
    return answer["data"]


def instant(port: int, expr: str, at: float = None, timeout: float = 60.0):
    params = {"query": expr}
    if at is not None:
        params["time"] = repr(at)
    return api(port, "/api/v1/query", timeout, **params)["result"]


# ---- remote write 1.0, written out: protobuf and snappy's literals only ----

def metric(port: int, name: str) -> float:
    """Sum of a metric's series on /metrics."""
    text = request(port, "GET", "/metrics")[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith((name + " ", name + "{")))


def varint(n: int) -> bytes:
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def write_request(series) -> bytes:
    """[(labels dict, [(ts_ms, value)…])…] → prometheus.WriteRequest."""
    out = bytearray()
    for labels, samples in series:
        ts = bytearray()
        for name in sorted(labels):
            ts += field(1, field(1, name.encode()) + field(2, labels[name].encode()))
        for t, v in samples:
            ts += field(2, b"\x09" + struct.pack("<d", v) + b"\x10" + varint(t & (1 << 64) - 1))
        out += field(1, bytes(ts))
    return bytes(out)


def snappy(raw: bytes) -> bytes:
    out = bytearray(varint(len(raw)))
    for at in range(0, len(raw), 65536):
        piece = raw[at:at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


WRITE_HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                 "X-Prometheus-Remote-Write-Version": "0.1.0"}
WRITE_FLAG = "--web.enable-remote-write-receiver"


class Writer:
    """A kept-alive connection for remote writes."""

    def __init__(self, port: int, timeout: float = 10.0):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def write(self, series) -> int:
        """HTTP status, or 0 if the connection failed (the outcome is unknown then)."""
        try:
            self.connection.request("POST", "/api/v1/write", snappy(write_request(series)), WRITE_HEADERS)
            r = self.connection.getresponse()
            r.read()
            return r.status
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0

    def close(self):
        self.connection.close()


def run_steps(steps, only) -> int:
    """Each step in a folder of its own; `only` names those to run, empty: all."""
    for step in steps:
        if only and step.__name__ not in only:
            continue
        with work_folder() as folder:
            step(folder)
            print(f"{step.__name__}: ok", flush=True)
    return 0
