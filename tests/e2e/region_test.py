#!/usr/bin/env python3
"""Regions over outages that last. usage: region_test.py [minutes [samples a second [brokers]]]
                                          region_test.py kafka-away [minutes [samples a second]]
                                          region_test.py kafka-bound [minutes [samples a second]]
                                          region_test.py direct [minutes [samples a second]]
Without a word: region west is stopped; east takes minutes of data at that rate, as quickly as it can, and streams them into the topic;
nodes and brokers are killed -9 at random, while west is away and while it catches up. Afterwards west has every acknowledged sample,
each bit, once; the newest one was there within 5 s of its return; no more was sent twice than was under way; memory was flat.
kafka-away: the brokers are away for an hour; kafka-bound: and the log may keep little. direct: no Kafka, the other region is away
(region_outage.py). See scripts/region_test.sh."""
import concurrent.futures
import os
import random
import sys
import time

import brokers
import feed
import harness
import region_outage
import regions
from regions import MIB

UNDER_WAY = 32 * MIB   # of records, what a node has sent and Kafka has not confirmed, at most
COMPARED_HOSTS = 40


class Chaos:
    """Kills nodes and brokers in turn, at random moments, and starts them again."""

    def __init__(self, cluster: brokers.Brokers, source: harness.Server):
        self.cluster, self.source, self.dice = cluster, source, random.Random(3)
        self.kills, self.broker_kills = 0, 0
        self.interrupted = 0   # sessions of the source's producer that others followed
        self.told_bytes = 0    # under way before its kills, as it told

    def node(self, server: harness.Server):
        if server is self.source:
            self.interrupted += self.sessions()
            self.told_bytes += harness.metric(server.port, "troupe_kafka_publish_queued_bytes")
        server.kill()
        self.kills += 1
        time.sleep(self.dice.uniform(0, 1))
        server.start(timeout=300)

    def sessions(self) -> int:
        return int(harness.metric(self.source.port, "troupe_kafka_publish_sessions_total"))

    def broker(self):
        self.cluster.kill(self.dice.randint(1, self.cluster.count))
        self.broker_kills += 1
        time.sleep(self.dice.uniform(0.5, 3))
        self.cluster.start()


def expect_resent(cluster: brokers.Brokers, chaos: Chaos, stored: int, bytes_each: float) -> str:
    """What is in the topic beyond once was under way when somebody died."""
    got = region_outage.replayed(cluster, "troupe.east", "--dry-run")
    for name in ("samples_unreadable", "records_poisoned", "gaps"):
        assert got[name] == 0, got
    again = got["samples_read"] - stored
    most = (chaos.interrupted + chaos.sessions() - 1) * UNDER_WAY / bytes_each
    text = (f"{again} samples are in the topic twice (as many as {again * bytes_each / MIB:.1f} MiB; under way, as told: "
            f"{chaos.told_bytes / MIB:.1f} MiB; bound {most * bytes_each / MIB:.0f})")
    assert 0 <= again <= most, text
    return text


def expect_equal(east: harness.Server, west: harness.Server, window: str, end: int, dice: random.Random) -> str:
    """Both have the same of some hosts: each series with the same samples, neither more nor fewer."""
    hosts = harness.get_api(east.port, "/api/v1/label/instance/values")
    chosen = dice.sample(hosts, min(COMPARED_HOSTS, len(hosts)))
    samples = 0
    for host in chosen:
        here, there = ({tuple(sorted(s["metric"].items())): s["values"] for s in harness.instant(
            n.port, f'{{instance="{host}"}}[{window}]', end)} for n in (east, west))
        assert here.keys() == there.keys(), (host, sorted(here.keys() ^ there.keys())[:3])
        for name, points in here.items():
            assert points == there[name], (name, len(points), len(there[name]))
            samples += len(points)
    return f"{samples} samples of {len(chosen)} hosts equal in both"


