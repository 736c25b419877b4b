#!/usr/bin/env python3
"""Remote write out of troupe. An outage: the receiver is away, the sender is killed four times, and afterwards every sample is
there, fresh ones came first, and no more came twice than were under way. Then real receivers: two Prometheus (1.0 and 2.0) and a
troupe get what troupe has; values, native histograms and exemplars are equal. That part is skipped without the peers.
usage: remote_write_send_test.py [step…]
       remote_write_send_test.py full [minutes [samples a second]]    the outage in its full form, see scripts/outage_soak.sh"""
import concurrent.futures
import os
import pathlib
import random
import sys
import time

import exporters
import harness
import recorder
import remote_write_test as receiving
from remote_write_test import MIB

INTERVAL = "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"


def stored(port: int, expr: str, at: float) -> dict:
    """{(name, ts in ms)} of raw samples, named as the recorder names them."""
    out = set()
    for s in harness.instant(port, expr, at):
        name = ",".join(f"{k}={v}" for k, v in sorted(s["metric"].items()))
        out.update((name, round(t * 1000)) for t, _ in s["values"])
    return out


class Recorded(recorder.Recorder):
    """A receiver of the short form."""

    def __init__(self, _folder: str):
        super().__init__()
        self.before = 0

    def leave(self):
        self.down = True

    def come_back(self):
        with self.lock:
            self.before = len(self.order)
        self.down = False

    def arrived(self) -> int:
        return len(self.times)

    def newest(self) -> int:
        with self.lock:
            return max(ts for _, ts in self.order[self.before:])

    def late(self, missed_ms: float) -> int:
        """Samples of the outage that came behind the first newer one."""
        after = [ts for _, ts in self.order[self.before:]]
        first_fresh = next(i for i, ts in enumerate(after) if ts > missed_ms)
        return sum(ts < missed_ms - 2000 for ts in after[first_fresh:])

    def has(self, samples: set, _at: float) -> bool:
        return all(k in self.times for k in samples)

    def audit(self, _ledger: str):
        pass


class Stored:
    """A receiver of the full form: a real one, which counts what it had already, bit for bit."""

    COUNTS = ("troupe_ingest_samples_total", "troupe_ingest_duplicates_total", "troupe_ingest_conflicts_total")

    def __init__(self, folder: str):
        self.server = receiving.receiver(folder, "receiver")
        self.port = self.server.port
        self.counted, self.when_fresh = dict.fromkeys(self.COUNTS, 0), 0

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.kill()

    def count(self, name: str) -> float:
        return self.counted[name] + harness.metric(self.port, name)

    def leave(self):
        self.counted = {name: self.count(name) for name in self.COUNTS}
        assert harness.stop_ok(self.server)

    def come_back(self):
        self.server.start(timeout=300)

    def arrived(self) -> float:
        return self.count(self.COUNTS[0])

    def newest(self) -> float:
        self.when_fresh = self.arrived()
        return float(harness.instant(self.port, "max(timestamp(fixture_value))")[0]["value"][1]) * 1000

    def late(self, _missed_ms: float) -> float:
        return self.arrived() - self.when_fresh

    def has(self, samples: set, at: float) -> bool:
        return samples <= stored(self.port, LIVE, at)

    def doubled(self) -> float:
        assert self.count(self.COUNTS[2]) == 0, "samples with other values"
        return self.count(self.COUNTS[1])

    def audit(self, ledger: str):
        got = harness.bench("audit", f"http://127.0.0.1:{self.port}", ledger, timeout=7200)
        print(f"{got['audit_checked']} samples of `troupe bench`, every bit there", flush=True)


LIVE = '{job="fx"}[1h]'


class Short:
    """Half a minute; samples are scraped only."""
    receiver = Recorded
    scraped, per_send, most_requests = 300, 500, 4
    queue, flags = ", batch_send_deadline: 300ms, max_backoff: 200ms", ["--troupe.remote-write.fresh-first-lag=5s",
                                                                        "--troupe.remote-write.backlog-rate=5000"]
    kills_in_outage, kills_in_catch_up, between_kills_s = 3, 1, (0.2, 0.6)
    least_lag_s, catch_up_s, least_late = 8, 60, 1000
    samples = 0  # beside those that are scraped

    def __init__(self, folder: str):
        self.folder, self.dice = folder, random.Random(1)

    def begin(self, _sender):
        pass

    def until_kill(self, _sender):
        time.sleep(self.dice.uniform(3, 5))

    def end(self, _sender):
        time.sleep(4)

    def twin_memory(self):
        return None


