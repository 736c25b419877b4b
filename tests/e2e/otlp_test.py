#!/usr/bin/env python3
"""OTLP into troupe and into a real Prometheus: the same requests, in protobuf and in JSON, with several `otlp` blocks, give the
same series, native histograms, exemplars and descriptions. Then hostile requests: each gets a 4xx with the reason, within
bounded memory. The comparison is skipped without the peers."""
import base64
import gzip
import json
import pathlib
import random
import struct
import sys
import time

import harness
from harness import field, varint
from proto_target import double, number, zigzag
from remote_write_test import MIB, highest_rss, raw

PATH = "/api/v1/otlp/v1/metrics"
FLAGS = ("--web.enable-otlp-receiver", "--web.enable-lifecycle")
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}

# ---- JSON to protobuf: message -> {JSON key: (field number, type)} ----

MESSAGES = {
    "request": {"resourceMetrics": (1, "resource_metrics")},
    "resource_metrics": {"resource": (1, "resource"), "scopeMetrics": (2, "scope_metrics"), "schemaUrl": (3, "text")},
    "resource": {"attributes": (1, "pair")},
    "scope_metrics": {"scope": (1, "scope"), "metrics": (2, "metric"), "schemaUrl": (3, "text")},
    "scope": {"name": (1, "text"), "version": (2, "text"), "attributes": (3, "pair")},
    "metric": {"name": (1, "text"), "description": (2, "text"), "unit": (3, "text"), "gauge": (5, "numbers"),
               "sum": (7, "numbers"), "histogram": (9, "histograms"), "exponentialHistogram": (10, "exponentials"),
               "summary": (11, "summaries")},
    "numbers": {"dataPoints": (1, "number"), "aggregationTemporality": (2, "int"), "isMonotonic": (3, "int")},
    "histograms": {"dataPoints": (1, "histogram"), "aggregationTemporality": (2, "int")},
    "exponentials": {"dataPoints": (1, "exponential"), "aggregationTemporality": (2, "int")},
    "summaries": {"dataPoints": (1, "summary")},
    "number": {"attributes": (7, "pair"), "startTimeUnixNano": (2, "fixed"), "timeUnixNano": (3, "fixed"),
               "asDouble": (4, "double"), "asInt": (6, "fixed"), "exemplars": (5, "exemplar"), "flags": (8, "int")},
    "histogram": {"attributes": (9, "pair"), "startTimeUnixNano": (2, "fixed"), "timeUnixNano": (3, "fixed"),
                  "count": (4, "fixed"), "sum": (5, "double"), "bucketCounts": (6, "packed fixed"),
                  "explicitBounds": (7, "packed double"), "exemplars": (8, "exemplar"), "flags": (10, "int")},
    "exponential": {"attributes": (1, "pair"), "startTimeUnixNano": (2, "fixed"), "timeUnixNano": (3, "fixed"),
                    "count": (4, "fixed"), "sum": (5, "double"), "scale": (6, "sint"), "zeroCount": (7, "fixed"),
                    "positive": (8, "buckets"), "negative": (9, "buckets"), "flags": (10, "int"),
                    "exemplars": (11, "exemplar")},
    "buckets": {"offset": (1, "sint"), "bucketCounts": (2, "packed int")},
    "summary": {"attributes": (7, "pair"), "startTimeUnixNano": (2, "fixed"), "timeUnixNano": (3, "fixed"),
                "count": (4, "fixed"), "sum": (5, "double"), "quantileValues": (6, "quantile"), "flags": (8, "int")},
    "quantile": {"quantile": (1, "double"), "value": (2, "double")},
    "exemplar": {"filteredAttributes": (7, "pair"), "timeUnixNano": (2, "fixed"), "asDouble": (3, "double"),
                 "asInt": (6, "fixed"), "spanId": (4, "hex"), "traceId": (5, "hex")},
    "pair": {"key": (1, "text"), "value": (2, "value")},
    "value": {"stringValue": (1, "text"), "boolValue": (2, "int"), "intValue": (3, "int"), "doubleValue": (4, "double"),
              "arrayValue": (5, "values"), "kvlistValue": (6, "pairs"), "bytesValue": (7, "bytes")},
    "values": {"values": (1, "value")},
    "pairs": {"values": (1, "pair")},
}
PACKED = {"packed fixed": lambda n: struct.pack("<Q", int(n)), "packed double": lambda d: struct.pack("<d", d),
          "packed int": lambda n: varint(int(n))}


