#!/usr/bin/env python3
"""Pushes into troupe and into a real Pushgateway: the same status codes and the same metrics to scrape. Then troupe scrapes
itself: what was pushed is there with its own labels, goes on over a kill -9 and ends when it is deleted. The comparison is
left out without the peer."""
import gzip
import json
import sys
import time

import harness
from harness import field
from proto_target import double, family, labels, number

FLAGS = ("--troupe.web.enable-pushgateway", "--web.enable-admin-api")
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: pushgateway
    honor_labels: true
    metrics_path: /pushgateway/metrics
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
PROTO = {"Content-Type": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"}
TEXT = b"""# HELP last_success When the job was done, \\\\ and\\n all.
# TYPE last_success gauge
last_success 1.5e9
# TYPE rows counter
rows{table="a",quoted="x\\"y\\\\z\\n"} 12
rows{table="b",job="mine"} 3
# TYPE took histogram
took_bucket{le="0.5"} 1
took_bucket{le="+Inf"} 4
took_sum 6.25
took_count 4
"""
BODY = (family("pushed_total", "Counted.", 0, [labels(x="1") + field(3, double(1, 7))]) +
        family("pushed_summary", "Told.", 2, [labels(x="1") + field(4, number(1, 3) + double(2, 1.5) + field(3, double(1, 0.5) + double(2, 0.25)))]) +
        family("pushed_histogram", "Told.", 4, [labels(x="1") + field(7, number(1, 3) + double(2, 1.5) + field(3, number(1, 1) + double(2, 0.5)))]))
# (method, path behind /metrics/, headers, body, status)
PUSHES = [
    ("PUT", "job/backup", {}, TEXT, 200),
    ("POST", "job/backup/instance/db1", {}, b"rows 4\n", 400),  # another type than in the other group
    ("POST", "job/backup/instance/db1", {}, b"# TYPE rows counter\nrows{instance=\"other\"} 4\n", 200),
    ("POST", "job/backup/instance/db1", PROTO, BODY, 200),
    ("PUT", "job@base64/YmFja3Vw/path@base64/L3Zhci90bXA/empty@base64/=", {}, b"untyped_one 1\n", 200),
    ("PUT", "job/gone", {}, b"gone 1\n", 200),
    ("DELETE", "job/gone", {}, b"", 202),
    ("DELETE", "job/never", {}, b"", 202),
    ("POST", "job/replaced", {}, b"# TYPE r gauge\nr{a=\"1\"} 1\n# TYPE kept gauge\nkept 1\n", 200),
    ("POST", "job/replaced", {}, b"# TYPE r gauge\nr{a=\"2\"} 2\n", 200),
    ("PUT", "job/put", {}, b"first 1\n", 200),
    ("PUT", "job/put", {}, b"second 2\n", 200),
    ("PUT", "job/bad", {}, b"no{ 1\n", 400),
    ("PUT", "job/bad", {}, b"stamped 1 1000\n", 400),
    ("PUT", "job/bad", {}, b"twice 1\ntwice 2\n", 400),
    ("PUT", "job/bad/odd", {}, b"a 1\n", 400),
    ("PUT", "job/empty", {}, b"", 200),
]


def send(port: int, method: str, path: str, headers: dict, body: bytes) -> int:
    return harness.request(port, method, f"/metrics/{path}", body, headers)[0]


def exposed(port: int, path: str) -> dict:
    """Series with sorted labels -> value; push times as whether there was one."""
    out = {}
    for line in harness.request(port, "GET", path)[2].decode().splitlines():
        if line.startswith("#") or line.startswith(("go_", "process_", "pushgateway_", "promhttp_", "prometheus_")):
            continue
        series, value = line.rsplit(" ", 1)
        name, _, inner = series.partition("{")
        key = (name, *sorted(inner.rstrip("}").split(",")))
        value = float(value)
        assert key not in out, key
        out[key] = (value > 0) if name.startswith("push_") else value
    return out


def groups(port: int) -> dict:
    """What /api/v1/metrics says, by group: times as whether there are some, and without the +Inf that only troupe adds."""
    status, headers, text = harness.request(port, "GET", "/api/v1/metrics")
    assert status == 200 and headers["Content-Type"] == "application/json", (status, headers)
    out = {}
    for group in json.loads(text)["data"]:
        for name, family in group.items():
            if name in ("labels", "last_push_successful"):
                continue
            family["time_stamp"] = family["time_stamp"][:10] > "2020"
            for metric in family["metrics"]:
                if name.startswith("push_"):
                    metric["value"] = float(metric["value"]) > 0
                metric.get("buckets", {}).pop("+Inf", None)
            family["metrics"].sort(key=lambda m: sorted(m["labels"].items()))
        out[tuple(sorted(group["labels"].items()))] = group
    return out


def beside_pushgateway(folder: str, server) -> None:
    peer = harness.peer("prometheus-pushgateway")
    theirs = None
    if peer:
        port = harness.free_port()
        theirs = harness.Server([peer, f"--web.listen-address=127.0.0.1:{port}"], port, folder + "/pushgateway.log")
        theirs.start()
    try:
        for push in PUSHES:
            got = send(server.port, *push[:4])
            assert got == push[4], f"{push[:2]}: {got} here"
            if theirs:
                there = send(theirs.port, *push[:4])
                assert there == push[4], f"{push[:2]}: {there} there"
        here = exposed(server.port, "/pushgateway/metrics")
        if theirs:
            there = exposed(theirs.port, "/metrics")
            different = {k: (here.get(k), there.get(k)) for k in here.keys() | there.keys() if here.get(k) != there.get(k)}
            assert not different, different
            ours, real = groups(server.port), groups(theirs.port)
            different = {k: (ours.get(k), real.get(k)) for k in ours.keys() | real.keys() if ours.get(k) != real.get(k)}
            assert not different, different
            ours, real = (json.loads(harness.request(p, "GET", "/api/v1/status")[2])["data"] for p in (server.port, theirs.port))
            assert ours.keys() == real.keys() and ours["build_information"].keys() == real["build_information"].keys(), (ours, real)
            assert ours["start_time"][:10] == real["start_time"][:10] and isinstance(ours["flags"], dict), ours
        print(f"{len(PUSHES)} pushes, {len(here)} series{', as a real Pushgateway' if theirs else ''}")
    finally:
        if theirs:
            theirs.stop()


def main() -> int:
    with harness.work_folder() as folder:
        port = harness.free_port()
        with harness.troupe(folder, CONFIG.format(port=port), FLAGS, port=port) as server:
            server.start()
            beside_pushgateway(folder, server)
            assert send(port, "PUT", "job/zip", {"Content-Encoding": "gzip"}, gzip.compress(b"zipped 1\n")) == 200
            assert send(port, "PUT", "job/", {}, b"a 1\n") == 400  # there the router sends it elsewhere
            assert send(port, "PUT", "job/bomb", {"Content-Encoding": "gzip"}, gzip.compress(bytes(1 << 28))) == 413
            harness.wait_for("pushed metrics to be scraped", lambda: harness.instant(port, "zipped"))
            rows = {s["metric"].get("instance"): s["metric"] for s in harness.instant(port, 'rows{table!="a"}')}
            assert rows[None] == {"__name__": "rows", "job": "backup", "table": "b"}, rows
            assert rows["db1"] == {"__name__": "rows", "job": "backup", "instance": "db1"}, rows
            before = exposed(port, "/pushgateway/metrics")
            server.kill()
            server.start()
            assert exposed(port, "/pushgateway/metrics") == before
            # Series that are not scraped again after a start end after the lookback only.
            started = time.time()
            harness.wait_for("a scrape", lambda: float(harness.instant(port, "timestamp(zipped)")[0]["value"][1]) > started)
            assert send(port, "DELETE", "job/zip", {}, b"") == 202
            harness.wait_for("the series of a deleted group to end", lambda: not harness.instant(port, "zipped"))
            assert harness.request(port, "PUT", "/api/v1/admin/wipe")[0] == 202
            assert exposed(port, "/pushgateway/metrics") == {}
            assert harness.stop_ok(server)
        with harness.troupe(folder, flags=()) as closed:
            closed.start()
            status, _, text = harness.request(closed.port, "PUT", "/metrics/job/a", b"a 1\n")
            assert status == 404 and b"--troupe.web.enable-pushgateway" in text, (status, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
