#!/usr/bin/env python3
"""Hostile targets, clients and queries: each gives a clear error, nothing dies, memory rises by no more than twice the
limit hit, 256 MiB for 64 bombs together."""
import json
import socket
import sys
import threading
import time
import urllib.parse
import zlib

import harness
from remote_write_test import snappy_bomb

BODY_LIMIT = 16 << 20
MIB = 1 << 20
ANSWERS = 64 * MIB
QUERY = 64 * MIB


class MemoryWatch:
    """Peak of a process' memory above what it was at the start, sampled every few ms."""

    def __init__(self, server):
        self.server, self.base = server, server.rss_bytes()
        self.peak, self.halt = self.base, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.halt.wait(0.003):
            self.peak = max(self.peak, self.server.rss_bytes())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.halt.set()
        self.thread.join()

    def rise(self) -> float:
        """In MiB."""
        return (self.peak - self.base) / MIB


class RawTarget:
    """A listening socket; `act(connection)` is called with the request read."""

    def __init__(self, act):
        self.act = act
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            try:
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                self.act(connection)
            except OSError:
                pass


def head(kind="text/plain; version=0.0.4", *more: str) -> bytes:
    return ("HTTP/1.1 200 OK\r\nContent-Type: " + kind + "\r\n" + "".join(m + "\r\n" for m in more) + "\r\n").encode()


def plain(body: bytes, kind="text/plain; version=0.0.4"):
    return lambda c: c.sendall(head(kind, f"Content-Length: {len(body)}") + body)


def drip(c):
    c.sendall(head("text/plain; version=0.0.4", "Content-Length: 1000"))
    for _ in range(600):
        c.sendall(b"#")
        time.sleep(0.1)


def hang(c):
    c.recv(1)


def never_ends(c):
    c.sendall(head("text/plain; version=0.0.4", "Transfer-Encoding: chunked"))
    piece = b"10000\r\n" + (b"# filler\n" * 7282)[:65536] + b"\r\n"
    while True:
        c.sendall(piece)