def encoded(at: int, kind: str, value) -> bytes:
    if kind in MESSAGES:
        return field(at, protobuf(kind, value))
    if kind == "text":
        return field(at, value.encode())
    if kind == "hex":
        return field(at, bytes.fromhex(value))
    if kind == "bytes":
        return field(at, base64.b64decode(value))
    if kind == "double":
        return double(at, value)
    if kind == "fixed":
        return varint(at << 3 | 1) + struct.pack("<Q", int(value) & (1 << 64) - 1)
    return number(at, zigzag(value) if kind == "sint" else int(value))


def protobuf(kind: str, message: dict) -> bytes:
    out = b""
    for key, value in message.items():
        at, inner = MESSAGES[kind][key]
        if inner in PACKED:
            out += field(at, b"".join(map(PACKED[inner], value)))
        else:
            out += b"".join(encoded(at, inner, v) for v in (value if isinstance(value, list) else [value]))
    return out


# ---- requests ----

def attributes(pairs: dict) -> list:
    def value(v):
        if isinstance(v, bool):
            return {"boolValue": v}
        if isinstance(v, int):
            return {"intValue": str(v)}
        if isinstance(v, float):
            return {"doubleValue": v}
        if isinstance(v, bytes):
            return {"bytesValue": base64.b64encode(v).decode()}
        if isinstance(v, list):
            return {"arrayValue": {"values": [value(e) for e in v]}}
        if isinstance(v, dict):
            return {"kvlistValue": {"values": attributes(v)}}
        return {"stringValue": v}
    return [{"key": k, "value": value(v)} for k, v in pairs.items()]


ATTRIBUTES = {"http.method": "GET", "code": 200, "1st": "x", "_own": "y", "a.b": "1", "a_b": "2", "ok": True, "share": 0.25,
              "tiny": 1e-9, "huge": 1e22, "list": ["a<b", 1, 2.5], "map": {"z": 1, "a": {"k": "v"}}, "raw": b"\x00\xff",
              "caf\u00e9": "\u20ac", "empty": "", "le": "mine", "job": "other"}
UNITS = ["", "s", "By", "1", "%", "By/s", "{req}/s", "km/h", "ms", "\u00b0F"]


def requests(prefix: str, now_ms: int, seed: int):
    """A few requests that differ in all they can; names begin with the prefix."""
    dice = random.Random(seed)
    serial = 0

    def some(pairs: dict, most: int) -> list:
        return attributes({k: pairs[k] for k in dice.sample(sorted(pairs), dice.randrange(most + 1))})

    def point(at: int, **more) -> dict:
        nonlocal serial
        serial += 1
        # Each series once: of a second sample of the same time one is dropped.
        return {"attributes": some(ATTRIBUTES, 5) + attributes({"serial": serial}), "startTimeUnixNano": str((now_ms - 60_000) * 1_000_000),
                "timeUnixNano": str((now_ms - at) * 1_000_000 + 123_456), **more}

    def exemplar() -> dict:
        return {"filteredAttributes": some({"k.x": "v", "n": 7}, 2), "timeUnixNano": str((now_ms - dice.randrange(1, 500)) * 1_000_000),
                "asDouble": dice.choice([0.25, 3.5, 100.0]), "spanId": "0102030405060708", "traceId": f"{serial:032x}"}

    def histogram_point(at: int) -> dict:
        counts = [dice.randrange(9) for _ in range(5)]
        return point(at, count=str(sum(counts)), sum=dice.random() * 50, bucketCounts=[str(c) for c in counts],
                     explicitBounds=[0.5, 1.0, 2.5, 1000000.0], exemplars=[exemplar()])

    def exponential_point(at: int, least: int) -> dict:
        def side():
            return {"offset": dice.randrange(-30, 30),
                    "bucketCounts": [str(dice.choice([0, 0, 1, 5])) for _ in range(dice.randrange(30))]}
        # A scale above 8 merges buckets, which Prometheus before 3.9 does wrongly where some are empty.
        p = point(at, scale=dice.randrange(least, 9), zeroCount=str(dice.randrange(3)), positive=side(), negative=side(),
                  sum=dice.random(), exemplars=[exemplar()])
        p["count"] = str(int(p["zeroCount"]) + sum(int(c) for s in ("positive", "negative") for c in p[s]["bucketCounts"]))
        return p

    for r in range(4):
        metrics = []
        for i, unit in enumerate(UNITS):
            name = f"{prefix}.m{r}.{i}"
            sum_of = {"dataPoints": [point(0, asInt=str(dice.randrange(1 << 40)), exemplars=[exemplar()]),
                                     point(1000, asDouble=dice.random())],
                      "aggregationTemporality": 2, "isMonotonic": bool(i % 2)}
            metrics += [
                {"name": name + ".gauge", "unit": unit, "description": "Measured.",
                 "gauge": {"dataPoints": [point(0, asDouble=dice.random()), point(0, asInt="-3", flags=i % 2)]}},
                {"name": name + ("_total" if i % 3 == 0 else ".sum"), "unit": unit, "description": "Counted.", "sum": sum_of},
                {"name": name + ".histogram", "unit": unit, "description": "Buckets.",
                 "histogram": {"dataPoints": [histogram_point(0), histogram_point(500)], "aggregationTemporality": 2}},
                {"name": name + ".exponential", "unit": unit, "description": "Sparse.",
                 "exponentialHistogram": {"dataPoints": [exponential_point(0, -4), exponential_point(700, 2)],
                                          "aggregationTemporality": 2}},
                {"name": name + ".summary", "unit": unit, "description": "Quantiles.",
                 "summary": {"dataPoints": [point(0, count="5", sum=2.5, quantileValues=[{"quantile": 0.5, "value": 1.0},
                                                                                        {"quantile": 0.99, "value": 2.0}])]}},
                {"name": name + ".delta", "sum": {"dataPoints": [point(0, asInt="1")], "aggregationTemporality": 1}}]
        identity = {"service.name": f"{prefix}{r}", "service.namespace": "eu", "service.instance.id": f"i{r}"}
        resource = dict(list(identity.items())[:r]) | {"host.name": f"h{r}", "os.type": "linux", "cores": 8}
        yield {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics, "scope": {"name": "lib", "version": "1.2"}}],
                                    "resource": {"attributes": attributes(resource)}}]}


