#!/usr/bin/env python3
"""Remote write into troupe: a real Prometheus sends 1.0 and 2.0, a real vmagent its own zstd form and Prometheus' one; every
value, native histogram, exemplar and description is what the sender has. Then what no sender in its senses does: each hostile
request gets a 4xx with the reason, within bounded memory. The peers' part is skipped without the peers."""
import http.client
import math
import pathlib
import random
import struct
import sys
import threading
import time

import exporters
import harness
from harness import field, varint
from proto_target import double, number, proto_body

MIB = 1 << 20
V2_HEADERS = {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request", "Content-Encoding": "snappy",
              "X-Prometheus-Remote-Write-Version": "2.0.0"}


SENDER = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: fx
    scrape_protocols: [PrometheusProto]
    convert_classic_histograms_to_nhcb: true
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
remote_write:
  - url: http://127.0.0.1:{v1}/api/v1/write
    protobuf_message: prometheus.WriteRequest
    send_exemplars: true
    send_native_histograms: true
    metadata_config: {{send_interval: 1s}}
    queue_config: {{batch_send_deadline: 100ms}}
  - url: http://127.0.0.1:{v2}/api/v1/write
    protobuf_message: io.prometheus.write.v2.Request
    send_exemplars: true
    send_native_histograms: true
    queue_config: {{batch_send_deadline: 100ms}}