class Full(Short):
    """Minutes of data of so many samples a second, as quickly as they are taken; all flags have their defaults."""
    receiver = Stored
    scraped, per_send, most_requests = 30, 2000, 8
    queue, flags = "", []
    kills_in_outage, kills_in_catch_up, between_kills_s = 1, 2, (15, 30)
    least_lag_s, catch_up_s = 60, 3600

    def __init__(self, folder: str, minutes: int, rate: int):
        super().__init__(folder)
        self.minutes, self.rate, self.load = minutes, rate, None

    def begin(self, sender):
        """The load, in a thread of its own."""
        series = self.rate * 15
        self.samples = series * self.minutes * 4
        self.least_late = self.samples // 10

        def run():
            return harness.bench("write", f"--series={series}", f"--duration={self.minutes}m", "--retry=10m", "--in-flight=8",
                                 f"--ledger={self.folder}/ledger", f"http://127.0.0.1:{sender.port}", timeout=7200)
        self.load = concurrent.futures.ThreadPoolExecutor(1).submit(run)

    def until_kill(self, sender):
        harness.wait_for("half of the load", lambda: self.load.done() or harness.metric(
            sender.port, "troupe_ingest_samples_total") > self.samples / 2, 3600, 0.5)

    def end(self, sender):
        got = self.load.result()
        assert got["samples_acked"] == self.samples and got["samples_failed"] == 0, got
        print(f"{self.samples} samples taken in {got['seconds']:.0f} s", flush=True)
        time.sleep(5)

    def twin_memory(self) -> int:
        """Of a node that takes the same and sends nothing."""
        path = pathlib.Path(self.folder) / "twin"
        path.mkdir()
        with harness.troupe(str(path), flags=[harness.WRITE_FLAG]) as twin:
            twin.start()
            self.begin(twin)
            self.end(twin)
            return twin.anonymous_bytes()


def outage(folder: str, form=None):
    form = form or Short(folder)
    twin_bytes = form.twin_memory()
    with exporters.Exporter(exporters.fixture_body(form.scraped)) as target, form.receiver(folder) as receiver:
        config = INTERVAL + f"""
scrape_configs:
  - job_name: fx
    honor_timestamps: false
    static_configs: [{{targets: ["127.0.0.1:{target.port}"]}}, {{targets: ["localhost:{target.port}"]}}]
remote_write:
  - url: http://127.0.0.1:{receiver.port}/api/v1/write
    name: receiver
    metadata_config: {{send: false}}
    queue_config: {{max_samples_per_send: {form.per_send}, max_shards: {form.most_requests}{form.queue}}}
"""
        with harness.troupe(folder, config, [harness.WRITE_FLAG, *form.flags]) as sender:
            def restart():
                sender.kill()
                sender.start(timeout=300)

            def left(name: str) -> float:
                return harness.metric(sender.port, f"troupe_remote_storage_{name}")
            sender.start()
            began = time.time()
            harness.wait_for("samples to arrive", receiver.newest, 30, 0.2)
            time.sleep(3)
            receiver.leave()
            form.begin(sender)
            for _ in range(form.kills_in_outage):
                form.until_kill(sender)
                restart()
            form.end(sender)
            lag = harness.wait_for("the lag to show", lambda: left("lag_seconds"))
            assert lag > form.least_lag_s, f"a lag of {lag} s"
            memory = most_memory = sender.anonymous_bytes()
            missed = time.time()
            receiver.come_back()
            back = time.time()
            harness.wait_for("a fresh sample", lambda: receiver.newest() > missed * 1000)
            fresh_s = time.time() - back
            for _ in range(form.kills_in_catch_up):
                time.sleep(form.dice.uniform(*form.between_kills_s))
                most_memory = max(most_memory, sender.anonymous_bytes())
                restart()

            def caught_up() -> bool:
                nonlocal most_memory
                most_memory = max(most_memory, sender.anonymous_bytes())
                # A sender that has just started tells of no lag yet.
                return receiver.arrived() >= form.samples and left("lag_seconds") < 3 and left("backlogs") == 0
            harness.wait_for("the backlog to be sent", caught_up, form.catch_up_s, 0.3)
            caught_up_s = time.time() - back
            now = time.time() - 2
            want = {k for k in stored(sender.port, LIVE, now) if began * 1000 < k[1] < now * 1000}
            harness.wait_for("the newest samples to arrive", lambda: receiver.has(want, now), 20, 0.3)
            late, doubled = receiver.late(missed * 1000), receiver.doubled()
            print(f"newest sample there {fresh_s:.2f} s after the receiver, the last one {caught_up_s:.0f} s after it; {late:.0f} missed "
                  f"ones came beside fresh ones; {doubled:.0f} came twice; memory {memory / MIB:.0f} MiB before it, {most_memory / MIB:.0f} "
                  f"at most then{f', {twin_bytes / MIB:.0f} of a node that does not send' if twin_bytes else ''}", flush=True)
            receiver.audit(f"{folder}/ledger")
            assert fresh_s < 5, f"fresh samples {fresh_s:.1f} s behind the receiver"
            assert late > form.least_late, f"only {late} missed samples came behind the first fresh one"
            # What had no answer when the sender was killed, and when the receiver stopped.
            assert doubled <= (form.kills_in_catch_up + 1) * form.most_requests * form.per_send, f"{doubled} samples came twice"
            assert most_memory < memory * 1.15 + 64 * MIB
            assert twin_bytes is None or memory < twin_bytes * 1.15 + 64 * MIB
            failed = harness.metric(sender.port, "prometheus_remote_storage_samples_failed_total")
            dropped = harness.metric(sender.port, "prometheus_remote_storage_samples_dropped_total")
            assert failed == 0 and dropped == 0, (failed, dropped)
            assert harness.stop_ok(sender)
            print(f"{len(want)} scraped samples, all there")


