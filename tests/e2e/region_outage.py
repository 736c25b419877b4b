"""An hour without Kafka, and an hour without the other region where there is no Kafka between them. See region_test.py.
Series have a sample a second, time is compressed: what an hour brings is written as quickly as it is taken."""
import json
import subprocess
import time

import brokers
import feed
import harness
import regions
from regions import MIB

WARM_MINUTES = 2       # so many samples of a series, and what a node holds of it does not grow any more
FLAT_BYTES = 64 * MIB
SPOOL_BYTES = 2.0      # of a sample
TIMES_AS_FAST = 20     # as it came, at least: what waits


class Source:
    """Region east and what is written into it: the load in its own time, and live samples."""

    def __init__(self, folder: str, east: harness.Server, minutes: int, rate: int):
        self.folder, self.east, self.minutes, self.rate = folder, east, minutes, rate
        self.end = int(time.time())
        self.loads = 0

    def write(self, minutes: int, end: int) -> int:
        """Samples until then; no request is refused or made again."""
        self.loads += 1
        self.got = harness.bench("write", f"--series={self.rate}", "--step=1s", f"--duration={minutes}m", f"--end={end}",
                                 f"--ledger={self.folder}/ledger-{self.loads}", f"http://127.0.0.1:{self.east.port}", timeout=3600)
        want = self.rate * 60 * minutes
        assert self.got["samples_acked"] == want and self.got["samples_failed"] == 0, self.got
        assert self.got["retries"] == 0 and "first_error" not in self.got, self.got
        return want

    def warm_up(self) -> int:
        return self.write(WARM_MINUTES, self.end - 60 * self.minutes)

    def outage(self) -> int:
        return self.write(self.minutes, self.end)

    def audit(self, server: harness.Server) -> int:
        """Every acknowledged sample is there, every bit, and no other."""
        return sum(harness.bench("audit", f"http://127.0.0.1:{server.port}", f"{self.folder}/ledger-{i + 1}", timeout=3600)[
            "audit_checked"] for i in range(self.loads))

    def measured(self, memory: regions.Memory) -> str:
        """The load while the other side is away: no client notices, memory is flat, the log is small."""
        began = time.monotonic()
        before, log_before = self.east.held_bytes(), regions.log_bytes(self.folder, "east")
        samples = self.outage()
        grown = memory.most(began) - before
        spool = (regions.log_bytes(self.folder, "east") - log_before) / samples
        text = (f"{samples} samples taken ({self.got['samples_per_second'] / self.rate:.0f} times as fast as time), no error; "
                f"answers p50 {self.got['p50_ms']:.1f} ms, p99 {self.got['p99_ms']:.1f} ms; log {spool:.2f} B a sample; "
                f"memory {before / MIB:.0f} MiB, at most {grown / MIB:+.0f}")
        assert grown <= FLAT_BYTES, text
        assert spool <= SPOOL_BYTES, text
        return text

    def speed(self, seconds: float) -> str:
        times = self.minutes * 60 / seconds
        return f"{times:.0f} times as fast as it came (budget {TIMES_AS_FAST}: {'met' if times >= TIMES_AS_FAST else 'missed'})"