"""
SENDER_FLAGS = ("--enable-feature=native-histograms,exemplar-storage,metadata-wal-records",)


def receiver(folder: str, name: str) -> harness.Server:
    path = pathlib.Path(folder) / name
    path.mkdir()
    return harness.troupe(str(path), flags=[harness.WRITE_FLAG])


def comparable(h: dict):
    """A histogram of a reply. Its bounds come from a table there, are computed here, and may differ in the last bit."""
    return (h["count"], h["sum"],
            [(kind, f"{float(low):.13g}", f"{float(high):.13g}", n) for kind, low, high, n in h.get("buckets", [])])


def raw(port: int, expr: str, at: float) -> dict:
    """{series: {time: value or histogram}}."""
    out = {}
    for s in harness.instant(port, expr, at):
        points = {t: v for t, v in s.get("values", [])}
        points.update({t: comparable(h) for t, h in s.get("histograms", [])})
        out[tuple(sorted(s["metric"].items()))] = points
    return out


def exemplars(port: int, at: float) -> dict:
    found = harness.get_api(port, "/api/v1/query_exemplars", query="fx_total", start=at - 600, end=at)
    return {tuple(sorted(s["seriesLabels"].items())): [(e["labels"], e["value"], e["timestamp"]) for e in s["exemplars"]]
            for s in found}


def settled(port: int, at: float) -> bool:
    """Samples of after `at` are there, so all before are."""
    return any(float(s["value"][1]) > at for s in harness.instant(port, "max(timestamp(fx_value))"))


def prometheus_sends(folder: str):
    with exporters.Exporter(proto_body) as target, receiver(folder, "v1") as v1, receiver(folder, "v2") as v2:
        v1.start()
        v2.start()
        config = SENDER.format(target=target.port, v1=v1.port, v2=v2.port)
        with harness.prometheus(folder, config, SENDER_FLAGS) as sender:
            sender.start()
            harness.wait_for("20 seconds of samples", lambda: any(
                float(s["value"][1]) >= 20 for s in harness.instant(sender.port, "max(count_over_time(fx_value[1m]))")), 60, 0.5)
            now = time.time()
            for server in (v1, v2):
                harness.wait_for("the samples to arrive", lambda s=server: settled(s.port, now), 30, 0.2)
            everything = '{__name__=~".+"}[2m]'
            sent = raw(sender.port, everything, now)
            assert len(sent) >= 38, sorted(sent)
            custom = [k for k in sent if ("__name__", "fx_classic") in k]
            assert len(custom) == 1, "the classic histogram was to be one of custom buckets"
            for name, server in (("1.0", v1), ("2.0", v2)):
                got = raw(server.port, everything, now)
                want = {k: v for k, v in sent.items() if name == "2.0" or k not in custom}
                assert got.keys() == want.keys(), f"{name}: {sorted(got.keys() ^ want.keys())[:5]}"
                for k, points in want.items():
                    # What was sent before the receivers knew of it, and after, is all there.
                    have = got[k]
                    different = [(t, have.get(t), points.get(t)) for t in {**have, **points} if have.get(t) != points.get(t)]
                    assert not different, f"{name}: {k}: (time, here, there): {different[:2]}"
                a, b = exemplars(server.port, now), exemplars(sender.port, now)
                assert a == b and sum(len(e) for e in a.values()) >= 30, f"{name}: {a} here, {b} there"
                described = harness.wait_for(f"metadata of {name}", lambda s=server: "fx_total" in (
                    m := harness.get_api(s.port, "/api/v1/metadata")) and m, 20, 0.5)
                for family_name, kind, text in (("fx_total", "counter", "Counted."), ("fx_value", "gauge", "Measured."),
                                                ("fx_native", "histogram", "Sparse.")):
                    assert described[family_name] == [{"type": kind, "help": text, "unit": ""}], described[family_name]
            count = sum(len(p) for p in sent.values())
            histograms = sum(len(p) for k, p in sent.items() if k[0][1] in ("fx_native", "fx_classic"))
            failed = harness.metric(sender.port, "prometheus_remote_storage_samples_failed_total")
            assert failed == 0, f"{failed} samples failed: {sender.log_tail(5)}"
            print(f"Prometheus sent {count} samples of {len(sent)} series by 1.0 and by 2.0, {histograms} of histograms")


def vmagent_sends(folder: str):
    body = exporters.fixture_body(200)
    served, lock = {}, threading.Lock()

    def remembering(path):
        kind, payload = body(path)
        with lock:
            for line in payload.decode().splitlines():
                if not line.startswith("#"):
                    series, value, ts = line.rsplit(" ", 2)
                    served[series, int(ts) / 1000] = float(value)
        return kind, payload

    with exporters.Exporter(remembering) as target, receiver(folder, "zstd") as zstd, receiver(folder, "snappy") as snappy:
        zstd.start()
        snappy.start()
        with open(f"{folder}/scrape.yml", "w", encoding="utf-8") as f:
            f.write("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: fx\n    honor_timestamps: true\n"
                    f"    static_configs: [{{targets: ['127.0.0.1:{target.port}']}}]\n")
        port = harness.free_port()
        agent = harness.Server([harness.peer("vmagent"), f"-httpListenAddr=127.0.0.1:{port}",
                                f"-promscrape.config={folder}/scrape.yml", f"-remoteWrite.tmpDataPath={folder}/agent",
                                f"-remoteWrite.url=http://127.0.0.1:{zstd.port}/api/v1/write",
                                f"-remoteWrite.url=http://127.0.0.1:{snappy.port}/api/v1/write",
                                "-remoteWrite.forceVMProto=true,false", "-remoteWrite.forcePromProto=false,true",
                                "-remoteWrite.flushInterval=200ms"], port, f"{folder}/agent.log")
        with agent:
            agent.start("/health")
            for name, server in (("zstd", zstd), ("snappy", snappy)):
                def enough(s=server):
                    return sum(len(x["values"]) for x in harness.instant(s.port, '{job="fx",__name__=~"fixture_.*"}[2m]')) >= 2000
                harness.wait_for(f"2,000 samples by {name}", enough, 60, 0.5)
                checked = 0
                for s in harness.instant(server.port, '{job="fx",__name__=~"fixture_.*"}[2m]'):
                    i = s["metric"]["i"]
                    start = f'{s["metric"]["__name__"]}{{i="{i}"'
                    with lock:
                        known = {t: v for (series, t), v in served.items()
                                 if series.startswith(start + ",") or series == start + "}"}
                    for t, v in s["values"]:
                        want = known[t]
                        same = float(v) == want or (math.isnan(want) and v == "NaN")
                        assert same, f"{name}: {start} @{t}: {v} here, {want} served"
                        checked += 1
                print(f"vmagent sent {checked} samples by {name}")


# ---- hostile requests ----

def v2_request(symbols, series) -> bytes:
    """Series: [(references, bytes behind them)…]."""
    return (b"".join(field(4, s if isinstance(s, bytes) else s.encode()) for s in symbols) +
            b"".join(field(5, field(1, b"".join(varint(r) for r in refs)) + behind) for refs, behind in series))


def sample(value: float, ts: int, start: int = 0) -> bytes:
    return field(2, double(1, value) + number(2, ts) + (number(3, start) if start else b""))


def snappy_bomb(size: int) -> bytes:
    """One byte and copies of what is there: 64 bytes of three."""
    whole, rest = divmod(size - 1, 64)
    return varint(size) + b"\x00\x00" + bytes([63 << 2 | 2, 1, 0]) * whole + (bytes([(rest - 1) << 2 | 2, 1, 0]) if rest else b"")


def zstd_bomb(size: int) -> bytes:
    """Blocks of one repeated byte: 128 KiB of four."""
    out = bytearray(b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", size))
    left = size
    while left:
        n = min(left, 128 << 10)
        left -= n
        out += struct.pack("<I", (left == 0) | 1 << 1 | n << 3)[:3] + b"\x00"
    return bytes(out)


def hostile(now: int):
    """(name, headers, body, status, what the reason says)."""
    names = ["", "__name__", "m", "a", "b", b"\xff"]
    one = lambda refs, behind=sample(1, now): harness.snappy(v2_request(names, [(refs, behind)]))  # noqa: E731
    many = ["", "__name__", "m", *(f"l{i}" for i in range(100_000))]
    wide = [1, 2, *(r for i in range(100_000) for r in (3 + i, 2))]
    v1, v2 = harness.WRITE_HEADERS, V2_HEADERS
    zstd = {**v2, "Content-Encoding": "zstd"}
    yield "snappy bomb", v2, snappy_bomb(1 << 30), 413, ""
    yield "snappy that lies", v2, varint(0xFFFFFFFF) + bytes(100), 413, ""
    yield "zstd bomb", zstd, zstd_bomb(1 << 30), 413, ""
    yield "zstd garbage", zstd, b"\x28\xb5\x2f\xfd" + bytes(range(200)), 400, ""
    yield "many empty series", v2, harness.snappy(b"\x2a\x00" * 8_000_000), 413, "more elements than its size justifies"
    yield "many empty samples", v2, one([1, 2], b"\x12\x00" * 8_000_000), 413, "more elements than its size justifies"
    yield "many empty symbols", v2, harness.snappy(b"\x22\x00" * 8_000_000), 413, "more elements than its size justifies"
    yield "many empty series, 1.0", v1, harness.snappy(b"\x0a\x00" * 8_000_000), 413, "more elements than its size justifies"
    yield "100 K labels", v2, harness.snappy(v2_request(many, [(wide, sample(1, now))])), 400, "more than 1024 labels"
    yield "100 K labels, 1.0", v1, harness.snappy(harness.write_request(
        [({"__name__": "m", **{f"l{i}": "v" for i in range(100_000)}}, [(now, 1)])])), 400, "more than 1024 labels"
    yield "year 1", v2, one([1, 2], sample(1, -62_135_596_800_000)), 400, "1 samples are too old"
    yield "year 9999", v2, one([1, 2], sample(1, 253_402_300_799_000)), 400, "1 samples are too far in the future"
    yield "duplicate label", v2, one([1, 2, 3, 4, 3, 2]), 400, 'duplicate label name "a"'
    yield "empty label name", v2, one([1, 2, 0, 4]), 400, "empty label name"
    yield "no metric name", v2, one([3, 4]), 400, "series without a metric name"
    yield "invalid UTF-8", v2, one([1, 2, 3, 5]), 400, "label is not valid UTF-8"
    yield "odd references", v2, one([1, 2, 3]), 400, "odd number of label references"
    yield "far reference", v2, one([1, 2, 3, 99]), 400, "label reference 99 is beyond the 6 symbols"
    yield "no empty symbol", v2, harness.snappy(v2_request(["x"], [])), 400, "the first symbol is not the empty string"
    yield "cut", v2, harness.snappy(v2_request(names, [([1, 2], sample(1, now))])[:-1]), 400, "malformed"
    yield "unknown message", {**v2, "Content-Type": "application/x-protobuf;proto=x.Y"}, b"", 415, "unknown remote write"
    yield "unknown coding", {**v2, "Content-Encoding": "br"}, b"", 415, "br encoding"
    dice = random.Random(7)
    for i in range(50):
        yield f"random {i}", (v1, v2)[i % 2], harness.snappy(dice.randbytes(dice.randrange(1, 5000))), 400, ""


def highest_rss(server) -> int:
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM:"))


def hostile_requests(folder: str):
    with harness.troupe(folder, flags=[harness.WRITE_FLAG, "--enable-feature=promql-experimental-functions"]) as server:
        server.start()
        now = int(time.time() * 1000)

        def send(headers, body):
            return harness.request(server.port, "POST", "/api/v1/write", body, headers, timeout=60)

        good = harness.snappy(v2_request(["", "__name__", "good"], [([1, 2], sample(4, now, now - 1000))]))
        for _ in range(2):  # once more, as after a lost answer
            status, headers, _ = send(V2_HEADERS, good)
            assert status == 204 and headers["X-Prometheus-Remote-Write-Samples-Written"] == "1", (status, headers)
        assert harness.instant(server.port, "count_over_time(good[1h])", now / 1000 + 1)[0]["value"][1] == "1"
        started = harness.instant(server.port, "start_timestamp(good)", now / 1000)[0]["value"][1]
        assert float(started) == (now - 1000) / 1000, f"started at {started}"
        before, count = server.rss_bytes(), 0
        for name, headers, body, want, reason in hostile(now):
            status, _, answer = send(headers, body)
            text = answer.decode()
            assert status == want and text and reason in text, f"{name}: {status} {text[:300]!r}"
            count += 1
        peak = highest_rss(server) - before
        assert peak < 256 * MIB, f"memory rose by {peak / MIB:.0f} MiB"
        mixed = harness.snappy(v2_request(["", "__name__", "good", "bad"], [
            ([1, 2], sample(5, now + 1)), ([1, 3, 1, 3], sample(1, now)), ([1, 3], sample(1, 0))]))
        status, headers, answer = send(V2_HEADERS, mixed)
        assert status == 400 and headers["X-Prometheus-Remote-Write-Samples-Written"] == "1", (status, headers)
        assert answer == (b'the valid part is stored; 1 samples are too old; 1 series (1 samples) are invalid: '
                          b'duplicate label name "__name__"\n'), answer
        assert harness.instant(server.port, "count_over_time(good[1h])", now / 1000 + 1)[0]["value"][1] == "2"
        assert harness.stop_ok(server)
        print(f"{count} hostile requests, memory rose by {peak / MIB:.0f} MiB")


def main() -> int:
    only = sys.argv[1:]
    missing = [name for name in ("prometheus", "vmagent") if not harness.peer(name)]
    steps = [hostile_requests] if missing else [hostile_requests, prometheus_sends, vmagent_sends]
    code = harness.run_steps(steps, only)
    if missing:
        harness.skip(f"the part with senders: no {', '.join(missing)} (scripts/peers.sh)")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except http.client.HTTPException as e:
        sys.exit(f"the server broke off: {e!r}")
