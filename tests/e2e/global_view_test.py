#!/usr/bin/env python3
"""The global view: a node that queries regions answers as one that has everything; a region with two nodes loses one, then both;
replicas stand in; a region that hangs, one that answers too much, and two nodes that show each other. One region is a real
Prometheus, where there is one."""
import contextlib
import json
import math
import pathlib
import signal
import socket
import sys
import threading
import time
import urllib.parse

import harness

STEP_MS = 5000
SAMPLES = 60
LES = ("0.1", "0.5", "1", "+Inf")


def series_of(region: str, now: int):
    """What a region has, without its label: counters, a gauge, classic histograms."""
    seed = sum(region.encode())
    out = []
    for job in ("api", "db"):
        for i in range(3):
            base = {"job": job, "instance": f"{region}-{i}"}
            times = [now - (SAMPLES - k) * STEP_MS for k in range(SAMPLES)]
            out.append(({"__name__": "requests_total", "code": "200", **base}, [(t, float(k * (seed + i))) for k, t in enumerate(times)]))
            out.append(({"__name__": "load", **base}, [(t, float((k * seed + i) % 17)) for k, t in enumerate(times)]))
            for n, le in enumerate(LES):
                out.append(({"__name__": "took_seconds_bucket", "le": le, **base},
                            [(t, float(k * (n + 1) * (i + 1))) for k, t in enumerate(times)]))
    return out


def with_region(series, region: str):
    return [({**labels, "region": region}, samples) for labels, samples in series]


def sub_folder(folder: str, name: str) -> str:
    path = pathlib.Path(folder) / name
    path.mkdir()
    return str(path)


def node(folder: str, name: str, series=(), own: str = "", port: int = None) -> harness.Server:
    here = sub_folder(folder, name)
    flags = [harness.WRITE_FLAG]
    if own:
        (pathlib.Path(here) / "own.yml").write_text(own)
        flags.append(f"--troupe.config.file={here}/own.yml")
    server = harness.troupe(here, flags=flags, port=port)
    server.start()
    write(server.port, series)
    return server


def write(port: int, series):
    if series:
        writer = harness.Writer(port)
        assert writer.write(list(series)) // 100 == 2
        writer.close()


def third_region(folder: str, series):
    """A Prometheus if there is one; its external labels are no labels of its series."""
    if not harness.peer("prometheus"):
        return node(folder, "asia", series)
    server = harness.prometheus(sub_folder(folder, "asia"), "global: {external_labels: {region: far-east}}\n", [harness.WRITE_FLAG])
    server.start()
    write(server.port, series)
    return server


def block(**regions) -> str:
    lines = ["global_view:"]
    for name, servers in regions.items():
        urls = ", ".join(f"'http://127.0.0.1:{s if isinstance(s, int) else s.port}'" for s in servers)
        lines.append(f"- {{name: {name}, urls: [{urls}]}}")
    return "region: {name: home}\n" + "\n".join(lines) + "\n"


def ask(port: int, path: str, **params):
    """(status, answer, seconds)"""
    began = time.monotonic()
    query = urllib.parse.urlencode(params, doseq=True)
    status, _, body = harness.request(port, "GET", f"{path}?{query}")
    return status, json.loads(body), time.monotonic() - began


def values(result):
    out = {}
    for s in result:
        key = tuple(sorted(s["metric"].items()))
        assert key not in out, f"{key} is there twice"
        out[key] = [(t, float(v)) for t, v in s.get("values", [s["value"]] if "value" in s else [])]
    return out


def expect_equal(ours, theirs, what: str):
    assert ours.keys() == theirs.keys(), f"{what}: {sorted(ours.keys() ^ theirs.keys())[:4]}"
    for key, points in ours.items():
        assert [t for t, _ in points] == [t for t, _ in theirs[key]], f"{what}: {key}"
        for (t, a), (_, b) in zip(points, theirs[key]):
            assert math.isclose(a, b, rel_tol=1e-12) or (math.isnan(a) and math.isnan(b)), f"{what}: {key} at {t}: {a} here, {b} there"