def blocks(version):
    """`otlp` blocks by name, as far as the peer's version has them."""
    yield "plain", ""
    yield "promoted", "promote_resource_attributes: [host.name, cores, service.name]"
    yield "all", "promote_all_resource_attributes: true\n  ignore_resource_attributes: [os.type]"
    yield "identifying", "keep_identifying_resource_attributes: true"
    yield "utf8", "translation_strategy: NoUTF8EscapingWithSuffixes"
    yield "none", "translation_strategy: NoTranslation"
    yield "custom", "convert_histograms_to_nhcb: true"
    if version >= (3, 6):
        yield "scopes", "promote_scope_metadata: true"
        yield "bare", "translation_strategy: UnderscoreEscapingWithoutSuffixes"


def exemplars(port: int, selector: str, at: float) -> dict:
    found = harness.get_api(port, "/api/v1/query_exemplars", query=selector, start=at - 600, end=at + 60)
    return {tuple(sorted(s["seriesLabels"].items())): sorted(
        ((e["timestamp"], e["value"], sorted(e["labels"].items())) for e in s["exemplars"]), key=str) for s in found}


def post(server, headers, body: bytes):
    return harness.request(server.port, "POST", PATH, body, headers, timeout=60)


def compare(name: str, mine, theirs, now: float) -> int:
    selector = f'{{__name__=~"({name}[._].*|target_info)"}}'
    a, b = raw(mine.port, selector + "[10m]", now + 1), raw(theirs.port, selector + "[10m]", now + 1)
    assert a.keys() == b.keys(), f"{name}: only one has {sorted(a.keys() ^ b.keys(), key=str)[:4]}"
    for series, points in b.items():
        assert a[series] == points, f"{name}: {series}: {a[series]} here, {points} there"
    a, b = (exemplars(s.port, f'{{__name__=~"{name}[._].*"}}', now) for s in (mine, theirs))
    assert a == b and a, f"{name}: exemplars: {[(k, a.get(k), b.get(k)) for k in {**a, **b} if a.get(k) != b.get(k)][:2]}"
    described = [harness.get_api(s.port, "/api/v1/metadata", limit=100000) for s in (mine, theirs)]
    checked = 0
    for metric, entries in described[1].items():
        if metric.startswith(name + "_") or metric.startswith(name + "."):
            have = described[0][metric]
            assert [(e["type"], e["help"]) for e in have] == [(e["type"], e["help"]) for e in entries], (metric, have, entries)
            checked += 1
    assert checked >= 100, f"{name}: {checked} described"
    return len(a)


