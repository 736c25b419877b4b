#!/usr/bin/env python3
"""InfluxDB's line protocol into troupe and into a real VictoriaMetrics: the same requests give the same series. Then hostile
requests: each gets a 4xx with the reason, within bounded memory. The comparison is skipped without the peers."""
import gzip
import json
import random
import sys
import time
import urllib.parse

import harness
from remote_write_test import MIB, highest_rss

FLAGS = ("--troupe.web.enable-import",)


def write(port: int, body: bytes, path: str = "/write", headers=None, **params):
    query = urllib.parse.urlencode(params, doseq=True)
    return harness.request(port, "POST", path + ("?" + query if query else ""), body, headers or {}, timeout=60)


def lines(now: int, seed: int):
    """(parameters, path, body) of requests that differ in all they can; every series has one sample."""
    dice = random.Random(seed)
    units = {"ns": 10 ** 9, "us": 10 ** 6, "ms": 10 ** 3, "s": 1, "": 10 ** 9}
    serial = 0
    for path in ("/write", "/influx/write", "/api/v2/write", "/influx/api/v2/write"):
        for precision, per_s in units.items():
            out = ["# comment", ""]
            for _ in range(30):
                serial += 1
                tags = {f"serial": str(serial), "ho\\=st": "a\\ b\\,c", "path": "C:\\\\dir", "empty": "", "r": "caf\u00e9"}
                chosen = dice.sample(sorted(tags), 3)
                fields = dice.sample(["usage=0.5", "count=7i", "big=18446744073709551615u", "up=t", "down=FALSE", 'text="a, \\"b\\" c"',
                                      'number="12.5"', "minus=-3e-2", "a\\ b=1"], dice.randrange(1, 5))
                head = ",".join([dice.choice(["cpu", "my\\ disk", "net\\,io"]), f"n={serial}", *(f"{k}={tags[k]}" for k in chosen)])
                out.append(f"{head} {','.join(fields)} {(now - dice.randrange(60)) * per_s}" + dice.choice(["", "\r"]))
            params = {"db": dice.choice(["telegraf", ""]), "extra_label": "dc=eu"}
            if precision:
                params["precision"] = precision
            yield params, path, "\n".join(out).encode()


def series(port: int, at: int) -> dict:
    found = harness.instant(port, '{dc="eu"}[5m]', at)
    return {tuple(sorted(s["metric"].items())): [(t, float(v)) for t, v in s["values"]] for s in found}


def beside_victoriametrics(folder: str):
    port = harness.free_port()
    peer = harness.Server([harness.peer("victoria-metrics"), f"-storageDataPath={folder}/vm", f"-httpListenAddr=127.0.0.1:{port}",
                           "-search.latencyOffset=0s", "-search.disableCache"], port, f"{folder}/vm.log")
    with harness.troupe(folder, flags=FLAGS) as mine, peer as theirs:
        mine.start()
        theirs.start("/health")
        now = int(time.time())
        for i, (params, path, body) in enumerate(lines(now, 3)):
            headers = {"Content-Encoding": "gzip"} if i % 2 else {}
            sent = gzip.compress(body) if i % 2 else body
            for server in (mine, theirs):
                status, _, answer = write(server.port, sent, path, headers, **params)
                assert status == 204, f"{path} {params}: {status} {answer[:300]!r}"
        harness.request(theirs.port, "GET", "/internal/force_flush")
        a, b = series(mine.port, now), series(theirs.port, now)
        assert a.keys() == b.keys(), f"only one has {sorted(a.keys() ^ b.keys())[:4]}"
        for name, points in b.items():
            for (t, v), (u, w) in zip(a[name], points, strict=True):
                assert t == u and abs(v - w) <= 1e-12 * abs(v), f"{name}: {a[name]} here, {points} there"
        assert len(a) > 600, len(a)
        for path in ("/query?q=SHOW+DATABASES", "/influx/health"):
            x, y = (json.loads(harness.request(s.port, "GET", path)[2]) for s in (mine, theirs))
            assert x == y, (path, x, y)
        print(f"{len(a)} series are equal")
        assert harness.stop_ok(mine)


def hostile():
    """(name, headers, parameters, body, status, what the reason says)."""
    zipped = {"Content-Encoding": "gzip"}
    yield "gzip bomb", zipped, {}, gzip.compress(bytes(1 << 28)), 413, ""
    yield "cut gzip", zipped, {}, gzip.compress(b"m a=1")[:-5], 400, ""
    yield "unknown coding", {"Content-Encoding": "br"}, {}, b"m a=1", 415, ""
    yield "unknown precision", {}, {"precision": "d"}, b"m a=1", 400, 'unknown precision "d"'
    yield "bad extra label", {}, {"extra_label": "x"}, b"m a=1", 400, "extra_label"
    yield "no fields", {}, {}, b"m", 400, 'line 1: no fields in "m"'
    yield "no value", {}, {}, b"m a=", 400, "field value cannot be empty"
    yield "bad integer", {}, {}, b"m a=1.5i", 400, "cannot parse integer"
    yield "bad time", {}, {}, b"m a=1 x", 400, "cannot parse timestamp"
    yield "year 1", {}, {"precision": "s"}, b"m a=1 -62135596800", 400, "1 samples are too old"
    yield "year 9999", {}, {"precision": "s"}, b"m a=1 253402300799", 400, "1 samples are too far in the future"
    yield "beyond all time", {}, {"precision": "h"}, b"m a=1 9223372036854775807", 400, "too far in the future"
    yield "invalid UTF-8", {}, {}, b"m,t=\xff a=1", 400, "label is not valid UTF-8"
    yield "duplicate tag", {}, {}, b"m,t=1,t=2 a=1", 400, 'duplicate label name "t"'
    yield "100 K tags", {}, {}, b"m" + b"".join(b",t%d=v" % i for i in range(100_000)) + b" a=1", 400, "more than 1024 labels"
    yield "a tag for many fields", {}, {}, (b"m,t=" + b"x" * 60_000 + b" " + b",".join(b"f%d=1" % i for i in range(200_000))), 413, \
        "more elements than its size justifies"
    yield "a line without end", {}, {}, b"m" * (30 << 20), 400, "no fields"
    dice = random.Random(7)
    for i in range(50):
        yield f"random {i}", {}, {}, b"x" + dice.randbytes(dice.randrange(1, 5000)), 400, ""


def hostile_requests(folder: str):
    with harness.troupe(folder, flags=FLAGS) as server:
        server.start()
        before, count = server.rss_bytes(), 0
        for name, headers, params, body, want, reason in hostile():
            status, _, answer = write(server.port, body, headers=headers, **params)
            text = answer.decode(errors="replace")
            assert status == want and text and reason in text, f"{name}: {status} {text[:300]!r}"
            count += 1
        peak = highest_rss(server) - before
        assert peak < 256 * MIB, f"memory rose by {peak / MIB:.0f} MiB"
        assert harness.stop_ok(server)
        print(f"{count} hostile requests, memory rose by {peak / MIB:.0f} MiB")


def main() -> int:
    has_peer = harness.peer("victoria-metrics")
    code = harness.run_steps([hostile_requests] + [beside_victoriametrics] * bool(has_peer), sys.argv[1:])
    if not has_peer:
        harness.skip("the peers are not there (scripts/peers.sh)")
    return code


if __name__ == "__main__":
    sys.exit(main())