EXPRESSIONS = (
    "load", 'load{region="eu"}', 'load{region=~"us|home"}', 'load{region!~"us|home",job="db"}', "sum(load)", "sum by (region) (load)",
    "count by (job) (requests_total)", "avg by (job) (load)", "max without (instance) (load)", "min(load) by (region, job)",
    "sum by (region, job) (rate(requests_total[1m]))", "sum(rate(requests_total[1m])) by (code)", "topk(3, load)", "stddev by (job) (load)",
    "histogram_quantile(0.9, sum by (le) (rate(took_seconds_bucket[1m])))",
    "histogram_quantile(0.5, sum by (region, le) (rate(took_seconds_bucket[1m])))",
    'sum(requests_total{region="eu"}) / on () sum(requests_total)', "sum by (job) (load) / count by (job) (load)",
    "max_over_time(sum(load)[1m:10s])", "sum by (region) (load / on (region, job, instance) requests_total)", "sum(load offset 30s)",
    "increase(requests_total[1m])", "group by (region) (timestamp(load))", "absent(load)", "sum(nothing)",
    "quantile by (region) (0.5, load)", 'sum(label_replace(load, "who", "$1", "instance", "(.*)-.*")) by (who)')


def compare(view: int, everything: int, now: int) -> int:
    n = 0
    end = now // 1000
    for expr in EXPRESSIONS:
        here, there = (values(harness.api(p, "/api/v1/query", query=expr, time=end)["result"]) for p in (view, everything))
        expect_equal(here, there, expr)
        here, there = (values(harness.api(p, "/api/v1/query_range", query=expr, start=end - 240, end=end, step=15)["result"])
                       for p in (view, everything))
        expect_equal(here, there, expr + " over time")
        n += sum(len(points) for points in here.values())
    for path in ("/api/v1/labels", "/api/v1/label/region/values", "/api/v1/label/job/values", "/api/v1/label/instance/values",
                 "/api/v1/label/__name__/values"):
        for match in ([], ["load"], ['{region="us"}'], ['{job="db",region!="eu"}'], ["requests_total", 'load{region="asia"}']):
            here, there = (harness.get_api(p, path, **{"match[]": match}) for p in (view, everything))
            assert here == there, (path, match, here, there)
    for match in ("load", '{region="us"}', '{job="db",region!~"eu|asia"}'):
        here, there = (sorted(json.dumps(s, sort_keys=True) for s in harness.api(p, "/api/v1/series", **{"match[]": match}))
                       for p in (view, everything))
        assert here == there and here, match
    return n


def as_one_node_and_when_regions_go(folder: str):
    now = int(time.time()) * 1000 // STEP_MS * STEP_MS
    regions = {name: series_of(name, now) for name in ("home", "eu", "us", "asia")}
    with contextlib.ExitStack() as stack:
        pair = [stack.enter_context(node(folder, f"eu-{r}", regions["eu"])) for r in "ab"]
        us = stack.enter_context(node(folder, "us", regions["us"]))
        asia = stack.enter_context(third_region(folder, regions["asia"]))
        everything = stack.enter_context(node(folder, "all", [s for name, of in regions.items() for s in with_region(of, name)]))
        # What was taken over from us lies here, too, but not its last minute.
        replicas = [(labels, samples[:-12]) for labels, samples in with_region(regions["us"], "us")]
        view = stack.enter_context(node(folder, "view", regions["home"] + replicas, block(eu=pair, us=[us], asia=[asia])))
        n = compare(view.port, everything.port, now)
        pushed = harness.metric(view.port, "troupe_global_view_parts_pushed_total")
        assert pushed > 20, pushed
        print(f"  {n} points of {len(EXPRESSIONS)} expressions are those of one node; {pushed:.0f} parts were evaluated by the regions")

        pair[0].kill()
        assert compare(view.port, everything.port, now) == n, "the other node of the pair answers"
        pair[1].kill()
        end = now // 1000
        status, answer, _ = ask(view.port, "/api/v1/query", query="count(load)", time=end)
        assert status == 503 and answer["errorType"] == "unavailable" and 'region "eu"' in answer["error"], answer
        for path in ("/api/v1/labels", "/api/v1/label/job/values", "/api/v1/series"):
            status, answer, _ = ask(view.port, path, **{"match[]": "load"})
            assert status == 503 and 'region "eu"' in answer["error"], answer
            status, answer, _ = ask(view.port, path, **{"match[]": "load", "partial_response": "true"})
            assert status == 200 and any('region "eu"' in w for w in answer["warnings"]), answer
        status, answer, _ = ask(view.port, "/api/v1/query", query="count(load)", time=end, partial_response="true")
        assert status == 200 and answer["data"]["result"][0]["value"][1] == "18", answer
        assert len(answer["warnings"]) == 1 and 'region "eu"' in answer["warnings"][0] and "missing" in answer["warnings"][0], answer
        status, answer, _ = ask(view.port, "/api/v1/query", query='count(load{region!="eu"})', time=end)
        assert status == 200 and "warnings" not in answer, "who is not meant is not missed"
        status, answer, _ = ask(view.port, "/api/v1/query", query="count(load)", time=end, regions="us,local")
        assert status == 200 and answer["data"]["result"][0]["value"][1] == "12", answer

        us.kill()
        status, answer, _ = ask(view.port, "/api/v1/query", query='max by (region) (timestamp(load{region="us"}))', time=end,
                                partial_response="true")
        newest = float(answer["data"]["result"][0]["value"][1])
        assert newest == end - 13 * STEP_MS / 1000, "the replicas stand in, as far as they go"
        assert "stand in" in answer["warnings"][0], answer
        state = {r["name"]: r for r in harness.get_api(view.port, "/api/v1/status/global_view")}
        assert state["eu"]["state"] == state["us"]["state"] == "down" and state["asia"]["state"] == "up", state
        assert all(r["inFlight"] == r["waiting"] == 0 for r in state.values()), state
        for server in (pair[1], us):
            server.start()
        assert compare(view.port, everything.port, now) == n, "all are back"
        assert harness.stop_ok(view)