def beside_prometheus(folder: str):
    config = "global: {scrape_interval: 1m}\notlp:\n  %s\n"
    with harness.troupe(folder, config % "translation_strategy: UnderscoreEscapingWithSuffixes", FLAGS) as mine, harness.prometheus(
            folder, config % "translation_strategy: UnderscoreEscapingWithSuffixes",
            (*FLAGS, "--enable-feature=native-histograms,exemplar-storage,metadata-wal-records")) as theirs:
        mine.start()
        theirs.start()
        version = tuple(int(p) for p in harness.get_api(theirs.port, "/api/v1/status/buildinfo")["version"].split("+")[0].split(".")[:2])
        for seed, (name, block) in enumerate(blocks(version)):
            for server, file in ((mine, "prometheus.yml"), (theirs, "peer.yml")):
                pathlib.Path(folder, file).write_text(config % (block or "promote_resource_attributes: []"), encoding="utf-8")
                assert harness.request(server.port, "POST", "/-/reload")[0] == 200, server.log_tail(5)
            now_ms = int(time.time() * 1000)
            for i, request in enumerate(requests(name, now_ms, seed)):
                as_json, as_protobuf = json.dumps(request).encode(), protobuf("request", request)
                # Each has the other encoding, so that one's reading of JSON is held against one's of protobuf.
                mine_gets = [(JSON, as_json), (PROTOBUF, as_protobuf), ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(as_json)),
                             ({**PROTOBUF, "Content-Encoding": "gzip"}, gzip.compress(as_protobuf))][i % 4]
                theirs_gets = (PROTOBUF, as_protobuf) if mine_gets[0]["Content-Type"] == JSON["Content-Type"] else (JSON, as_json)
                status, headers, answer = post(mine, *mine_gets)
                assert status == 200, f"{name}: {status} {answer[:500]!r}"
                assert headers["Content-Type"] == mine_gets[0]["Content-Type"], headers
                assert b"invalid temporality and type combination" in answer, answer[:300]
                status, _, answer = post(theirs, *theirs_gets)
                assert status == 200, f"{name}: {status} {answer[:500]!r}"
            count = compare(name, mine, theirs, now_ms / 1000)
            print(f"{name}: series and histograms are equal, {count} of them with exemplars")
        assert harness.stop_ok(mine)


def asked_back(folder: str):
    """What is sent in either encoding is there by the names Prometheus gives it, over a kill -9 too."""
    now = int(time.time()) * 1000

    def sent(way: str) -> dict:
        at = {"timeUnixNano": str(now * 1_000_000), "attributes": attributes({"way": way})}
        metrics = [
            {"name": "room.temperature", "unit": "Cel", "gauge": {"dataPoints": [{**at, "asDouble": 21.5}]}},
            {"name": "http.requests", "unit": "1", "sum": {"dataPoints": [{**at, "asInt": "42"}], "aggregationTemporality": 2, "isMonotonic": True}},
            {"name": "http.time", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [
                {**at, "count": "6", "sum": 3.5, "bucketCounts": ["1", "2", "3"], "explicitBounds": [0.1, 1.0]}]}},
            {"name": "rpc.time", "unit": "ms", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
                {**at, "count": "5", "sum": 9.0, "scale": 1, "zeroCount": "1", "positive": {"offset": 0, "bucketCounts": ["3", "1"]}}]}}]
        return {"resourceMetrics": [{"resource": {"attributes": attributes({"service.name": "shop", "service.instance.id": way})},
                                     "scopeMetrics": [{"metrics": metrics}]}]}

    want = {("room_temperature_celsius", None): "21.5", ("http_requests_total", None): "42", ("http_time_seconds_sum", None): "3.5",
            ("http_time_seconds_count", None): "6", ("http_time_seconds_bucket", "0.1"): "1", ("http_time_seconds_bucket", "1.0"): "3",
            ("http_time_seconds_bucket", "+Inf"): "6"}
    with harness.troupe(folder, flags=FLAGS) as server:
        server.start()
        for headers, body in ((JSON, json.dumps(sent("json")).encode()), (PROTOBUF, protobuf("request", sent("protobuf")))):
            status, _, answer = post(server, headers, body)
            assert status == 200, (status, answer)
        for _ in range(2):
            for way in ("json", "protobuf"):
                found = harness.instant(server.port, f'{{way="{way}"}}', at=now / 1000)
                assert all(s["metric"]["job"] == "shop" and s["metric"]["instance"] == way for s in found), found
                floats = {(s["metric"]["__name__"], s["metric"].get("le")): s["value"][1] for s in found if "value" in s}
                assert {(name, le and ("+Inf" if le == "+Inf" else f"{float(le):.1f}")): v for (name, le), v in floats.items()} == want, floats
                native = [s["histogram"][1] for s in found if "histogram" in s]
                assert [(h["count"], h["sum"], len(h["buckets"])) for h in native] == [("5", "9", 3)], native
            server.kill()
            server.start()


