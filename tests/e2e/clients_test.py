#!/usr/bin/env python3
"""What people send metrics with, as it comes: OpenTelemetry's SDK and its collector, Prometheus' client library that pushes, and
InfluxDB's client write into troupe; what they sent is there. Each is skipped where scripts/peers.sh could not get it."""
import importlib.util
import pathlib
import sys
import time

import harness
from pushgateway_test import exposed

FLAGS = ("--web.enable-otlp-receiver", "--troupe.web.enable-import", "--troupe.web.enable-pushgateway")
OTLP = "/api/v1/otlp/v1/metrics"


def there(port: int, selector: str) -> dict:
    """Value or (count, sum) of each series, by name, the labels given and le."""
    out = {}
    for s in harness.instant(port, selector):
        m = s["metric"]
        key = m["__name__"] + (f' le={float(m["le"])}' if "le" in m else "")
        out[key] = float(s["value"][1]) if "value" in s else (float(s["histogram"][1]["count"]), float(s["histogram"][1]["sum"]))
    return out


def measured(url: str, instance: str, **exporter):
    """Metrics of each kind, by the SDK, in one export."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
    from opentelemetry.sdk.resources import Resource
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=url, **exporter), export_interval_millis=3_600_000)
    provider = MeterProvider([reader], Resource.create({"service.name": "shop", "service.instance.id": instance, "host.name": "h1"}),
                             views=[View(instrument_name="rpc.time", aggregation=ExponentialBucketHistogramAggregation())])
    meter = provider.get_meter("tests", "1.0")
    meter.create_counter("http.requests", "1", "Counted.").add(3, {"http.method": "GET", "ok": True})
    meter.create_up_down_counter("queue.length").add(-2)
    took = meter.create_histogram("http.time", "s", explicit_bucket_boundaries_advisory=[0.5, 1.0])
    rpc = meter.create_histogram("rpc.time", "ms")
    for v in (0.25, 0.75, 4):
        took.record(v)
        rpc.record(v * 1000)
    meter.create_observable_gauge("room.temperature", [lambda _: [Observation(21.5)]], "Cel")
    assert provider.force_flush(), "the export failed"
    provider.shutdown()


MEASURED = {"http_requests_total": 3, "queue_length": -2, "http_time_seconds_bucket le=0.5": 1, "http_time_seconds_bucket le=1.0": 2,
            "http_time_seconds_bucket le=inf": 3, "http_time_seconds_count": 3, "http_time_seconds_sum": 5,
            "rpc_time_milliseconds": (3, 5000), "room_temperature_celsius": 21.5}


def opentelemetry_sdk(server):
    from opentelemetry.exporter.otlp.proto.http import Compression
    for coding in (Compression.Gzip, Compression.NoCompression):
        measured(f"http://127.0.0.1:{server.port}{OTLP}", coding.value, compression=coding)
        got = there(server.port, f'{{job="shop",instance="{coding.value}",__name__!="target_info"}}')
        assert got == MEASURED, f"{coding}: {got}"
    labels = harness.instant(server.port, 'http_requests_total{instance="gzip"}')[0]["metric"]
    assert labels["http_method"] == "GET" and labels["ok"] == "true", labels
    info = harness.instant(server.port, 'target_info{job="shop"}')
    assert {s["metric"]["host_name"] for s in info} == {"h1"}, info
    described = harness.get_api(server.port, "/api/v1/metadata", metric="http_requests_total")
    assert described["http_requests_total"][0]["help"] == "Counted.", described


def opentelemetry_collector(server):
    """From an SDK through a collector."""
    port, folder = harness.free_port(), pathlib.Path(server.log_path).parent
    config = folder / "collector.yml"
    config.write_text(f"""
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{otlp_http: {{metrics_endpoint: "http://127.0.0.1:{server.port}{OTLP}"}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{metrics: {{receivers: [otlp], exporters: [otlp_http]}}}}
""")
    with harness.Server([harness.peer("otelcol"), f"--config={config}"], port, f"{folder}/collector.log") as collector:
        collector.start(ready="")
        harness.wait_for("the collector", lambda: harness.request(port, "GET", "/")[0] == 404, 30)
        measured(f"http://127.0.0.1:{port}/v1/metrics", "collected")
        got = harness.wait_for("what was collected", lambda: there(
            server.port, '{job="shop",instance="collected",__name__!="target_info"}'), 10)
        assert got == MEASURED, got


def prometheus_client(server):
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, delete_from_gateway, push_to_gateway, pushadd_to_gateway
    gateway, group = f"127.0.0.1:{server.port}", {"path": "/var/tmp", "instance": "db1"}
    first, second = CollectorRegistry(), CollectorRegistry()
    Gauge("last_success", "When the job was done.", registry=first).set(1.5e9)
    Counter("rows", "Written.", ["table"], registry=first).labels('a "b"\\').inc(12)
    Histogram("took", "Seconds.", buckets=(0.5, 1), registry=first).observe(0.75)
    Gauge("last_success", "When the job was done.", registry=second).set(1.6e9)
    push_to_gateway(gateway, "backup", first, group)
    pushadd_to_gateway(gateway, "backup", second, group)

    def pushed() -> dict:
        return {key[0] + "".join(f" {part}" for part in key if part.startswith(("le=", "table="))): value
                for key, value in exposed(server.port, "/pushgateway/metrics").items() if 'path="/var/tmp"' in key}
    got = {k: v for k, v in pushed().items() if not k.startswith(("push_", "rows_created", "took_created"))}
    assert got == {"last_success": 1.6e9, 'rows_total table="a \\"b\\"\\\\"': 12, 'took_bucket le="0.5"': 0, 'took_bucket le="1"': 1,
                   'took_bucket le="+Inf"': 1, "took_count": 1, "took_sum": 0.75}, got
    delete_from_gateway(gateway, "backup", group)
    assert pushed() == {}


def influxdb_client(server):
    from influxdb_client import InfluxDBClient, Point, WritePrecision
    from influxdb_client.client.write_api import SYNCHRONOUS
    now = time.time_ns()
    for zipped in (True, False):
        with InfluxDBClient(f"http://127.0.0.1:{server.port}", "token", org="o", enable_gzip=zipped) as client:
            points = [Point("cpu").tag("host", "a b,c").tag("zipped", str(zipped)).field("usage", 0.5).field("n", 7).field("up", True)
                      .time(now // unit, precision) for unit, precision in ((1, WritePrecision.NS), (1_000_000, WritePrecision.MS))]
            for point, precision in zip(points, (WritePrecision.NS, WritePrecision.MS)):
                client.write_api(SYNCHRONOUS).write("telegraf", "o", point, precision)
        got = there(server.port, f'{{host="a b,c",zipped="{zipped}"}}')
        assert got == {"cpu_usage": 0.5, "cpu_n": 7, "cpu_up": 1}, got


NEEDS = {opentelemetry_sdk: "opentelemetry", opentelemetry_collector: "opentelemetry", prometheus_client: "prometheus_client",
         influxdb_client: "influxdb_client"}


def main() -> int:
    sys.path[:0] = harness.peer_libraries()
    missing = [step.__name__ for step, module in NEEDS.items() if importlib.util.find_spec(module) is None]
    collector = opentelemetry_collector.__name__
    if not harness.peer("otelcol"):
        print("without a collector (scripts/peers.sh --collector)")
        missing.append(collector)
    steps = [step for step in NEEDS if step.__name__ not in missing and (step.__name__ in sys.argv[1:] or not sys.argv[1:])]
    with harness.work_folder() as folder, harness.troupe(folder, flags=FLAGS) as server:
        server.start()
        for step in steps:
            step(server)
            print(f"{step.__name__}: ok", flush=True)
        assert harness.stop_ok(server)
    missing = set(missing) - {collector}
    if missing:
        harness.skip(f"not there: {', '.join(sorted(missing))} (scripts/peers.sh)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
