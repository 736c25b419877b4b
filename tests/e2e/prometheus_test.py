#!/usr/bin/env python3
"""troupe beside a real Prometheus on the same targets: same series, bit-equal values through query, query_range and
/federate, on a fixture with explicit timestamps; same series of a real node_exporter; same answers to what is wrong.
Skipped without the peers. Known differences, which the comparison steps around:
- Prometheus waits 5 s before its first targets (its discovery manager collects changes), troupe starts at once: only the
  seconds both have are compared.
- /federate: Prometheus calls every metric untyped and appends external labels, troupe gives the type it scraped and sorts
  all labels; numbers are compared as numbers, since 1e+09 and 1000000000 are both right.
- The language follows Prometheus' newest grammar: the peer, an older version, lacks the fields `anchored` and `smoothed`
  of parse_query and the warning that sort() does nothing for range queries, and words one warning of
  histogram_quantile() otherwise.
- status/buildinfo, runtimeinfo and walreplay tell of the program itself."""
import json
import re
import sys
import time
import urllib.parse

import exporters
import harness

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, external_labels: {{region: "x"}}}}
scrape_configs:
  - job_name: fixture
    static_configs: [{{targets: ["127.0.0.1:{fixture}"], labels: {{extra: "label"}}}}]
    metric_relabel_configs:
      - {{source_labels: [i], regex: "9\\\\d", target_label: nineties, replacement: "yes"}}
      - {{source_labels: [__name__, i], regex: "fixture_total;5", action: drop}}
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{node}"]}}]
"""

LABEL = re.compile(r'([a-zA-Z0-9_]+="(?:[^"\\]|\\.)*")')


def key(metric: dict):
    return tuple(sorted(metric.items()))


def matrix(port: int, expr: str, at: float):
    return {key(s["metric"]): {p[0]: p[1] for p in s["values"]} for s in harness.instant(port, expr, at)}


def compare_raw(ours: int, theirs: int, at: float) -> int:
    a, b = (matrix(p, '{job="fixture",__name__=~"fixture_.*"}[60s]', at) for p in (ours, theirs))
    assert a.keys() == b.keys(), f"series differ: {list(a.keys() ^ b.keys())[:5]}"
    common = 0
    for series, points in a.items():
        for t, v in points.items():
            if t in b[series]:
                common += 1
                assert v == b[series][t], f"{series} @{t}: {v} here, {b[series][t]} there"
    return common


def common_seconds(ours: int, theirs: int, at: float):
    expr = 'fixture_total{i="1"}[60s]'
    sets = [set(next(iter(matrix(p, expr, at).values()), {})) for p in (ours, theirs)]
    return sorted(sets[0] & sets[1])


def compare_range(ours: int, theirs: int, seconds) -> int:
    """Runs of seconds that both have, so that rates see the same samples."""
    runs, run = [], [seconds[0]]
    for t in seconds[1:]:
        if t == run[-1] + 1:
            run.append(t)
        else:
            runs.append(run)
            run = [t]
    longest = max([*runs, run], key=len)
    assert len(longest) >= 8, f"no common run of seconds: {seconds}"
    n = 0
    for expr in ("fixture_value", "sum(fixture_total)", "rate(fixture_total[3s])", "avg_over_time(fixture_total[3s])",
                 "topk(3, fixture_total)", 'quantile by (extra) (0.3, fixture_value{i=~"[1-9]\\\\d"})'):
        params = {"query": expr, "start": longest[4], "end": longest[-1], "step": "1", "lookback_delta": "1s"}
        a, b = (harness.api(p, "/api/v1/query_range", **params)["result"] for p in (ours, theirs))
        a, b = ({key(s["metric"]): s["values"] for s in x} for x in (a, b))
        assert a == b, f"{expr}: range results differ: {next((k, a.get(k), b.get(k)) for k in {**a, **b} if a.get(k) != b.get(k))}"
        n += sum(len(v) for v in a.values())
    return n


def federated(port: int):
    status, _, body = harness.request(port, "GET", "/federate?match[]=%7Bjob%3D%22fixture%22%7D")
    assert status == 200, body
    out = {}
    for line in body.decode().splitlines():
        if line and not line.startswith("#"):
            series, value, ts = line.rsplit(" ", 2)
            name, _, labels = series.partition("{")
            out[(name, *sorted(LABEL.findall(labels)))] = (value, ts)
    return out


def compare_federate(ours: int, theirs: int) -> int:
    def both():
        a, b = federated(ours), federated(theirs)
        fixture = [k for k in a if k[0].startswith("fixture_")]
        same = fixture and all(a[k][1] == b.get(k, ("", ""))[1] for k in fixture)
        return (a, b, fixture) if same else None
    a, b, fixture = harness.wait_for("both to have federated the same second", both, 20, 0.01)
    assert a.keys() == b.keys(), f"federated series differ: {sorted(a.keys() ^ b.keys())[:5]}"
    for k in fixture:
        same = a[k][0] == b[k][0] or float(a[k][0]) == float(b[k][0])
        assert same, f"federated {k}: {a[k]} here, {b[k]} there"
    return len(fixture)


# Wrong, empty or constant: what a client sees must not depend on which server it asks.
ANSWERS = [("/api/v1/query", {"query": q, "time": "1000"}) for q in (
    "1", "1 + 2 * 3 ^ 2", '"text"', "vector(1)", "0 / 0", "-1 / 0", "1 +", "sum(", "{}", 'a{b="c}', "foo bar", "rate(up)",
    "nosuch(1)", "up{job=~'('}", "sum by (job) (up", "1e400", "holt_winters(up[5m], 0.5, 0.5)", "limitk(1, up)", "info(up)",
    "label_replace(vector(1), 'x', '$1', 'job', '(')", "absent(nosuch)", "absent(nosuch{a='b'})", "sgn(vector(-3))",
    "day_of_week(vector(0))", "clamp(vector(5), 2, 1)", "vector(1) == bool 1", "quantile(2, vector(1))", "up[5m", "up @ 1e400",
    "count_values('v', vector(7))", "time()", "topk('a', up)", "vector(1) and on(", "round(vector(2.55), 0.1)", "")]
ANSWERS += [("/api/v1/query_range", {"query": q, "start": "0", "end": "9", "step": "3"}) for q in (
    '"text"', "up[5m]", "vector(time())", "time()", "1 +")]
ANSWERS += [(path, params) for path, params in (
    ("/api/v1/query", {}), ("/api/v1/query", {"query": "1", "time": "abc"}), ("/api/v1/query", {"query": "1", "timeout": "x"}),
    ("/api/v1/query", {"query": "1", "limit": "-1"}), ("/api/v1/query", {"query": "1", "lookback_delta": "x"}),
    ("/api/v1/query_range", {"query": "1", "start": "0", "end": "100000", "step": "1"}),
    ("/api/v1/query_range", {"query": "1", "start": "10", "end": "1", "step": "1"}),
    ("/api/v1/query_range", {"query": "1", "start": "1", "end": "10", "step": "0"}), ("/api/v1/query_range", {"query": "1"}),
    ("/api/v1/series", {}), ("/api/v1/series", {"match[]": "{"}), ("/api/v1/series", {"match[]": "{}"}),
    ("/api/v1/labels", {"start": "abc"}), ("/api/v1/query_exemplars", {}), ("/api/v1/query_exemplars", {"query": "up"}),
    ("/api/v1/format_query", {"query": "sum(up)by(job)+1"}), ("/api/v1/format_query", {"query": "sum("}),
    ("/api/v1/parse_query", {"query": "sum("}))]


def compare_answers(ours: int, theirs: int) -> int:
    for path, params in ANSWERS:
        form = urllib.parse.urlencode(params).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        a, b = (harness.request(p, "POST", path, form, kind) for p in (ours, theirs))
        same = a[0] == b[0] and a[1]["Content-Type"] == b[1]["Content-Type"] and json.loads(a[2]) == json.loads(b[2])
        assert same, f"{path} {params}: {a[0]} {a[2][:300]} here, {b[0]} {b[2][:300]} there"
    return len(ANSWERS)


def all_series(port: int):
    """Every series with a sample now, the automatic ones of a scrape included."""
    return {key(s["metric"]) for s in harness.instant(port, '{__name__=~".+"}')}


def compare_listings(ours: int, theirs: int) -> int:
    """Series, label names and values, metadata: what browsers of metrics ask for."""
    n = 0
    for path, params in (("/api/v1/labels", {}), ("/api/v1/label/__name__/values", {}), ("/api/v1/label/cpu/values", {}),
                         ("/api/v1/label/text/values", {})):
        a, b = (harness.get_api(p, path, **params) for p in (ours, theirs))
        assert a == b, f"{path}: {sorted(set(a) ^ set(b))[:5]}"
        n += len(a)
    a, b = ({key(s) for s in harness.get_api(p, "/api/v1/series", **{"match[]": '{job=~".+"}'})} for p in (ours, theirs))
    assert a == b, f"/api/v1/series: {sorted(a ^ b)[:5]}"
    a, b = (harness.get_api(p, "/api/v1/metadata") for p in (ours, theirs))
    for name in b:
        assert a.get(name) == b[name], f"/api/v1/metadata {name}: {a.get(name)} here, {b[name]} there"
    assert a.keys() == b.keys(), f"/api/v1/metadata: {sorted(a.keys() ^ b.keys())[:5]}"
    return n + len(a)


def main() -> int:
    for name in ("prometheus", "prometheus-node-exporter"):
        if not harness.peer(name):
            harness.skip(f"no {name} (scripts/peers.sh)")
    node_port = harness.free_port()
    with harness.work_folder() as folder, exporters.Exporter(exporters.fixture_body(400)) as fixture:
        config = CONFIG.format(fixture=fixture.port, node=node_port)
        # Other tests mount and unmount below /tmp meanwhile.
        node = harness.Server([harness.peer("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{node_port}",
                               "--collector.filesystem.mount-points-exclude=^/(tmp|dev|proc|sys|run)($|/)"],
                              node_port, f"{folder}/node.log")
        with node, harness.troupe(folder, config) as ours, harness.prometheus(folder, config) as theirs:
            node.start("/")
            theirs.start()
            ours.start()
            harness.wait_for("40 common seconds", lambda: len(common_seconds(ours.port, theirs.port, time.time())) >= 28,
                             90, 1.0)
            now = time.time() - 1
            raw = compare_raw(ours.port, theirs.port, now)
            assert raw >= 10_000, f"only {raw} common samples"
            ranged = compare_range(ours.port, theirs.port, common_seconds(ours.port, theirs.port, now))
            fed = compare_federate(ours.port, theirs.port)
            answers = compare_answers(ours.port, theirs.port)
            listed = compare_listings(ours.port, theirs.port)
            a, b = all_series(ours.port), all_series(theirs.port)
            assert a == b, f"series differ: {sorted(a ^ b)[:5]}"
            of_node = sum(("job", "node") in s for s in a)
            assert of_node > 200, f"only {of_node} series of node_exporter"
            print(f"{raw} raw samples, {ranged} points of range queries, {fed} federated lines, {of_node} series of "
                  f"node_exporter, {listed} names, values and metadata, {answers} answers: equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