class Hang:
    """Takes connections and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.taken = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self.socket.accept()[0])


def limits(folder: str):
    now = int(time.time()) * 1000 // STEP_MS * STEP_MS
    hang = Hang()
    own = f"""
global_view:
- {{name: hanging, urls: ['http://127.0.0.1:{hang.port}'], max_concurrent: 1}}
- {{name: big, urls: ['http://127.0.0.1:%d'], max_answer_bytes: 1KiB}}
"""
    with node(folder, "big", series_of("big", now)) as big, node(folder, "view", series_of("here", now), own % big.port) as view:
        end = now // 1000
        status, answer, took = ask(view.port, "/api/v1/query", query="sum(load)", time=end, timeout="1500ms", regions="local,hanging")
        assert status == 503 and 'region "hanging"' in answer["error"] and took < 2.5, (took, answer)
        # One waits for an answer, the others for their turn: all end in time.
        results = []
        threads = [threading.Thread(target=lambda: results.append(ask(
            view.port, "/api/v1/query", query="count(load)", time=end, timeout="1500ms", regions="local,hanging", partial_response="true")))
            for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for status, answer, took in results:
            assert status == 200 and answer["data"]["result"][0]["value"][1] == "6" and took < 2.5, (took, answer)
            assert 'region "hanging"' in answer["warnings"][0], answer
        status, answer, _ = ask(view.port, "/api/v1/query", query='{job="api"}[5m]', time=end, regions="big")
        assert status == 503 and 'region "big"' in answer["error"], answer
        status, answer, _ = ask(view.port, "/api/v1/query", query="sum(load", time=end)
        assert status == 400 and answer["errorType"] == "bad_data", answer
        status, answer, _ = ask(view.port, "/api/v1/query", query="load", regions="nowhere")
        assert status == 400 and "nowhere" in answer["error"], answer
        assert harness.metric(view.port, "troupe_global_view_requests_total") >= 4


def two_that_show_each_other(folder: str):
    now = int(time.time()) * 1000 // STEP_MS * STEP_MS
    ports = [harness.free_port() for _ in range(2)]
    own = "region: {{name: {0}}}\nglobal_view: [{{name: {1}, urls: ['http://127.0.0.1:{2}']}}]\n"
    with node(folder, "a", series_of("a", now), own.format("a", "b", ports[1]), ports[0]) as first, \
            node(folder, "b", series_of("b", now), own.format("b", "a", ports[0]), ports[1]):
        for port in ports:
            got = {s["metric"]["region"]: s["value"][1] for s in harness.instant(port, "count by (region) (load)", now // 1000)}
            assert got == {"a": "6", "b": "6"}, got
            assert harness.get_api(port, "/api/v1/label/region/values") == ["a", "b"]
        # A reload takes the region away.
        (pathlib.Path(folder) / "a/own.yml").write_text("region: {name: a}\n")
        first.signal(signal.SIGHUP)
        harness.wait_for("the reload", lambda: harness.get_api(ports[0], "/api/v1/status/global_view") == [])
        got = harness.instant(ports[0], "count by (region) (load)", now // 1000)
        assert [(s["metric"], s["value"][1]) for s in got] == [({}, "6")], "without the view it is as it was"


if __name__ == "__main__":
    sys.exit(harness.run_steps([as_one_node_and_when_regions_go, limits, two_that_show_each_other], sys.argv[1:]))
