#!/usr/bin/env python3
"""JSON lines into troupe and out again: what is exported is what was imported, over a restart; a second node that imports an
export has the same series. A real VictoriaMetrics reads the export. Then hostile imports. The peer's part is skipped without it."""
import json
import math
import pathlib
import random
import sys
import time
import urllib.parse

import harness
from remote_write_test import MIB, highest_rss

FLAGS = ("--troupe.web.enable-import",)


def do_import(port: int, body: bytes):
    return harness.request(port, "POST", "/api/v1/import", body, timeout=60)


def do_export(port: int, **params) -> bytes:
    status, _, body = harness.request(port, "GET", "/api/v1/export?" + urllib.parse.urlencode(params, doseq=True), timeout=60)
    assert status == 200, body[:300]
    return body


def series_of(lines: bytes) -> dict:
    out = {}
    for line in lines.splitlines():
        row = json.loads(line)
        out.setdefault(tuple(sorted(row["metric"].items())), []).extend(zip(row["timestamps"], map(str, row["values"])))
    return out


def there_and_back(folder: str):
    now, dice = int(time.time()) * 1000, random.Random(5)
    rows = []
    for i in range(300):
        times = [now - 60_000 + 100 * n for n in range(50)]
        # VictoriaMetrics drops digits of what is beside much larger values.
        usual = i % 2 == 0
        values = [dice.random() if usual else dice.choice([dice.randrange(1 << 50), 5e-324, -1.5e300]) for _ in times]
        rows.append({"metric": {"__name__": "m", "i": str(i), "caf\u00e9": "\u20ac \"x\""}, "values": values, "timestamps": times})
    rows.append({"metric": {"__name__": "special"}, "values": ["NaN", "Infinity", "-Infinity", None],
                 "timestamps": [now - n for n in (4000, 3000, 2000, 1000)]})
    body = "\n".join(json.dumps(r) for r in rows).encode()
    second = pathlib.Path(folder, "second")
    second.mkdir()
    with harness.troupe(folder, flags=FLAGS) as mine, harness.troupe(str(second), flags=FLAGS) as other:
        mine.start()
        other.start()
        for _ in range(2):  # once more, as after a lost answer
            status, _, answer = do_import(mine.port, body)
            assert status == 204, answer
        want = series_of(body)
        assert series_of(do_export(mine.port, **{"match[]": '{__name__=~".+"}'})) == want
        mine.kill()
        mine.start()
        lines = do_export(mine.port, **{"match[]": ["m", "special"], "max_rows_per_line": 7})
        assert series_of(lines) == want and len(lines.splitlines()) == 300 * 8 + 1
        status, _, answer = do_import(other.port, lines)
        assert status == 204, answer
        assert do_export(other.port, **{"match[]": ["special", "m"]}) == do_export(mine.port, **{"match[]": ["special", "m"]})
        print(f"{len(want)} series went there and back")
        if not harness.peer("victoria-metrics"):
            return
        port = harness.free_port()
        with harness.Server([harness.peer("victoria-metrics"), f"-storageDataPath={folder}/vm", f"-httpListenAddr=127.0.0.1:{port}"],
                            port, f"{folder}/vm.log") as peer:
            peer.start("/health")
            assert do_import(port, lines)[0] == 204
            harness.request(port, "GET", "/internal/force_flush")
            theirs = series_of(do_export(port, **{"match[]": '{__name__="m"}'}))
            usual = {name: points for name, points in theirs.items() if int(dict(name)["i"]) % 2 == 0}
            for name, points in usual.items():
                for (t, v), (u, w) in zip(want[name], points, strict=True):
                    assert t == u and math.isclose(float(v), float(w), rel_tol=1e-9), (name, t, v, w)
            assert len(theirs) == 300 and len(usual) == 150
            print("VictoriaMetrics read the export")


def hostile(now: int):
    def row(**change) -> bytes:
        return json.dumps({"metric": {"__name__": "h"}, "values": [1], "timestamps": [now], **change}).encode()

    yield "garbage", b"x", 400, "line 1: malformed JSON at byte 0"
    yield "cut", row()[:-3], 400, "malformed JSON"
    yield "no name", row(metric={"a": "b"}), 400, "series without a metric name"
    yield "no metric", row(metric={}), 400, "missing `metric` object"
    yield "unequal arrays", row(values=[1, 2]), 400, "must match `values` array size; got 1; want 2"
    yield "a text for a value", row(values=["1"]), 400, "a value that is no number"
    yield "year 1", row(timestamps=[-62_135_596_800_000]), 400, "1 samples are too old"
    yield "year 9999", row(timestamps=[253_402_300_799_000]), 400, "1 samples are too far in the future"
    yield "100 K labels", row(metric={"__name__": "h", **{f"l{i}": "v" for i in range(100_000)}}), 400, "more than 1024 labels"
    yield "deep", b'{"x":' + b"[" * 5_000_000, 400, "nested too deeply"
    yield "many values", b'{"metric":{"__name__":"h"},"values":[' + b"1," * 8_000_000 + b'1],"timestamps":[1]}', 400, "must match"
    yield "many lines", b"{}\n" * 5_000_000, 400, "missing `metric` object"
    dice = random.Random(7)
    for i in range(50):
        yield f"random {i}", b"{" + dice.randbytes(dice.randrange(1, 5000)), 400, ""


def hostile_requests(folder: str):
    with harness.troupe(folder, flags=FLAGS) as server:
        server.start()
        before, count = server.rss_bytes(), 0
        for name, body, want, reason in hostile(int(time.time() * 1000)):
            status, _, answer = do_import(server.port, body)
            text = answer.decode(errors="replace")
            assert status == want and text and reason in text, f"{name}: {status} {text[:300]!r}"
            count += 1
        peak = highest_rss(server) - before
        assert peak < 384 * MIB, f"memory rose by {peak / MIB:.0f} MiB"
        assert harness.stop_ok(server)
        print(f"{count} hostile requests, memory rose by {peak / MIB:.0f} MiB")


def main() -> int:
    code = harness.run_steps([there_and_back, hostile_requests], sys.argv[1:])
    if not harness.peer("victoria-metrics"):
        harness.skip("the part with VictoriaMetrics: the peers are not there (scripts/peers.sh)")
    return code


if __name__ == "__main__":
    sys.exit(main())
