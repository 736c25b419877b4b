#!/usr/bin/env python3
"""Remote read, both ways: a real Prometheus that has nothing itself asks troupe for everything, streamed, and answers as troupe
does; troupe asks a real Prometheus and another troupe, beside what it has, and says which of them fail; requests written out get
one-piece answers, limits and refusals. The peer's part is skipped without the peers."""
import http.client
import json
import pathlib
import struct
import sys
import threading
import time

import exporters
import harness
from harness import field, varint
from proto_target import number, proto_body
from remote_write_test import comparable

SOURCE = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, external_labels: {{region: "x"}}}}
scrape_configs:
  - job_name: fx
    scrape_native_histograms: true
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
"""
READER = """
global: {{external_labels: {labels}}}
remote_read:
  - url: http://127.0.0.1:{port}/api/v1/read
    read_recent: true
{more}
"""
MATCHER = {"=": 0, "!=": 1, "=~": 2, "!~": 3}


def query(start: int, end: int, *matchers) -> bytes:
    body = number(1, start) + number(2, end)
    for op, name, value in matchers:
        body += field(3, number(1, MATCHER[op]) + field(2, name.encode()) + field(3, value.encode()))
    return field(1, body)


def read(port: int, request: bytes, types: bytes = b""):
    body = harness.snappy(request + types)
    return harness.request(port, "POST", "/api/v1/read", body, {"Content-Encoding": "snappy"})


def answers(port: int, expr: str, at: float) -> dict:
    out = {}
    for s in harness.instant(port, expr, at):
        key = tuple(sorted((k, v) for k, v in s["metric"].items() if k != "region"))
        points = dict(s.get("values", [s["value"]] if "value" in s else []))
        points.update({t: comparable(h) for t, h in s.get("histograms", [s["histogram"]] if "histogram" in s else [])})
        out[key] = points
    return out


EXPRESSIONS = ('{__name__=~"fx_.+"}[30s]', "fx_total", "rate(fx_total[10s])", "sum by (i) (increase(fx_native[10s]))",
               'fx_value{i!="3",i=~"[0-5]"}', 'count_over_time(fx_native{i!~"[3-9]"}[15s])', "up", 'max_over_time(fx_value[20s] offset 3s)')


def compare(ours: int, theirs: int, at: float) -> int:
    n = 0
    for expr in EXPRESSIONS:
        here, there = answers(ours, expr, at), answers(theirs, expr, at)
        assert here and here.keys() == there.keys(), f"{expr}: {sorted(here.keys() ^ there.keys())[:4]}"
        for key, points in here.items():
            assert points == there[key], f"{expr}: {key}: {points} here, {there[key]} there"
            n += len(points)
    return n


def source(folder: str, target: int, flags=()) -> harness.Server:
    server = harness.troupe(folder, SOURCE.format(target=target), flags)
    server.start()
    return server


def wait_for_samples(server: harness.Server, count: int):
    harness.wait_for(f"{count} samples", lambda: any(
        float(s["value"][1]) >= count for s in harness.instant(server.port, "max(count_over_time(fx_value[2m]))")), 60, 0.3)


def prometheus_reads(folder: str):
    with exporters.Exporter(proto_body) as target, source(folder, target.port) as ours:
        wait_for_samples(ours, 15)
        # What a scrape brings while both are asked is not in both answers: ask for what is settled.
        now = int(time.time()) - 2
        config = READER.format(labels="{}", port=ours.port, more="")
        with harness.prometheus(folder, config, ["--enable-feature=native-histograms"]) as peer:
            peer.start()
            n = compare(ours.port, peer.port, now)
            assert harness.metric(ours.port, "troupe_remote_read_requests_total") >= len(EXPRESSIONS)
            assert {s["metric"].get("region") for s in harness.instant(peer.port, "up", now)} == {"x"}, "external labels are added"
        # With the same external labels the reader asks for them and takes them away.
        config = READER.format(labels="{region: x}", port=ours.port, more="")
        with harness.prometheus(folder, config, ["--enable-feature=native-histograms"]) as peer:
            peer.start()
            compare(ours.port, peer.port, now)
            assert {s["metric"].get("region") for s in harness.instant(peer.port, "up", now)} == {None}
        print(f"{n} points of {len(EXPRESSIONS)} expressions are the same through Prometheus' remote read")


def sub_folder(folder: str, name: str) -> str:
    path = pathlib.Path(folder) / name
    path.mkdir()
    return str(path)


def troupe_reads(folder: str):
    """From a real Prometheus and from another troupe at once, with a third that is not there."""
    nobody = harness.free_port()
    with exporters.Exporter(proto_body) as target, source(sub_folder(folder, "far"), target.port) as far, \
            harness.prometheus(folder, SOURCE.replace("scrape_native_histograms: true\n", "sample_limit: 0\n").format(
                target=target.port).replace("job_name: fx", "job_name: px"), ["--enable-feature=native-histograms"]) as peer:
        peer.start()
        wait_for_samples(far, 15)
        wait_for_samples(peer, 15)
        now = int(time.time()) - 2
        more = "".join(f"  - {{url: 'http://127.0.0.1:{port}/api/v1/read', read_recent: true, name: {name}{extra}}}\n" for port, name, extra in (
            (peer.port, "peer", ", headers: {X-Asked-By: troupe}"), (nobody, "nobody", ", remote_timeout: 2s, required_matchers: {job: none}")))
        config = READER.format(labels="{region: x}", port=far.port, more=more)
        with harness.troupe(sub_folder(folder, "reader"), config) as reader:
            reader.start()
            n = 0
            for expr in EXPRESSIONS:
                here = answers(reader.port, expr, now)
                there = {**answers(far.port, expr, now), **answers(peer.port, expr, now)}
                if "sum by" in expr:
                    continue
                assert here and here.keys() == there.keys(), f"{expr}: {sorted(here.keys() ^ there.keys())[:4]}"
                for key, points in here.items():
                    assert points == there[key], f"{expr}: {key}: {points} here, {there[key]} there"
                    n += len(points)
            assert {s["metric"].get("region") for s in harness.instant(reader.port, "up", now)} == {None}
            answer = json.loads(harness.request(reader.port, "GET", f"/api/v1/query?query=up%7Bjob%3D%22none%22%7D&time={now}")[2])
            assert answer["status"] == "success" and any("remote_read: " in w for w in answer.get("warnings", [])), answer
            assert harness.metric(reader.port, "troupe_remote_read_queries_total") > 2 * len(EXPRESSIONS)
            print(f"{n} points through troupe's remote read of a Prometheus and a troupe")


def answers_and_refusals(folder: str):
    flags = [harness.WRITE_FLAG, "--storage.remote.read-sample-limit=100", "--storage.remote.read-concurrent-limit=2"]
    with harness.troupe(folder, None, flags) as server:
        server.start()
        now = int(time.time()) * 1000
        writer = harness.Writer(server.port)
        assert writer.write([({"__name__": "m", "i": str(i)}, [(now + k, float(k)) for k in range(60)]) for i in range(3)]) == 204
        status, fields, body = read(server.port, query(now, now + 9, ("=", "__name__", "m"), ("!=", "i", "2")))
        assert status == 200 and fields["Content-Type"] == "application/x-protobuf" and fields["Content-Encoding"] == "snappy"
        assert len(body) > 0
        status, _, body = read(server.port, query(now, now + 99, ("=", "__name__", "m")))
        assert (status, body) == (400, b"exceeded sample limit (100)\n"), (status, body)
        status, fields, body = read(server.port, query(now, now + 99, ("=", "__name__", "m")), number(2, 1))
        assert status == 200 and fields["Content-Type"] == "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
        frames = 0
        while body:
            size = shift = at = 0
            while True:
                size |= (body[at] & 0x7F) << shift
                shift, at = shift + 7, at + 1
                if body[at - 1] < 0x80:
                    break
            assert struct.unpack(">I", body[at:at + 4])[0] and len(body) >= at + 4 + size
            body, frames = body[at + 4 + size:], frames + 1
        assert frames == 3, f"{frames} frames of 3 series"
        bad = [(harness.snappy(query(0, 1, ("=~", "a", "("))), 400), (harness.snappy(b"\xff"), 400), (b"nonsense", 400),
               (harness.snappy(query(0, 1) + number(2, 9)), 400), (varint(1 << 40) + b"x", 400),
               (varint(1 << 31) + b"x", 413)]
        for payload, want in bad:
            status, _, body = harness.request(server.port, "POST", "/api/v1/read", payload)
            assert status == want, f"{payload[:20]!r}: {status} {body!r}"
        assert harness.request(server.port, "GET", "/api/v1/read")[0] == 405
        # More at a time than the limit: all are answered, and slots come back.
        results = []
        threads = [threading.Thread(target=lambda: results.append(
            read(server.port, query(now, now + 99, ("=", "__name__", "m")), number(2, 1))[0])) for _ in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert results == [200] * 12, results


def main() -> int:
    only = sys.argv[1:]
    peer = harness.peer("prometheus")
    code = harness.run_steps([answers_and_refusals] + ([prometheus_reads, troupe_reads] if peer else []), only)
    if not peer:
        harness.skip("the part with a reader: no Prometheus (scripts/peers.sh)")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except http.client.HTTPException as e:
        sys.exit(f"the server broke off: {e!r}")