def replayed(cluster: brokers.Brokers, topic: str, *more) -> dict:
    done = subprocess.run([harness.troupe_binary(), "replay", f"--brokers={cluster.servers}", f"--topic={topic}", *more, "-o", "json"],
                          capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, f"{done.stdout} {done.stderr}"
    return json.loads(done.stdout)


def expect_topic(cluster: brokers.Brokers, topic: str, east: harness.Server, west: harness.Server, samples: int):
    """The topic has so many samples: what the producer counted, what a reader finds, and no record that nobody counted."""
    def published(name: str) -> float:
        return harness.metric(east.port, f"troupe_kafka_publish_{name}_total")

    def ends() -> float:
        topics = harness.get_api(west.port, "/api/v1/status/kafka")["consume"]
        return sum(p["endOffset"] for t in topics if t["topic"] == topic for p in t["partitions"])

    def records_agree() -> bool:
        # Idle partitions get one now and then.
        before = published("records")
        return ends() == before == published("records")
    assert published("samples") == samples, (published("samples"), samples)
    harness.wait_for("as many records in the topic as were confirmed", records_agree, 30, 0.2)
    got = replayed(cluster, topic, "--dry-run")
    assert got["samples_read"] == samples, got
    for name in ("samples_unreadable", "records_poisoned", "gaps"):
        assert got[name] == 0, got


def expect_order(folder: str, cluster: brokers.Brokers, topic: str, samples: int):
    """Written from the topic into an empty node, no sample of a series comes behind a newer one, or twice."""
    with regions.plain(folder, "reader", flags=["--no-troupe.audit.canary", "--storage.wal.sync=os"]) as reader:
        reader.start()
        got = replayed(cluster, topic, f"--to-url=http://127.0.0.1:{reader.port}")
        assert got["samples_written"] == samples, got
        for name, want in (("samples", samples), ("out_of_order", 0), ("duplicates", 0), ("conflicts", 0)):
            assert harness.metric(reader.port, f"troupe_ingest_{name}_total") == want, (name, got)
        assert harness.stop_ok(reader)


def expect_clean(server: harness.Server, prefix: str, names):
    for name in names:
        assert harness.metric(server.port, prefix + name) == 0, prefix + name


def kafka_away(folder: str, minutes: int, rate: int):
    """No client notices; the log keeps what waits; afterwards all is in the topic once, in order, and in the other region."""
    phases = regions.Phases()
    with brokers.Brokers(folder, 1) as cluster:
        east = regions.node(folder, "east", cluster, "publish: [{name: out, kafka: main, topic: troupe.east, partitions: 8}]")
        west = regions.node(folder, "west", cluster, "consume: [{name: east, kafka: main, topic: troupe.east}]")
        with east, west, regions.Memory(east) as memory:
            east.start()
            west.start()
            phases.done("a broker and two regions")
            source, lines = Source(folder, east, minutes, rate), feed.Feed(east.port, regions.live, dict, 0.5)

            def published() -> float:
                return harness.metric(east.port, "troupe_kafka_publish_samples_total")

            def stored() -> float:
                return harness.metric(west.port, "troupe_kafka_consume_samples_total")
            try:
                total = source.warm_up()
                harness.wait_for("them in west", lambda: stored() > total, 600, 0.2)
                phases.done(f"{total} samples before it, in west, too")
                cluster.kill(1)
                harness.wait_for("it to be noticed", lambda: harness.metric(east.port, "troupe_kafka_publish_up") == 0)
                text = source.measured(memory)
                total += source.rate * 60 * minutes
                phases.done("Kafka is away: " + text)
                missed = time.time() * 1000
                cluster.start()
                back = time.monotonic()
                harness.wait_for("a fresh sample", lambda: regions.newest(west) > missed, 600, 0.1)
                fresh_s = time.monotonic() - back
                harness.wait_for("all in the topic", lambda: published() > total, 3600, 0.2)
                drained_s = time.monotonic() - back
                harness.wait_for("all in west", lambda: stored() > total, 3600, 0.2)
                stored_s = time.monotonic() - back
            finally:
                lines.stop()
            assert lines.refused == 0, "a client was refused"
            phases.done(f"newest sample in west {fresh_s:.1f} s after Kafka, all in the topic after {drained_s:.1f} s, {source.speed(drained_s)}, "
                        f"in west after {stored_s:.1f} s; east held at most {memory.most(back) / MIB:.0f} MiB")
            total += feed.count(lines.acked)
            harness.wait_for("the last ones in the topic", lambda: published() >= total, 30)
            regions.expect_live(west, lines)
            expect_topic(cluster, "troupe.east", east, west, total)
            expect_order(folder, cluster, "troupe.east", total)
            phases.done(f"{total} samples in the topic, each once, in order; {regions.topic_bytes(folder) / total:.2f} B each")
            checked = source.audit(west)
            expect_clean(west, "troupe_kafka_consume_", ("gaps_total", "poisoned_total", "lost_samples_total", "refused_total"))
            expect_clean(west, "troupe_ingest_", ("duplicates_total", "conflicts_total"))
            expect_clean(east, "troupe_kafka_publish_", ("dropped_samples_total",))
            assert harness.stop_ok(east) and harness.stop_ok(west)
            phases.done(f"{checked} samples in west, every bit, and {feed.count(lines.acked)} live ones; none came twice")


KEEP_MIB = 4


def over_bench(server: harness.Server, function: str, end: int) -> int:
    """The sum of what the expression gives for each metric (%s) of `troupe bench`."""
    names = harness.get_api(server.port, "/api/v1/label/__name__/values", **{"match[]": '{job="bench"}'})
    got = (harness.instant(server.port, function % f'{name}{{job="bench"}}', end) for name in names)
    return sum(int(g[0]["value"][1]) for g in got if g)


def kafka_bound(folder: str, minutes: int, rate: int):
    """A log that may keep little: the oldest samples are given up and counted, one by one; no client notices."""
    phases = regions.Phases()
    with brokers.Brokers(folder, 1) as cluster:
        east = regions.node(folder, "east", cluster, "publish: [{name: out, kafka: main, topic: troupe.east, partitions: 4, "
                            f"keep: {KEEP_MIB}MiB}}]", ["--storage.tsdb.wal-segment-size=256KiB"])
        west = regions.node(folder, "west", cluster, "consume: [{name: east, kafka: main, topic: troupe.east}]")
        with east, west:
            east.start()
            west.start()
            source = Source(folder, east, minutes, rate)

            def published(name: str) -> float:
                return harness.metric(east.port, f"troupe_kafka_publish_{name}")
            total = source.warm_up()
            harness.wait_for("them in the topic", lambda: published("samples_total") >= total, 60, 0.2)
            cluster.kill(1)
            total += source.outage()
            # Looked at every five seconds.
            harness.wait_for("samples to be given up", lambda: published("dropped_samples_total") > 0 and published(
                "lag_bytes") <= KEEP_MIB * MIB, 30, 0.2)
            cluster.start()
            harness.wait_for("the rest in the topic", lambda: published("samples_total") + published(
                "dropped_samples_total") >= total, 60, 0.2)
            dropped = int(published("dropped_samples_total"))
            harness.wait_for("the rest in west", lambda: harness.metric(
                west.port, "troupe_kafka_consume_samples_total") >= total - dropped, 60, 0.2)
            expect_topic(cluster, "troupe.east", east, west, total - dropped)
            here = over_bench(west, f"sum(count_over_time(%s[{minutes + WARM_MINUTES}m]))", source.end)
            assert here == total - dropped, (here, total, dropped)
            # The newest ones are those that stay.
            assert over_bench(west, f"count(timestamp(%s) >= {source.end - 1})", source.end) == rate
            expect_clean(west, "troupe_ingest_", ("duplicates_total", "conflicts_total"))
            assert harness.stop_ok(east) and harness.stop_ok(west)
            phases.done(f"with {KEEP_MIB} MiB of log {dropped} of {total} samples were given up, the oldest; the other "
                        f"{total - dropped} are in west, no more")


def direct(folder: str, minutes: int, rate: int):
    """Without Kafka: the other region's node asks this one's log. It is away, then it catches up, the newest first."""
    phases = regions.Phases()
    east = regions.plain(folder, "east")
    west = regions.plain(folder, "west", f"federation: [{{name: east, url: 'http://127.0.0.1:{east.port}', "
                         "match: ['{__name__=~\".+\"}']}]\n")
    with east, west, regions.Memory(east) as memory:
        east.start()
        west.start()
        source, lines = Source(folder, east, minutes, rate), feed.Feed(east.port, regions.live, dict, 0.5)

        def taken() -> float:
            return harness.metric(west.port, "troupe_federation_samples_total")
        try:
            total = source.warm_up()
            harness.wait_for("them in west", lambda: taken() > total, 600, 0.2)
            assert harness.stop_ok(west)
            phases.done(f"{total} samples before it, in west, too")
            text = source.measured(memory)
            phases.done("west is away: " + text)
            before, missed = east.held_bytes(), time.time() * 1000
            west.start(timeout=300)
            back = time.monotonic()
            harness.wait_for("a fresh sample", lambda: regions.newest(west) > missed, 60)
            fresh_s = time.monotonic() - back
            harness.wait_for("all in west", lambda: taken() > source.rate * 60 * minutes and harness.metric(
                west.port, "troupe_federation_lag_seconds") < 3, 3600, 0.2)
            caught_up_s = time.monotonic() - back
        finally:
            lines.stop()
        assert lines.refused == 0, "a client was refused"
        grown = memory.most(back) - before
        phases.done(f"newest sample in west {fresh_s:.2f} s after it, all after {caught_up_s:.1f} s, {source.speed(caught_up_s)}; east held "
                    f"{before / MIB:.0f} MiB, then at most {grown / MIB:+.0f}")
        assert fresh_s < 5, f"the newest sample came {fresh_s:.1f} s after the region"
        assert grown <= FLAT_BYTES, f"east held {grown / MIB:+.0f} MiB more while west caught up"
        regions.expect_live(west, lines)
        checked = source.audit(west)
        expect_clean(west, "troupe_federation_", ("gaps_total", "samples_refused_total", "damaged_samples_total"))
        expect_clean(west, "troupe_ingest_", ("duplicates_total", "conflicts_total"))
        assert harness.stop_ok(east) and harness.stop_ok(west)
        phases.done(f"{checked} samples in west, every bit, and {feed.count(lines.acked)} live ones; none came twice")
