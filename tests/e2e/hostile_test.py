#!/usr/bin/env python3
"""Every way in against the same hostile input: bombs in each coding, bodies that are cut, random or changed by a byte, samples of
year 1 and 9999, labels without end, twice, empty or unsorted, and all parameters of the API. Each gets a 4xx with a reason, or is
stored as it should be; memory stays within its bound, and the node goes on. What is a way's own is in the test of its protocol."""
import gzip
import itertools
import json
import random
import string
import struct
import sys
import time
import urllib.parse
import zlib

import harness
from harness import field, varint
from proto_target import double, family, number
from remote_read_test import MATCHER
from remote_write_test import MIB, V2_HEADERS, highest_rss, sample, snappy_bomb, v2_request, zstd_bomb

FLAGS = (harness.WRITE_FLAG, "--web.enable-otlp-receiver", "--troupe.web.enable-import", "--troupe.web.enable-pushgateway",
         "--web.enable-admin-api", "--query.timeout=5s", "--troupe.query.max-memory=64MiB")
NAME = "h_v"  # what each way calls the series
BOMB = 128 << 20  # bytes; the doors take 32 MiB


# ---- codings ----

def zstd(raw: bytes) -> bytes:
    """One frame of blocks as they are."""
    out = bytearray(b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(raw)))
    for at in range(0, len(raw), 128 << 10):
        piece = raw[at:at + (128 << 10)]
        out += struct.pack("<I", (at + len(piece) == len(raw)) | len(piece) << 3)[:3] + piece
    return bytes(out)


CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd, "snappy": harness.snappy}
BOMBS = {"gzip": gzip.compress(bytes(BOMB), 9), "deflate": zlib.compress(bytes(BOMB), 9), "zstd": zstd_bomb(BOMB),
         "snappy": snappy_bomb(BOMB)}


# ---- doors: labels in the order given, names and values as bytes ----

def v1(pairs, points) -> bytes:
    out = b"".join(field(1, field(1, k) + field(2, v)) for k, v in [(b"__name__", NAME.encode()), *pairs])
    return field(1, out + b"".join(field(2, double(1, v) + number(2, t)) for t, v in points))


def v2(pairs, points) -> bytes:
    texts = [b"", b"__name__", NAME.encode(), *itertools.chain(*pairs)]
    references = [1, 2, *((0 if not texts[i] else i) for i in range(3, len(texts)))]
    return v2_request(texts, [(references, b"".join(sample(v, t) for t, v in points))])


def nanoseconds(ts: int) -> int:
    return max(0, min(ts * 1_000_000, (1 << 64) - 1))


def otlp_protobuf(pairs, points) -> bytes:
    own = b"".join(field(7, field(1, k) + field(2, field(1, v))) for k, v in pairs)
    data = b"".join(field(1, own + varint(3 << 3 | 1) + struct.pack("<Q", nanoseconds(t)) + double(4, v)) for t, v in points)
    return field(1, field(2, field(2, field(1, NAME.encode()) + field(5, data))))


def json_text(raw: bytes) -> bytes:
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def otlp_json(pairs, points) -> bytes:
    own = b",".join(b'{"key":%s,"value":{"stringValue":%s}}' % (json_text(k), json_text(v)) for k, v in pairs)
    data = b",".join(b'{"attributes":[%s],"timeUnixNano":"%d","asDouble":%d}' % (own, nanoseconds(t), v) for t, v in points)
    return b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"%s","gauge":{"dataPoints":[%s]}}]}]}]}' % (NAME.encode(), data)


def influx(pairs, points) -> bytes:
    tags = b"".join(b",%s=%s" % p for p in pairs)
    return b"\n".join(b"h%s v=%d %d" % (tags, v, t) for t, v in points)


def json_line(pairs, points) -> bytes:
    own = b",".join([b'"__name__":"%s"' % NAME.encode(), *(json_text(k) + b":" + json_text(v) for k, v in pairs)])
    return b'{"metric":{%s},"values":[%s],"timestamps":[%s]}' % (own, b",".join(b"%d" % v for _, v in points),
                                                                b",".join(b"%d" % t for t, _ in points))


def push_text(pairs, points) -> bytes:
    return b"%s{%s} %d\n" % (NAME.encode(), b",".join(k + b"=" + json_text(v) for k, v in pairs), points[-1][1])


def push_protobuf(pairs, points) -> bytes:
    own = b"".join(field(1, field(1, k) + field(2, v)) for k, v in pairs)
    return family(NAME, "", 3, [own + field(5, double(1, points[-1][1]))])


