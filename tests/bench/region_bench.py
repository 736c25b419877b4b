#!/usr/bin/env python3
"""What streaming into Kafka and taking over from it cost. usage: TROUPE_BINARY=… region_bench.py [series [minutes [samples a second]]]
A node takes node_exporter's series while Kafka is away; then Kafka is there (CPU of the node until all is in the topic: producing,
reading the log included), then another node takes it over (its CPU: fetching, decoding, storing), then samples are written in
real time (from the acknowledgement in one node to the answer of a query in the other), at rest and while so many samples a second
flow beside. Memory is that of the node that produces, beside one that takes the same and produces nothing."""
import concurrent.futures
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import brokers
import harness
import regions
from regions import MIB

PROBES, PROBERS = 200, 4


def cpu_until(server: harness.Server, what: str, condition) -> float:
    before = server.cpu_seconds()
    harness.wait_for(what, condition, 600, 0.2)
    return server.cpu_seconds() - before


def latencies(east: harness.Server, west: harness.Server, name: str, count: int):
    out = []
    for i in range(count):
        writer = harness.Writer(east.port)
        began = time.monotonic()
        assert writer.write([({"__name__": name, "n": str(i)}, [(int(time.time() * 1000), 1)])]) == 204
        writer.close()
        harness.wait_for("the probe", lambda n=i: harness.instant(west.port, f'{name}{{n="{n}"}}'), 60, 0.01)
        out.append(time.monotonic() - began)
    return sorted(out)


def under_load(east: harness.Server, west: harness.Server, rate: int):
    """Latencies of the probes, and samples a second that flowed meanwhile."""
    seconds = PROBES // PROBERS + 10  # each takes less than one
    with concurrent.futures.ThreadPoolExecutor(PROBERS + 1) as pool:
        load = pool.submit(harness.bench, "write", f"--series={rate}", "--step=1s", f"--rate={rate}", f"--duration={seconds}s",
                           f"--end={int(time.time()) + seconds}", "--seed=2", f"http://127.0.0.1:{east.port}", timeout=600)
        time.sleep(5)  # its series are new
        probes = [pool.submit(latencies, east, west, f"probe_{p}", PROBES // PROBERS) for p in range(PROBERS)]
        late = sorted(s for p in probes for s in p.result())
        assert not load.done(), "the probes outlasted the load"
        got = load.result()
    assert got["samples_failed"] == 0, got
    return late, got["samples_per_second"]


def memory_without(folder: str, load) -> int:
    """What a node holds that takes the same, and streams it nowhere."""
    with regions.plain(folder, "twin") as twin:
        twin.start()
        load(twin)
        return twin.held_bytes()


def run(folder: str, series: int, minutes: int, rate: int):
    samples = series * minutes * 4

    def load(server: harness.Server) -> dict:
        got = harness.bench("write", f"--series={series}", f"--duration={minutes}m", f"http://127.0.0.1:{server.port}", timeout=600)
        assert got["samples_acked"] == samples, got
        return got
    without = memory_without(folder, load)
    with brokers.Brokers(folder, 1) as cluster:
        east = regions.node(folder, "east", cluster, "publish: [{name: out, kafka: main, topic: troupe.east, partitions: 8}]")
        west = regions.node(folder, "west", cluster, "consume: [{name: east, kafka: main, topic: troupe.east}]")
        with east, west:
            cluster.kill(1)
            east.start()
            got = load(east)
            away = east.held_bytes()
            time.sleep(12)  # what is held is looked at from time to time
            spool = harness.metric(east.port, "troupe_kafka_publish_lag_bytes")
            with regions.Memory(east) as memory:
                cluster.start()
                produced = cpu_until(east, "all in the topic",
                                     lambda: harness.metric(east.port, "troupe_kafka_publish_samples_total") >= samples)
                most = memory.most(0)
            topic = regions.topic_bytes(folder)
            west.start()
            consumed = cpu_until(west, "all in west", lambda: harness.metric(west.port, "troupe_kafka_consume_samples_total") >= samples)
            late = latencies(east, west, "probe", 20)
            print(f"{samples} samples of {series} series: spool {spool / samples:.2f} B a sample, topic {topic / samples:.2f} (remote write 1.0 "
                  f"of the same: {got['body_bytes_per_sample']:.1f}); produced with {produced / samples * 1e9:.0f} ns CPU a sample, consumed "
                  f"and stored with {consumed / samples * 1e9:.0f}; a new sample after {late[len(late) // 2]:.2f} s (median), {late[-1]:.2f} at "
                  "most", flush=True)
            print(f"memory of the producer: {away / MIB:.0f} MiB while Kafka is away, {most / MIB:.0f} at most while it sends, {without / MIB:.0f} "
                  f"of a node that sends nothing: {(most - without) / MIB:+.0f} MiB", flush=True)
            late, reached = under_load(east, west, rate)
            print(f"with {reached:.0f} samples a second beside (wanted: {rate}): a new sample after {late[len(late) // 2]:.2f} s (median), "
                  f"{late[len(late) * 99 // 100 - 1]:.2f} (p99 of {len(late)}), {late[-1]:.2f} at most", flush=True)


def main() -> int:
    series, minutes, rate = (int(a) for a in (sys.argv[1:] + ["52300", "60", "100000"][len(sys.argv) - 1:]))
    brokers.need()
    with harness.work_folder() as folder:
        run(folder, series, minutes, rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