def run(folder: str, minutes: int, rate: int, count: int):
    series = rate * 15
    samples = series * minutes * 4
    phases = regions.Phases()
    with brokers.Brokers(folder, count) as cluster:
        east = regions.node(folder, "east", cluster, "publish: [{name: out, kafka: main, topic: troupe.east, partitions: 8}]")
        west = regions.node(folder, "west", cluster, "consume: [{name: east, kafka: main, topic: troupe.east}]")
        chaos = Chaos(cluster, east)
        end = int(time.time())

        def duplicates() -> float:
            return harness.metric(west.port, "troupe_ingest_duplicates_total")

        with east, west, regions.Memory(east) as memory:
            east.start()
            west.start()
            lines = feed.Feed(east.port, regions.live, dict, 0.5)
            try:
                harness.wait_for("samples in west", lambda: regions.newest(west), 30, 0.2)
                assert harness.stop_ok(west)
                phases.done(f"{count} brokers and two regions")
                began = time.monotonic()
                load = concurrent.futures.ThreadPoolExecutor(1).submit(
                    harness.bench, "write", f"--series={series}", f"--duration={minutes}m", f"--end={end}", "--retry=10m",
                    "--in-flight=8", f"--ledger={folder}/ledger", f"http://127.0.0.1:{east.port}", timeout=7200)
                while not load.done():
                    time.sleep(chaos.dice.uniform(5, 10))
                    if chaos.dice.random() < 0.5:
                        chaos.broker()
                    else:
                        chaos.node(east)
                got = load.result()
                ended = time.monotonic()
                assert got["samples_acked"] == samples and got["samples_failed"] == 0, got
                half = began + (ended - began) / 2
                first, second = memory.most(began, half), memory.most(half, ended)
                phases.done(f"{samples} samples taken, {chaos.kills} kills of nodes, {chaos.broker_kills} of brokers meanwhile; east held "
                            f"{first / MIB:.0f} MiB in the first half, {second / MIB:.0f} in the second")
                assert second < first * 1.15 + 64 * MIB
                harness.wait_for("the topic to have it", lambda: harness.metric(
                    east.port, "troupe_kafka_publish_lag_seconds") < 3, 1800, 0.5)
                bytes_each = regions.topic_bytes(folder) / count / samples
                phases.done(f"all in the topic; {bytes_each:.2f} B a sample in each replica")
                missed = time.time() * 1000
                west.start(timeout=300)
                back = time.time()
                harness.wait_for("a fresh sample", lambda: regions.newest(west) > missed, 60)
                fresh_s = time.time() - back

                def caught_up() -> bool:
                    return harness.metric(west.port, "troupe_kafka_consume_lag_seconds") < 3 and \
                        regions.newest(west) > time.time() * 1000 - 5000
                while chaos.kills < 20:
                    time.sleep(chaos.dice.uniform(0.5, 3))
                    chaos.node(chaos.dice.choice([east, west, west]))
                    if chaos.dice.random() < 0.2:
                        chaos.broker()
                harness.wait_for("the backlog to be here", caught_up, 3600, 0.5)
                caught_up_s = time.time() - back
                phases.done(f"newest sample {fresh_s:.2f} s after the region, all {caught_up_s:.0f} s after it ({minutes * 60 / caught_up_s:.0f} "
                            f"times as fast as it came); {chaos.kills} kills of nodes, {chaos.broker_kills} of brokers in all; "
                            f"memory {west.held_bytes() / MIB:.0f} MiB, east {east.held_bytes() / MIB:.0f}")
            finally:
                lines.stop()
            regions.expect_live(west, lines)
            checked = harness.bench("audit", f"http://127.0.0.1:{west.port}", f"{folder}/ledger", timeout=7200)
            phases.done(f"{checked['audit_checked']} samples of `troupe bench` in west, every bit there; {feed.count(lines.acked)} live "
                        f"ones, too; {duplicates():.0f} came twice since its last start")
            equal = expect_equal(east, west, f"{minutes + 1}m", end, chaos.dice)
            stored = samples + feed.count(feed.stored(east.port, regions.LIVE, "4h"))
            phases.done(expect_resent(cluster, chaos, stored, bytes_each) + "; " + equal)
            for name in ("gaps_total", "poisoned_total", "lost_samples_total", "refused_total"):
                assert harness.metric(west.port, f"troupe_kafka_consume_{name}") == 0, name
            assert fresh_s < 5, f"the newest sample came {fresh_s:.1f} s after the region"
            assert harness.stop_ok(east) and harness.stop_ok(west)


def numbers(given: list, defaults: list) -> list:
    return [int(a) for a in given + defaults[len(given):]]


def main() -> int:
    mode, given = (sys.argv[1], sys.argv[2:]) if sys.argv[1:] and not sys.argv[1].isdigit() else ("", sys.argv[1:])
    modes = {"": (run, [180, 100_000, 3]), "kafka-away": (region_outage.kafka_away, [60, 100_000]),
             "kafka-bound": (region_outage.kafka_bound, [6, 10_000]), "direct": (region_outage.direct, [60, 100_000])}
    if mode not in modes:
        print(__doc__)
        return 2
    if mode != "direct":
        brokers.need()
    play, defaults = modes[mode]
    with harness.work_folder(os.environ.get("TMPDIR")) as folder:
        play(folder, *numbers(given, defaults))
    return 0


if __name__ == "__main__":
    sys.exit(main())
