#!/usr/bin/env python3
"""troupe and a real Prometheus scrape the same protobuf: samples, native histograms, exemplars and metadata are the same in
both. Then troupe scrapes that Prometheus, whose own histograms are native, and answers as it does. Skipped without the peers."""
import sys
import time

import exporters
import harness
from proto_target import proto_body
from remote_write_test import comparable, exemplars, raw

FEATURES = "--enable-feature=native-histograms,exemplar-storage"
# Each job reads the same body another way.
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: native
    metrics_path: /stamped
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
  - job_name: both
    metrics_path: /stamped
    scrape_protocols: [PrometheusProto, PrometheusText0.0.4]
    always_scrape_classic_histograms: true
    native_histogram_bucket_limit: 2
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
  - job_name: converted
    metrics_path: /stamped
    convert_classic_histograms_to_nhcb: true
    native_histogram_min_bucket_factor: 1.5
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
  - job_name: all
    metrics_path: /stamped
    convert_classic_histograms_to_nhcb: true
    always_scrape_classic_histograms: true
    metric_relabel_configs: [{{source_labels: [__name__, i], regex: "fx_total;7", action: drop}}]
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
  - job_name: limited
    metrics_path: /stamped
    sample_limit: 10
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
"""
JOBS = {"native": 20 + 7 + 5 + 5, "both": 20 + 7 + 5 + 5, "converted": 20 + 7 + 5 + 1, "all": 19 + 7 + 5 + 1 + 5}


def same_samples(folder: str):
    with exporters.Exporter(proto_body) as target:
        config = CONFIG.format(target=target.port)
        with harness.troupe(folder, config, [FEATURES]) as ours, harness.prometheus(folder, config, [FEATURES]) as theirs:
            ours.start()
            theirs.start()
            harness.wait_for("20 seconds of samples", lambda: any(
                float(s["value"][1]) >= 20 for s in harness.instant(theirs.port, 'max(count_over_time(fx_value{job="all"}[1m]))')), 60, 0.5)
            now = int(time.time()) - 2
            samples = histograms = 0
            for job, series in JOBS.items():
                query = f'{{job="{job}",__name__=~"fx_.+"}}[15s]'
                here, there = raw(ours.port, query, now), raw(theirs.port, query, now)
                assert here.keys() == there.keys(), f"{job}: {sorted(here.keys() ^ there.keys())[:5]}"
                assert len(here) == series, f"{job}: {len(here)} series"
                for key, points in there.items():
                    common = here[key].keys() & points.keys()
                    assert len(common) >= 10, f"{key}: {len(common)} common seconds"
                    wrong = [(t, here[key][t], points[t]) for t in common if here[key][t] != points[t]]
                    assert not wrong, f"{key}: (time, here, there): {wrong[:2]}"
                    samples += len(common)
                    histograms += sum(isinstance(points[t], tuple) for t in common)
            for expr in ('up', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling'):
                here, there = ({s["metric"]["job"]: s["value"][1] for s in harness.instant(p, expr)} for p in (ours.port, theirs.port))
                assert here == there, f"{expr}: {here} here, {there} there"
            assert here["limited"] != "0" and harness.metric(ours.port, "prometheus_target_scrapes_exceeded_sample_limit_total") > 0
            a, b = (exemplars(p, now) for p in (ours.port, theirs.port))
            assert a.keys() == b.keys() and a, sorted(a.keys() ^ b.keys())
            for key, found in b.items():
                common = {e[2] for e in a[key]} & {e[2] for e in found}
                assert len(common) >= 10 and [e for e in a[key] if e[2] in common] == [e for e in found if e[2] in common], key
            described = harness.get_api(ours.port, "/api/v1/metadata")
            for name, kind, text in (("fx_total", "counter", "Counted."), ("fx_native", "histogram", "Sparse.")):
                assert described[name] == [{"type": kind, "help": text, "unit": ""}], described[name]
            assert histograms >= 200
            print(f"{samples} samples in common, {histograms} of them native histograms, {sum(map(len, a.values()))} exemplars")


def prometheus_is_scraped(folder: str):
    config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: peer, static_configs: [{targets: ['127.0.0.1:%d']}]}]\n"
    port = harness.free_port()
    with harness.prometheus(folder, config % port, [FEATURES], port) as peer:
        peer.start()
        with harness.troupe(folder, config % port, [FEATURES]) as ours:
            ours.start()
            for _ in range(40):
                harness.get_api(port, "/api/v1/labels")
            # From here on nobody asks for labels: its histogram stands still.
            name = 'prometheus_http_request_duration_seconds{handler="/api/v1/labels"}'

            def settled():
                here, there = (harness.instant(p, name) for p in (ours.port, port))
                return here and there and "histogram" in here[0] and "histogram" in there[0] and (
                    comparable(here[0]["histogram"][1]) == comparable(there[0]["histogram"][1])) and here[0]["histogram"][1]
            got = harness.wait_for("the histogram of both to be the same", settled, 30, 0.5)
            assert float(got["count"]) >= 40 and len(got["buckets"]) >= 2, got
            for expr in (f"histogram_quantile(0.9, {name})", f"histogram_sum({name})", f"histogram_avg({name})"):
                here, there = (float(harness.instant(p, expr)[0]["value"][1]) for p in (ours.port, port))
                assert abs(here - there) <= 1e-12 * abs(there), f"{expr}: {here} here, {there} there"
            state = harness.get_api(ours.port, "/api/v1/targets")["activeTargets"][0]
            assert state["health"] == "up", state
            known = harness.metric(ours.port, "troupe_scrape_known_lines_total")
            fresh = harness.metric(ours.port, "troupe_scrape_new_lines_total")
            assert known > fresh, f"{known} known lines, {fresh} new ones"
            native = sum("histogram" in s for s in harness.instant(ours.port, '{job="peer"}'))
            print(f"{native} native histograms of a real Prometheus, {known:.0f} known lines and {fresh:.0f} new ones")


if __name__ == "__main__":
    if not harness.peer("prometheus"):
        harness.skip("no Prometheus (scripts/peers.sh)")
    sys.exit(harness.run_steps([same_samples, prometheus_is_scraped], sys.argv[1:]))
