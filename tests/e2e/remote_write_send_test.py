#!/usr/bin/env python3
"""Remote write out of troupe. An outage: the receiver is away, the sender is killed three times, and afterwards every sample is
there, fresh ones came first, and no more came twice than were under way. Then real receivers: two Prometheus (1.0 and 2.0) and a
troupe get what troupe has; values, native histograms and exemplars are equal. That part is skipped without the peers."""
import random
import sys
import time

import exporters
import harness
import recorder
import remote_write_test as receiving

INTERVAL = "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"


def stored(port: int, expr: str, at: float) -> dict:
    """{(name, ts in ms)} of raw samples, named as the recorder names them."""
    out = set()
    for s in harness.instant(port, expr, at):
        name = ",".join(f"{k}={v}" for k, v in sorted(s["metric"].items()))
        out.update((name, round(t * 1000)) for t, _ in s["values"])
    return out


def outage(folder: str):
    per_send, most_requests = 500, 4
    with exporters.Exporter(exporters.fixture_body(300)) as target, recorder.Recorder() as sink:
        config = INTERVAL + f"""
scrape_configs:
  - job_name: fx
    honor_timestamps: false
    static_configs: [{{targets: ["127.0.0.1:{target.port}"]}}, {{targets: ["localhost:{target.port}"]}}]
remote_write:
  - url: http://127.0.0.1:{sink.port}/api/v1/write
    name: sink
    metadata_config: {{send: false}}
    queue_config: {{max_samples_per_send: {per_send}, max_shards: {most_requests}, batch_send_deadline: 300ms, max_backoff: 200ms}}
"""
        flags = ["--troupe.remote-write.fresh-first-lag=5s", "--troupe.remote-write.backlog-rate=5000"]
        dice = random.Random(1)
        with harness.troupe(folder, config, flags) as sender:
            sender.start()
            began = time.time()
            harness.wait_for("samples to arrive", lambda: len(sink.times) > 2000, 30, 0.2)
            sink.down = True
            for _ in range(3):
                time.sleep(dice.uniform(3, 5))
                sender.kill()
                sender.start()
            time.sleep(4)
            missed = time.time()
            lag = harness.wait_for("the lag to show", lambda: harness.metric(sender.port, "troupe_remote_storage_lag_seconds"))
            assert lag > 8, f"a lag of {lag} s"
            with sink.lock:
                before = len(sink.order)
            sink.down = False
            harness.wait_for("the backlog to be sent", lambda: harness.metric(
                sender.port, "troupe_remote_storage_lag_seconds") < 3 and harness.metric(
                    sender.port, "troupe_remote_storage_backlogs") == 0, 60, 0.3)
            # Killed once more, with a receiver that takes everything.
            sender.kill()
            sender.start()
            time.sleep(3)
            now = time.time() - 2
            want = {k for k in stored(sender.port, '{job="fx"}[5m]', now) if began * 1000 < k[1] < now * 1000}
            harness.wait_for("the newest samples to arrive", lambda: all(k in sink.times for k in want), 20, 0.3)
            after = [ts for _, ts in sink.order[before:]]
            first_fresh = next(i for i, ts in enumerate(after) if ts > missed * 1000)
            late = sum(ts < missed * 1000 - 2000 for ts in after[first_fresh:])
            assert late > 1000, f"only {late} missed samples came behind the first fresh one"
            doubled = sink.doubled()
            assert doubled <= 4 * most_requests * per_send, f"{doubled} samples came twice"
            assert sink.most <= per_send
            failed = harness.metric(sender.port, "prometheus_remote_storage_samples_failed_total")
            dropped = harness.metric(sender.port, "prometheus_remote_storage_samples_dropped_total")
            assert failed == 0 and dropped == 0, (failed, dropped)
            assert harness.stop_ok(sender)
            print(f"{len(want)} samples, all there, {doubled} twice; {late} missed ones came beside fresh ones")


def prometheus_receiver(folder: str, name: str, message: str) -> harness.Server:
    path = receiving.pathlib.Path(folder) / name
    path.mkdir()
    return harness.prometheus(str(path), "scrape_configs: []\n", (
        harness.WRITE_FLAG, f"--web.remote-write-receiver.accepted-protobuf-messages={message}",
        "--enable-feature=native-histograms,exemplar-storage"))


def real_receivers(folder: str):
    v1_message, v2_message = "prometheus.WriteRequest", "io.prometheus.write.v2.Request"
    path = receiving.pathlib.Path(folder) / "sender"
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
    missing = not harness.peer("prometheus")
    code = harness.run_steps([outage] if missing else [outage, real_receivers], only)
    if missing:
        harness.skip("the part with real receivers: no prometheus (scripts/peers.sh)")
    return code


if __name__ == "__main__":
    sys.exit(main())
