#!/usr/bin/env python3
"""What streaming into Kafka and taking over from it cost. usage: TROUPE_BINARY=… region_bench.py [series [minutes]]
A node takes node_exporter's series while Kafka is away; then Kafka is there (CPU of the node until all is in the topic: producing,
reading the log included), then another node takes it over (its CPU: fetching, decoding, storing), then samples are written in
real time (from the acknowledgement in one node to the answer of a query in the other)."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import brokers
import harness
import regions


def cpu_until(server: harness.Server, what: str, condition) -> float:
    before = server.cpu_seconds()
    harness.wait_for(what, condition, 600, 0.2)
    return server.cpu_seconds() - before


def latencies(east: harness.Server, west: harness.Server, count: int):
    out = []
    for i in range(count):
        writer = harness.Writer(east.port)
        began = time.monotonic()
        assert writer.write([({"__name__": "probe", "n": str(i)}, [(int(time.time() * 1000), 1)])]) == 204
        writer.close()
        harness.wait_for("the probe", lambda n=i: harness.instant(west.port, f'probe{{n="{n}"}}'), 10, 0.01)
        out.append(time.monotonic() - began)
    return sorted(out)


def run(folder: str, series: int, minutes: int):
    samples = series * minutes * 4
    with brokers.Brokers(folder, 1) as cluster:
        east = regions.node(folder, "east", cluster, "publish: [{name: out, kafka: main, topic: troupe.east, partitions: 8}]")
        west = regions.node(folder, "west", cluster, "consume: [{name: east, kafka: main, topic: troupe.east}]")
        with east, west:
            cluster.kill(1)
            east.start()
            memory = east.anonymous_bytes()
            got = harness.bench("write", f"--series={series}", f"--duration={minutes}m", f"http://127.0.0.1:{east.port}", timeout=600)
            assert got["samples_acked"] == samples, got
            time.sleep(12)  # what is held is looked at from time to time
            spool = harness.metric(east.port, "troupe_kafka_publish_lag_bytes")
            cluster.start()
            produced = cpu_until(east, "all in the topic",
                                 lambda: harness.metric(east.port, "troupe_kafka_publish_samples_total") >= samples)
            topic = regions.topic_bytes(folder)
            west.start()
            consumed = cpu_until(west, "all in west", lambda: harness.metric(west.port, "troupe_kafka_consume_samples_total") >= samples)
            late = latencies(east, west, 20)
            print(f"{samples} samples of {series} series: spool {spool / samples:.2f} B a sample, topic {topic / samples:.2f} (remote write 1.0 "
                  f"of the same: {got['body_bytes_per_sample']:.1f}); produced with {produced / samples * 1e9:.0f} ns CPU a sample, consumed "
                  f"and stored with {consumed / samples * 1e9:.0f}; a new sample after {late[len(late) // 2]:.2f} s (median), {late[-1]:.2f} at "
                  f"most; memory of the producer {memory >> 20} MiB at first, {east.anonymous_bytes() >> 20} at the end")


def main() -> int:
    series, minutes = (int(a) for a in (sys.argv[1:] + ["52300", "60"][len(sys.argv) - 1:]))
    brokers.need()
    with harness.work_folder() as folder:
        run(folder, series, minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
