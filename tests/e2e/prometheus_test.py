#!/usr/bin/env python3
"""troupe beside a real Prometheus on the same targets: same series, bit-equal values through query, query_range and
/federate, on a fixture with explicit timestamps; same series of a real node_exporter. Skipped without the peers."""
import re
import sys
import time

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

# Series of node_exporter that come and go by themselves or tell of the scraper, not of the host.
VOLATILE = ("node_scrape_collector_duration_seconds", "go_", "process_", "promhttp_", "node_network_", "node_arp_",
            "node_udp_", "node_softnet_")

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


def node_series(port: int):
    return {key(s["metric"]) for s in harness.instant(port, '{job="node"}')
            if not s["metric"]["__name__"].startswith(VOLATILE)}


def main() -> int:
    for name in ("prometheus", "prometheus-node-exporter"):
        if not harness.peer(name):
            harness.skip(f"no {name} (scripts/peers.sh)")
    node_port = harness.free_port()
    with harness.work_folder() as folder, exporters.Exporter(exporters.fixture_body(400)) as fixture:
        config = CONFIG.format(fixture=fixture.port, node=node_port)
        node = harness.Server([harness.peer("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{node_port}"],
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
            a, b = node_series(ours.port), node_series(theirs.port)
            assert len(a) > 100 and a == b, f"node_exporter's series differ: {sorted(a ^ b)[:5]}"
            for port in (ours.port, theirs.port):
                harness.instant(port, "up")
            labels = [set(harness.get_api(p, "/api/v1/labels")) for p in (ours.port, theirs.port)]
            assert labels[0] == labels[1], f"label names differ: {labels[0] ^ labels[1]}"
            print(f"{raw} raw samples, {ranged} points of range queries, {fed} federated lines, {len(a)} series of "
                  f"node_exporter: equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