def prometheus_receiver(folder: str, name: str, message: str) -> harness.Server:
    path = pathlib.Path(folder) / name
    path.mkdir()
    return harness.prometheus(str(path), "scrape_configs: []\n", (
        harness.WRITE_FLAG, f"--web.remote-write-receiver.accepted-protobuf-messages={message}",
        "--enable-feature=native-histograms,exemplar-storage"))


def real_receivers(folder: str):
    v1_message, v2_message = "prometheus.WriteRequest", "io.prometheus.write.v2.Request"
    path = pathlib.Path(folder) / "sender"
    path.mkdir()
    with exporters.Exporter(receiving.proto_body) as target, \
            prometheus_receiver(folder, "v1", v1_message) as v1, prometheus_receiver(folder, "v2", v2_message) as v2, \
            receiving.receiver(folder, "troupe") as other:
        for server in (v1, v2, other):
            server.start()
        config = "remote_write:\n" + "".join(f"""
  - url: http://127.0.0.1:{port}/api/v1/write
    protobuf_message: {message}
    send_exemplars: true
    send_native_histograms: true
    metadata_config: {{send_interval: 1s}}
    queue_config: {{batch_send_deadline: 100ms}}
""" for port, message in ((v1.port, v1_message), (v2.port, v2_message), (other.port, v2_message)))
        with harness.troupe(str(path), config, [harness.WRITE_FLAG]) as sender:
            sender.start()
            source = receiving.SENDER.format(target=target.port, v1=sender.port, v2=sender.port)
            source = source[:source.index("  - url")] + source[source.rindex("  - url"):]
            with harness.prometheus(folder, source, receiving.SENDER_FLAGS) as origin:
                origin.start()
                harness.wait_for("20 seconds of samples", lambda: any(float(s["value"][1]) >= 20 for s in harness.instant(
                    sender.port, "max(count_over_time(fx_value[1m]))")), 60, 0.5)
                now = time.time()
                for server in (sender, v1, v2, other):
                    harness.wait_for("the samples to arrive", lambda s=server: receiving.settled(s.port, now), 30, 0.2)
                everything = '{__name__=~"fx_.+"}[2m]'
                sent = receiving.raw(sender.port, everything, now)
                custom = [k for k in sent if ("__name__", "fx_classic") in k]
                assert len(sent) >= 32 and len(custom) == 1, sorted(sent)
                for name, server in (("1.0", v1), ("2.0", v2), ("troupe", other)):
                    got = receiving.raw(server.port, everything, now)
                    want = {k: v for k, v in sent.items() if name != "1.0" or k not in custom}
                    assert got.keys() == want.keys(), f"{name}: {sorted(got.keys() ^ want.keys())[:5]}"
                    for k, points in want.items():
                        have = got[k]
                        different = [(t, have.get(t), points.get(t)) for t in {**have, **points}
                                     if have.get(t) != points.get(t)]
                        assert not different, f"{name}: {k}: (time, there, here): {different[:2]}"
                    a, b = receiving.exemplars(server.port, now), receiving.exemplars(sender.port, now)
                    assert a == b and sum(len(e) for e in a.values()) >= 30, f"{name}: {a} there, {b} here"
                described = harness.wait_for("metadata", lambda: "fx_total" in (
                    m := harness.get_api(other.port, "/api/v1/metadata")) and m, 20, 0.5)
                assert described["fx_total"] == [{"type": "counter", "help": "Counted.", "unit": ""}], described["fx_total"]
                failed = harness.metric(sender.port, "prometheus_remote_storage_samples_failed_total")
                assert failed == 0, f"{failed} samples failed: {sender.log_tail(5)}"
                print(f"{sum(len(p) for p in sent.values())} samples of {len(sent)} series equal at three receivers")


def main() -> int:
    only = sys.argv[1:]
    if only[:1] == ["full"]:
        minutes, rate = (int(n) for n in (only[1:] + ["30", "100000"][len(only) - 1:])[:2])
        with harness.work_folder(os.environ.get("TROUPE_BENCH_DIR")) as folder:
            outage(folder, Full(folder, minutes, rate))
        return 0
    missing = not harness.peer("prometheus")
    code = harness.run_steps([outage] if missing else [outage, real_receivers], only)
    if missing:
        harness.skip("the part with real receivers: no prometheus (scripts/peers.sh)")
    return code


if __name__ == "__main__":
    sys.exit(main())