def two_gigabytes(c):
    c.sendall(head("text/plain; version=0.0.4", f"Content-Length: {2 << 30}"))
    piece = b"# filler\n" * 7282
    for _ in range((2 << 30) // len(piece)):
        c.sendall(piece)


def lies_about_length(c):
    c.sendall(head("text/plain; version=0.0.4", "Content-Length: 1000") + b"a 1\n")


def gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    line = b"# zeros and nothing else\n" * 40000
    out = b"".join(packer.compress(line) for _ in range(2000))  # 2 GB of text
    return out + packer.flush()


def targets():
    bomb = gzip_bomb()
    return {
        "drips": (drip, "timeout|deadline"),
        "hangs": (hang, "timeout|deadline"),
        "never_ends": (never_ends, "body size limit|too large|exceed|limit|deadline"),
        "two_gigabytes": (two_gigabytes, "body size limit|too large|exceed|limit"),
        "gzip_bomb": (lambda c: c.sendall(head("text/plain; version=0.0.4", "Content-Encoding: gzip",
                                               f"Content-Length: {len(bomb)}") + bomb),
                      "body size limit|too large|exceed|limit|ratio"),
        "lies": (lies_about_length, "ended inside the response"),
        "junk": (plain(bytes(range(256)) * 100), ""),
        "not_http": (lambda c: c.sendall(b"\x00\xff\x00\xff\r\n\r\n"), ""),
        "wrong_type": (plain(b"a 1\n", "application/octet-stream"), "Content-Type"),
        "invalid_utf8": (plain(b'a{b="\xff\xfe"} 1\n'), "UTF-8|utf8|utf-8|invalid"),
        "bad_line": (plain(b"good 1\nbad{ 1\n"), ""),
        "error_500": (lambda c: c.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"), "500"),
    }


def hostile_targets():
    import re
    cases = targets()
    listeners = {name: RawTarget(act) for name, (act, _) in cases.items()}
    now = int(time.time() * 1000)
    fine = {
        "duplicates": RawTarget(plain(b"a 1\na 2\nb 3\n")),
        "out_of_bounds": RawTarget(plain(f"far {1} {now + 3_600_000 * 24}\nnear 2\n".encode())),
    }
    jobs = [f"  - {{job_name: {name}, static_configs: [{{targets: ['127.0.0.1:{t.port}']}}]}}"
            for name, t in {**listeners, **fine}.items()]
    config = (f"global: {{scrape_interval: 2s, scrape_timeout: 2s, body_size_limit: {BODY_LIMIT}B}}\nscrape_configs:\n"
              + "\n".join(jobs) + "\n")
    with harness.work_folder() as folder, harness.troupe(folder, config) as server:
        server.start()
        with MemoryWatch(server) as memory:
            time.sleep(12)
        active = {t["scrapePool"]: t for t in harness.get_api(server.port, "/api/v1/targets")["activeTargets"]}
        for name, (_, reason) in cases.items():
            t = active[name]
            assert t["health"] == "down" and t["lastError"], (name, t)
            assert re.search(reason, t["lastError"], re.I), f"{name}: {t['lastError']!r} does not say {reason!r}"
            print(f"  {name}: {t['lastError'][:110]}")
        for name in fine:
            assert active[name]["health"] == "up", active[name]
        up = {s["metric"]["job"]: s["value"][1] for s in harness.instant(server.port, "up")}
        assert all(up[name] == "0" for name in cases) and all(up[name] == "1" for name in fine), up
        assert harness.instant(server.port, 'a{job="duplicates"}')[0]["value"][1] == "1"
        assert not harness.instant(server.port, "far")
        print(f"  memory: +{memory.rise():.0f} MiB")
        # Three of the targets hit the body limit at one time.
        assert memory.rise() <= 3 * 2 * BODY_LIMIT / MIB, memory.rise()


def slow_clients(server):
    port = server.port
    slow = socket.create_connection(("127.0.0.1", port))
    slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    big = socket.create_connection(("127.0.0.1", port))
    big.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n")
    answer = big.recv(100)
    assert b" 431 " in answer or b" 400 " in answer, answer
    over = socket.create_connection(("127.0.0.1", port))
    over.sendall(b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
    assert b" 413 " in over.recv(100)
    slow.settimeout(20)
    begin = time.monotonic()
    try:
        answer = slow.recv(100)
    except ConnectionResetError:
        answer = b""
    assert answer == b"" or b" 408 " in answer, answer
    assert time.monotonic() - begin < 15
    for s in (slow, big, over):
        s.close()


def compression_bombs(server):
    body = snappy_bomb(31 * MIB)
    statuses = []

    def send():
        try:
            statuses.append(harness.request(server.port, "POST", "/api/v1/write", body, harness.WRITE_HEADERS, 60)[0])
        except OSError:
            statuses.append(0)
    threads = [threading.Thread(target=send) for _ in range(64)]
    with MemoryWatch(server) as memory:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert all(s in (400, 413, 429, 503) for s in statuses), sorted(set(statuses))
    print(f"  64 bombs: memory +{memory.rise():.0f} MiB, answers {({s: statuses.count(s) for s in set(statuses)})}")
    assert memory.rise() <= 256, memory.rise()


def slow_readers(server):
    """Clients that ask for megabytes each and take nothing: the answers that wait stay within their limit."""
    now = int(time.time())
    samples = [[((now - 4000 + i * 100) * 1000, 1 / 3 + i) for i in range(40)]] * 20
    rows = [({"__name__": "big", "i": str(i)}, points) for i, points in enumerate(samples)]
    assert harness.Writer(server.port).write(rows) == 204
    path = "/api/v1/query_range?" + urllib.parse.urlencode({"query": "big", "start": now - 4000, "end": now, "step": "0.5"})
    size = len(harness.request(server.port, "GET", path)[2])
    clients = []
    with MemoryWatch(server) as memory:
        for _ in range(64):
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.connect(("127.0.0.1", server.port))
            c.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            clients.append(c)
        codes = [c.recv(12)[-3:] for c in clients]
        assert harness.request(server.port, "GET", "/metrics")[0] == 200
    for c in clients:
        c.close()
    print(f"  64 slow readers of {size / MIB:.0f} MiB each: memory +{memory.rise():.0f} MiB, {codes.count(b'200')} served, "
          f"{codes.count(b'503')} refused")
    assert set(codes) == {b"200", b"503"} and codes.count(b"200") <= ANSWERS / size, codes
    assert memory.rise() <= 2 * ANSWERS / MIB, memory.rise()
    harness.wait_for("room for answers", lambda: harness.request(server.port, "GET", path)[0] == 200)


def malformed_writes(server):
    for body in (b"", b"\xff" * 50, harness.varint(2_500_000_000) + b"\x00a", harness.snappy(b"\xff\xff\xff"),
                 harness.snappy(harness.write_request([({"job": "x"}, [(1, 1.0)])]))):
        status = harness.request(server.port, "POST", "/api/v1/write", body, harness.WRITE_HEADERS)[0]
        assert status in (204, 400, 413) and (status != 204 or body == b""), (status, body[:20])


def queries_of_death(server):
    port = server.port
    chain = "+".join(["1"] * 20_000)
    nested = "(" * 100_000 + "1" + ")" * 100_000
    cases = {"1 +": 400, "sum(": 400, "{}": 400, 'a{b="c}': 400, "foo bar": 400, "rate(up)": 400, chain: 400, nested: 400,
             'up{a=~"(' + "a|" * 50_000 + 'b)"}': 400, 'up{a=~"((a{1000}){1000})"}': 400, "nosuch(1)": 400,
             "count_over_time(vector(1)[1h:1ms])": 422, "-" * 30_000 + "1": 400}
    for text, expected in cases.items():
        begin = time.monotonic()
        form = urllib.parse.urlencode({"query": text}).encode()
        status, _, body = harness.request(port, "POST", "/api/v1/query", form,
                                          {"Content-Type": "application/x-www-form-urlencoded"})
        took = time.monotonic() - begin
        answer = json.loads(body)
        assert status in (expected, 413, 422) and answer["status"] == "error" and answer["error"], (text[:60], status, body[:200])
        assert took < 2, (text[:60], took)
    status, _, body = harness.request(port, "GET", "/api/v1/query_range?query=up&start=0&end=100000&step=1")
    assert status == 400 and b"11,000" in body, body
    status, _, body = harness.request(port, "GET", "/api/v1/query?query=" + urllib.parse.quote(
        "count_over_time(vector(1)[100d:1s])"))
    assert status in (422, 503), (status, body[:200])


def clients():
    config = "scrape_configs: []\n"
    flags = [harness.WRITE_FLAG, "--query.timeout=5s", "--query.max-samples=1000000", f"--troupe.query.max-memory={QUERY}B",
             "--query.max-concurrency=2", f"--troupe.web.answer-bytes={ANSWERS}B"]
    with harness.work_folder() as folder, harness.troupe(folder, config, flags) as server:
        server.start()
        for step, bound in ((queries_of_death, 2 * QUERY / MIB), (malformed_writes, 8), (compression_bombs, 256),
                            (slow_readers, 2 * ANSWERS / MIB), (slow_clients, 8)):
            with MemoryWatch(server) as memory:
                step(server)
            assert memory.rise() <= bound, (step.__name__, memory.rise(), bound)
            assert harness.request(server.port, "GET", "/-/ready")[0] == 200
            print(f"{step.__name__}: ok, memory +{memory.rise():.1f} MiB", flush=True)


def main() -> int:
    hostile_targets()
    print("hostile_targets: ok", flush=True)
    clients()
    return 0


if __name__ == "__main__":
    sys.exit(main())