class Door:
    """A way in. `codings`: those it takes, "" for none; `stamped`: samples come with times."""

    def __init__(self, name, path, encode, codings, headers=None, method="POST", stamped=True):
        self.name, self.path, self.encode, self.codings = name, path, encode, codings
        self.headers, self.method, self.stamped = headers or {}, method, stamped

    def send(self, port: int, body: bytes, coding: str = None):
        """(status, text); in the first of the codings unless one is given, which the body has then."""
        headers = dict(self.headers)
        headers.pop("Content-Encoding", None)
        if coding is None and self.codings[0]:
            body = CODINGS[self.codings[0]](body)
        coding = self.codings[0] if coding is None else coding
        if coding:
            headers["Content-Encoding"] = coding
        status, _, answer = harness.request(port, self.method, self.path, body, headers, timeout=60)
        return status, answer.decode(errors="replace")


ANY = ("", "gzip", "deflate", "zstd", "snappy")
DELIMITED = {"Content-Type": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"}
DOORS = (Door("remote write 1.0", "/api/v1/write", v1, ("snappy", "zstd"), harness.WRITE_HEADERS),
         Door("remote write 2.0", "/api/v1/write", v2, ("snappy", "zstd"), V2_HEADERS),
         Door("OTLP", "/api/v1/otlp/v1/metrics", otlp_protobuf, ("", "gzip"), {"Content-Type": "application/x-protobuf"}),
         Door("OTLP in JSON", "/api/v1/otlp/v1/metrics", otlp_json, ("", "gzip"), {"Content-Type": "application/json"}),
         Door("lines", "/write?precision=ms", influx, ANY),
         Door("JSON lines", "/api/v1/import", json_line, ANY),
         Door("push", "/metrics/job/x", push_text, ANY, {"Content-Type": "text/plain"}, "PUT", stamped=False),
         Door("push in protobuf", "/metrics/job/y", push_protobuf, ANY, DELIMITED, "PUT", stamped=False))


def valid(door: Door, now: int) -> bytes:
    return door.encode([(b"door", door.name.encode().replace(b" ", b"_")), (b"zone", b"a")], [(now, 1)])


def refused(door: Door, what: str, got, wanted=(400, 413)):
    status, text = got
    assert status in wanted and text.strip(), f"{door.name}: {what}: {status} {text[:200]!r}"


def codings(port: int, now: int):
    """Bombs, cut and false bodies in each coding; codings that a door does not take."""
    count = 0
    for door in DOORS:
        for coding, pack in CODINGS.items():
            body = pack(valid(door, now))
            if coding not in door.codings:
                refused(door, f"{coding}", door.send(port, body, coding), (400, 415))
                continue
            assert door.send(port, body, coding)[0] in (200, 204), f"{door.name}: {coding}"
            refused(door, f"{coding} bomb", door.send(port, BOMBS[coding], coding), (413,))
            for what, bad in (("cut", body[:-3]), ("begun", body[:5]), ("empty", b""), ("false", bytes(range(256))), ("longer", body + b"x")):
                refused(door, f"{coding}, {what}", door.send(port, bad, coding))
            count += 7
    return count


def bodies(port: int, now: int):
    """Random ones, and valid ones with a few bytes changed: whatever they mean, the answer says it."""
    count = 0
    for door in DOORS:
        dice, whole = random.Random(door.name), valid(door, now)
        several = [dice.randbytes(dice.randrange(1, 3000)) for _ in range(15)] + [whole[:n] for n in range(1, len(whole), 3)]
        for _ in range(40):
            changed = bytearray(whole)
            for _ in range(dice.randrange(1, 4)):
                changed[dice.randrange(len(changed))] = dice.randrange(256)
            several.append(bytes(changed))
        for body in several:
            status, text = door.send(port, body)
            assert status in (200, 204) or status in (400, 413) and text.strip(), f"{door.name}: {body!r}: {status} {text[:200]!r}"
            count += 1
    return count


def samples(port: int, now: int):
    """Times and labels that are not what they should be, and those that only look so."""
    many = [(b"l%d" % i, b"v") for i in range(100_000)]
    at = [(now, 1)]
    bad = [("100 K labels", many, at), ("a label twice", [(b"a", b"1"), (b"a", b"2")], at), ("an empty name", [(b"", b"1")], at),
           ("no UTF-8", [(b"a", b"\xff\xfe")], at), ("a value of 1 MiB", [(b"a", b"x" * (1 << 20))], at),
           ("year 1", [], [(-62_135_596_800_000, 1)]), ("year 9999", [], [(253_402_300_799_000, 1)])]
    count = 0
    for door in DOORS:
        own = (b"door", door.name.encode().replace(b" ", b"_"))
        for what, pairs, points in bad:
            if not door.stamped and what.startswith("year"):
                continue
            # OpenTelemetry's attributes of one name are joined, InfluxDB's tags without one are left out.
            if (what, door.name) in (("a label twice", "OTLP"), ("a label twice", "OTLP in JSON"), ("an empty name", "lines")) or (
                    what == "a value of 1 MiB" and not door.stamped):
                continue
            refused(door, what, door.send(port, door.encode([own, *pairs], points)))
            count += 1
        if not door.stamped:
            continue
        for case, pairs, points in ((b"unsorted", [(b"z", b"1"), (b"a", b"2")], [(now, 1), (now - 2000, 2), (now - 1000, 3)]),
                                    (b"sorted", [(b"a", b"2"), (b"z", b"1")], [(now, 1), (now, 1)]),
                                    (b"empty", [(b"a", b"")], [(now, 1), (now, 2)])):
            status, text = door.send(port, door.encode([own, (b"case", case), *pairs], points))
            assert status in (200, 204), f"{door.name}: {case}: {status} {text[:200]!r}"
        selector = f'{NAME}{{door="{own[1].decode()}",case!=""}}'
        got = {s["metric"]["case"]: (s["metric"].get("a"), s["metric"].get("z"), len(s["values"]))
               for s in harness.instant(port, selector + "[1m]", now / 1000 + 1)}
        assert got == {"unsorted": ("2", "1", 3), "sorted": ("2", "1", 1), "empty": (None, None, 1)}, f"{door.name}: {got}"
    return count


# ---- remote read ----

def reads(port: int, now: int):
    def asked(*matchers, start=0, end=now) -> bytes:
        return field(1, number(1, start) + number(2, end) + b"".join(
            field(3, number(1, kind) + field(2, name) + field(3, value)) for kind, name, value in matchers))

    def send(body: bytes):
        status, _, answer = harness.request(port, "POST", "/api/v1/read", body, {"Content-Encoding": "snappy"}, timeout=60)
        return status, answer.decode(errors="replace")

    assert DOORS[0].send(port, v1([(b"a", b"x" * 60_000)], [(now, 1)]))[0] == 204
    door = Door("remote read", "/api/v1/read", None, ("snappy",))
    one = (MATCHER["="], b"__name__", NAME.encode())
    good = asked(one)
    regex = MATCHER["=~"]
    wrong = [("a bomb", BOMBS["snappy"]), ("cut", harness.snappy(good)[:-3]), ("empty coding", b""),
             ("a wrong regex", harness.snappy(asked((regex, b"a", b"(")))),
             ("a regex without end", harness.snappy(asked((regex, b"a", b"((a{1000}){1000})")))),
             ("a regex of 2 MB", harness.snappy(asked((regex, b"a", b"a|" * 1_000_000)))),
             ("an unknown operator", harness.snappy(asked((9, b"a", b"b")))),
             ("more than fits into memory", harness.snappy(good * 10_000))]
    for what, body in wrong:
        refused(door, what, send(body))
    for start, end in ((-62_135_596_800_000, 253_402_300_799_000), (-(1 << 63), (1 << 63) - 1), (now, 0)):
        status, text = send(harness.snappy(asked(one, start=start, end=end)))
        assert status in (200, 400), f"{start}..{end}: {status} {text[:200]!r}"
    dice = random.Random(3)
    for _ in range(60):
        changed = bytearray(good)
        changed[dice.randrange(len(changed))] = dice.randrange(256)
        for body in (bytes(changed), dice.randbytes(dice.randrange(1, 2000))):
            status, text = send(harness.snappy(body))
            assert status == 200 or status in (400, 413) and text.strip(), f"{body!r}: {status} {text[:200]!r}"
    return len(wrong) + 123


# ---- parameters ----

ROUTES = {
    "/api/v1/query": {"query": "up", "time": "1", "timeout": "1s", "limit": "1", "stats": "all", "lookback_delta": "1m"},
    "/api/v1/query_range": {"query": "up", "start": "0", "end": "60", "step": "15", "timeout": "1s", "limit": "1", "stats": "all"},
    "/api/v1/query_exemplars": {"query": "up", "start": "0", "end": "60"},
    "/api/v1/format_query": {"query": "up"},
    "/api/v1/parse_query": {"query": "up"},
    "/api/v1/series": {"match[]": "up", "start": "0", "end": "60", "limit": "1"},
    "/api/v1/labels": {"match[]": "up", "start": "0", "end": "60", "limit": "1"},
    "/api/v1/label/job/values": {"match[]": "up", "start": "0", "end": "60", "limit": "1"},
    "/api/v1/metadata": {"metric": "up", "limit": "1", "limit_per_metric": "1"},
    "/api/v1/targets": {"state": "any", "scrapePool": "x"},
    "/api/v1/targets/metadata": {"match_target": "{job=\"x\"}", "metric": "up", "limit": "1"},
    "/api/v1/rules": {"type": "alert", "match[]": "up", "group_limit": "1", "exclude_alerts": "true", "rule_name[]": "x"},
    "/api/v1/status/tsdb": {"limit": "1"},
    "/api/v1/export": {"match[]": "up", "start": "0", "end": "60", "max_rows_per_line": "1"},
    "/federate": {"match[]": "up"},
}
VALUES = ("", " ", "\0", "\udcff\udcfe", "1e999", "-1e999", "NaN", "Inf", "-1", "1.5", "-62135596800", "253402300799", "9" * 400,
          "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-45T99:99:99Z", "1h" * 2000, "-9223372036854775808", "{" * 5000,
          '{__name__=~"((a{1000}){1000})"}', "x" * 60_000, "\u202e\u0000\ufffd", "' OR 1=1 --", "../../etc/passwd", "%00%ff")
WORDS = ("up", "{", "}", "(", ")", "[", "]", "5m", ":", "sum", "by", "rate", "offset", "-", "@", "1e9", "=~", '"a.*"', ",", "on", "and",
         "group_left", "bool", "start()", "__name__", "'", "\\", "histogram_quantile", "NaN", "smoothed", "fill", "%", "^", "unless")


def parameters(port: int, _now: int):
    """Each parameter of each route in turn; a node must never fail, nor take long."""
    def ask(path: str, params: dict):
        form = urllib.parse.urlencode(params, errors="surrogateescape").encode()
        begin = time.monotonic()
        if path in ("/api/v1/query", "/api/v1/query_range", "/api/v1/series"):
            status, _, body = harness.request(port, "POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})
        else:
            status, _, body = harness.request(port, "GET", f"{path}?{form.decode()}")
        what = f"{path} {str(params)[:200]}"
        assert time.monotonic() - begin < 3, what
        assert status in (200, 400, 413, 414, 422, 431) and (status == 200 or body.strip()), f"{what}: {status} {body[:200]!r}"
        if status in (400, 422) and path not in ("/federate",):
            answer = json.loads(body)
            assert answer["status"] == "error" and answer["error"], f"{what}: {body[:200]!r}"
    count = 0
    for path, params in ROUTES.items():
        for name, value in itertools.product(params, VALUES):
            ask(path, {**params, name: value})
            count += 1
    dice = random.Random(11)
    for i in range(400):
        words = " ".join(dice.choice(WORDS) for _ in range(dice.randrange(1, 30)))
        text = words if i % 2 else "".join(dice.choice(string.printable) for _ in range(dice.randrange(1, 200)))
        ask("/api/v1/query", {"query": text})
    for path in ("/api/v1/label/" + "x" * 60_000 + "/values", "/api/v1/label/%ff/values", "/api/v1/label//values", "/api/v1/label/%00/values",
                 "/metrics/job/" + "a/b/" * 10_000, "/%2e%2e/%2e%2e/etc/passwd", "/" + "%" * 100):
        status, _, body = harness.request(port, "GET", path)
        assert 400 <= status < 500 and body.strip(), f"{path[:80]}: {status} {body[:200]!r}"
    return count + 407


def main() -> int:
    only = sys.argv[1:]
    with harness.work_folder() as folder, harness.troupe(folder, flags=FLAGS) as server:
        server.start()
        for step in (codings, bodies, samples, reads, parameters):
            if only and step.__name__ not in only:
                continue
            before, begin = server.rss_bytes(), time.monotonic()
            count = step(server.port, int(time.time()) * 1000)
            peak = highest_rss(server) - before
            assert peak < 256 * MIB, f"{step.__name__}: memory rose by {peak / MIB:.0f} MiB"
            assert harness.request(server.port, "GET", "/-/ready")[0] == 200
            print(f"{step.__name__}: {count} requests in {time.monotonic() - begin:.1f} s, memory rose by {peak / MIB:.0f} MiB at most", flush=True)
        assert harness.stop_ok(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