def hostile(now: int):
    """(name, headers, body, status, what the reason says)."""
    def one(metric: dict, resource: dict = None) -> bytes:
        return json.dumps({"resourceMetrics": [{"resource": {"attributes": attributes(resource or {})},
                                                "scopeMetrics": [{"metrics": [metric]}]}]}).encode()

    def gauge(pairs=None, at=now, **more) -> dict:
        return {"name": "m", "gauge": {"dataPoints": [{"attributes": attributes(pairs or {}), "timeUnixNano": str(at * 1_000_000),
                                                       "asInt": "1", **more}]}}

    def as_protobuf(body: bytes) -> bytes:
        return protobuf("request", json.loads(body))

    zipped = {**PROTOBUF, "Content-Encoding": "gzip"}
    yield "gzip bomb", zipped, gzip.compress(bytes(1 << 28)), 413, ""
    yield "gzip garbage", zipped, b"\x1f\x8b\x08" + bytes(range(200)), 400, ""
    yield "cut gzip", zipped, gzip.compress(as_protobuf(one(gauge())))[:-9], 400, ""
    yield "many empty points", PROTOBUF, field(1, field(2, field(2, field(1, b"m") + field(5, b"\x0a\x00" * 4_000_000)))), 400, \
        "4000000 samples are too old"
    yield "many empty attributes", PROTOBUF, field(1, field(1, b"\x0a\x00" * 4_000_000)), 413, "too many attributes"
    yield "many buckets", PROTOBUF, field(1, field(2, field(2, field(1, b"m") + field(10, field(1, field(8, field(
        2, b"\x01" * 4_000_000))))))), 413, "too many buckets"
    yield "100 K labels", JSON, one(gauge({f"l{i}": "v" for i in range(100_000)})), 413, "too many attributes"
    yield "2 K labels", JSON, one(gauge({f"l{i}": "v" for i in range(2_000)})), 400, "more than 1024 labels"
    yield "year 1", JSON, one(gauge(at=0)), 400, "1 samples are too old"
    yield "year 2262", JSON, one(gauge(at=9_223_372_036_854)), 400, "1 samples are too far in the future"
    yield "empty attribute name", JSON, one(gauge({"": "x"})), 400, "label name is empty"
    yield "no name", JSON, one({**gauge(), "name": ""}), 400, "resulted in empty name"
    yield "delta", JSON, one({"name": "d", "sum": {"dataPoints": [{"asInt": 1}], "aggregationTemporality": 1}}), 400, \
        'invalid temporality and type combination for metric "d"'
    yield "scale", JSON, one({"name": "e", "exponentialHistogram": {"dataPoints": [{"scale": -9}], "aggregationTemporality": 2}}), \
        400, "Scale must be >= -4, was -9"
    yield "deep JSON", JSON, b'{"resourceMetrics":' + b"[" * 1_000_000, 400, "malformed JSON at byte"
    yield "cut JSON", JSON, one(gauge())[:-4], 400, "malformed JSON at byte"
    yield "cut protobuf", PROTOBUF, as_protobuf(one(gauge()))[:-1], 400, "malformed OTLP request"
    yield "unknown type", {"Content-Type": "text/plain"}, b"", 400, "unsupported content type: text/plain"
    yield "unknown coding", {**JSON, "Content-Encoding": "br"}, b"", 400, "unsupported compression: br"
    dice = random.Random(7)
    for i in range(50):
        yield f"random {i}", PROTOBUF, b"\x0a" + dice.randbytes(dice.randrange(1, 5000)), 400, ""


def hostile_requests(folder: str):
    with harness.troupe(folder, flags=FLAGS) as server:
        server.start()
        now = int(time.time() * 1000)
        before = server.rss_bytes()
        for name, headers, body, want, reason in hostile(now):
            status, _, answer = post(server, headers, body)
            text = answer.decode(errors="replace")
            assert status == want and text and reason in text, f"{name}: {status} {text[:300]!r}"
        peak = highest_rss(server) - before
        assert peak < 512 * MIB, f"memory rose by {peak / MIB:.0f} MiB"
        assert not harness.instant(server.port, '{__name__=~"[mde]"}')
        assert harness.stop_ok(server)


def main() -> int:
    code = harness.run_steps([asked_back, hostile_requests, *[beside_prometheus] * harness.prometheus_takes_otlp()], sys.argv[1:])
    if not harness.prometheus_takes_otlp():
        harness.skip("the comparison: no Prometheus that receives OTLP (scripts/peers.sh)")
    return code


if __name__ == "__main__":
    sys.exit(main())
