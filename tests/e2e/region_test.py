#!/usr/bin/env python3
"""A region that is away while hours of data go into Kafka. usage: region_test.py [minutes [samples a second [brokers]]]
Region west is stopped; east takes minutes of data at that rate, as quickly as it can, and streams them into the topic; nodes and
brokers are killed -9 at random, while west is away and while it catches up. Afterwards west has every acknowledged sample, each bit,
once; the newest one was there within 5 s of its return. See scripts/region_test.sh."""
import concurrent.futures
import os
import pathlib
import random
import sys
import time

import brokers
import feed
import harness

MIB = 1 << 20
LIVE = '{__name__=~"live_.*"}'


def node(folder: str, name: str, cluster: brokers.Brokers, block: str) -> harness.Server:
    path = pathlib.Path(folder) / name
    path.mkdir()
    servers = ", ".join(f"'{s}'" for s in cluster.servers.split(","))
    (path / "stage.yml").write_text(f"""
kafka:
- name: main
  brokers: [{servers}]
  settings: {{reconnect.backoff.max.ms: '1000'}}
{block}
""")
    return harness.troupe(str(path), flags=[harness.WRITE_FLAG, f"--troupe.config.file={path}/stage.yml"])


def topic_bytes(folder: str) -> int:
    """Of all replicas."""
    return sum(f.stat().st_size for f in pathlib.Path(folder).glob("kafka/*/data/troupe.east-*/*.log"))


class Chaos:
    """Kills nodes and brokers in turn, at random moments, and starts them again."""

    def __init__(self, cluster: brokers.Brokers):
        self.cluster, self.dice, self.kills, self.broker_kills = cluster, random.Random(3), 0, 0

    def node(self, server: harness.Server):
        server.kill()
        self.kills += 1
        time.sleep(self.dice.uniform(0, 1))
        server.start(timeout=300)

    def broker(self):
        self.cluster.kill(self.dice.randint(1, self.cluster.count))
        self.broker_kills += 1
        time.sleep(self.dice.uniform(0.5, 3))
        self.cluster.start()


def run(folder: str, minutes: int, rate: int, count: int):
    series = rate * 15
    samples = series * minutes * 4
    with brokers.Brokers(folder, count) as cluster:
        east = node(folder, "east", cluster, "publish: [{name: out, kafka: main, topic: troupe.east, partitions: 8}]")
        west = node(folder, "west", cluster, "consume: [{name: east, kafka: main, topic: troupe.east}]")
        chaos = Chaos(cluster)

        def live(ts: int, n: int):
            return [({"__name__": f"live_{i}"}, [(ts, n)]) for i in range(20)]

        def newest() -> float:
            got = harness.instant(west.port, "timestamp(live_0)")
            return float(got[0]["value"][1]) * 1000 if got else 0

        def duplicates() -> float:
            return harness.metric(west.port, "troupe_ingest_duplicates_total")

        with east, west:
            east.start()
            west.start()
            lines = feed.Feed(east.port, live, dict, 0.5)
            try:
                harness.wait_for("samples in west", newest, 30, 0.2)
                assert harness.stop_ok(west)
                began = time.monotonic()
                load = concurrent.futures.ThreadPoolExecutor(1).submit(
                    harness.bench, "write", f"--series={series}", f"--duration={minutes}m", "--retry=10m", "--in-flight=8",
                    f"--ledger={folder}/ledger", f"http://127.0.0.1:{east.port}", timeout=7200)
                while not load.done():
                    time.sleep(chaos.dice.uniform(5, 10))
                    if chaos.dice.random() < 0.5:
                        chaos.broker()
                    else:
                        chaos.node(east)
                got = load.result()
                assert got["samples_acked"] == samples and got["samples_failed"] == 0, got
                print(f"{samples} samples taken in {time.monotonic() - began:.0f} s, {chaos.kills} kills of nodes, {chaos.broker_kills} "
                      f"of brokers meanwhile", flush=True)
                left = time.time()
                harness.wait_for("the topic to have it", lambda: harness.metric(
                    east.port, "troupe_kafka_publish_lag_seconds") < 3, 1800, 0.5)
                print(f"in the topic {time.time() - left:.0f} s later; {topic_bytes(folder) / count / samples:.2f} B a "
                      f"sample in each replica", flush=True)
                missed = time.time() * 1000
                west.start(timeout=300)
                back = time.time()
                harness.wait_for("a fresh sample", lambda: newest() > missed, 60)
                fresh_s = time.time() - back

                def caught_up() -> bool:
                    return harness.metric(west.port, "troupe_kafka_consume_lag_seconds") < 3 and newest() > time.time() * 1000 - 5000
                while chaos.kills < 20:
                    time.sleep(chaos.dice.uniform(0.5, 3))
                    chaos.node(chaos.dice.choice([east, west, west]))
                    if chaos.dice.random() < 0.2:
                        chaos.broker()
                harness.wait_for("the backlog to be here", caught_up, 3600, 0.5)
                caught_up_s = time.time() - back
                print(f"newest sample {fresh_s:.2f} s after the region, all {caught_up_s:.0f} s after it ({minutes * 60 / caught_up_s:.0f} "
                      f"times as fast as it came); {chaos.kills} kills of nodes, {chaos.broker_kills} of brokers in all; "
                      f"memory {west.anonymous_bytes() / MIB:.0f} MiB, east {east.anonymous_bytes() / MIB:.0f}", flush=True)
            finally:
                lines.stop()
            harness.wait_for("the last live samples", lambda: feed.count(feed.stored(west.port, LIVE, "2h")) >= feed.count(lines.acked), 30)
            feed.expect_all(lines.acked, feed.stored(west.port, LIVE, "2h"))
            checked = harness.bench("audit", f"http://127.0.0.1:{west.port}", f"{folder}/ledger", timeout=7200)
            print(f"{checked['audit_checked']} samples of `troupe bench` in west, every bit there; {feed.count(lines.acked)} live ones, "
                  f"too; {duplicates():.0f} came twice since its last start", flush=True)
            for name in ("gaps_total", "poisoned_total", "lost_samples_total", "refused_total"):
                assert harness.metric(west.port, f"troupe_kafka_consume_{name}") == 0, name
            assert fresh_s < 5, f"the newest sample came {fresh_s:.1f} s after the region"
            assert harness.stop_ok(east) and harness.stop_ok(west)


def main() -> int:
    minutes, rate, count = (int(a) for a in (sys.argv[1:] + ["180", "100000", "3"][len(sys.argv) - 1:]))
    brokers.need()
    with harness.work_folder(os.environ.get("TMPDIR")) as folder:
        run(folder, minutes, rate, count)
    return 0


if __name__ == "__main__":
    sys.exit(main())
