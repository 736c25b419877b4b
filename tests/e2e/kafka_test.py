#!/usr/bin/env python3
"""Regions that stream into a real Kafka and take over from it: nodes and brokers are killed while samples arrive; afterwards each
region has what was acknowledged in the other one, and nothing else."""
import json
import os
import pathlib
import random
import subprocess
import sys
import time

import brokers
import feed
import harness

REGIONS = ("east", "west")
SERIES = 20
BROKERS = int(os.environ.get("TROUPE_KAFKA_BROKERS", "1"))


def other(region: str) -> str:
    return REGIONS[1 - REGIONS.index(region)]


def batch(region: str):
    def of(ts: int, n: int):
        return [({"__name__": f"load_{i}", "instance": f"{region}-{i}", "job": "node"}, [(ts, n * SERIES + i)]) for i in range(SERIES)]
    return of


def node(folder: str, region: str, cluster: brokers.Brokers) -> harness.Server:
    """Streams its own series into troupe.<region>, takes over the other region's."""
    path = pathlib.Path(folder) / region
    path.mkdir()
    servers = ", ".join(f"'{s}'" for s in cluster.servers.split(","))
    (path / "stage.yml").write_text(f"""
kafka:
- name: main
  brokers: [{servers}]
  settings:
    reconnect.backoff.max.ms: '500'
publish:
- name: own
  kafka: main
  topic: troupe.{region}
  match: ['{{__name__=~"load.*|probe",region=""}}']
  labels: {{region: {region}}}
  partitions: 4
consume:
- name: {other(region)}
  kafka: main
  topic: troupe.{other(region)}
""")
    return harness.troupe(str(path), flags=[harness.WRITE_FLAG, f"--troupe.config.file={path}/stage.yml"])


def started(folder: str, cluster: brokers.Brokers):
    return {r: node(folder, r, cluster) for r in REGIONS}


def feeds_of(nodes: dict) -> dict:
    return {r: feed.Feed(nodes[r].port, batch(r), lambda labels, r=r: {**labels, "region": r}) for r in REGIONS}


def selected(region: str) -> str:
    return f'{{__name__=~"load.*",region="{region}"}}'


def audit(nodes: dict, feeds: dict, patience: float = 20):
    """All that was acknowledged in a region is in the other one, once."""
    for r in REGIONS:
        there = nodes[other(r)]

        def complete(r=r, there=there):
            return feed.count(feed.stored(there.port, selected(r))) >= feed.count(feeds[r].acked)
        try:
            harness.wait_for(f"{r}'s samples in {other(r)}", complete, patience, 0.1)
        except AssertionError:
            for n in nodes.values():
                print(n.log_tail(12), flush=True)
        feed.expect_all(feeds[r].acked, feed.stored(there.port, selected(r)))
        for name in ("gaps_total", "poisoned_total", "lost_samples_total", "refused_total"):
            assert harness.metric(there.port, f"troupe_kafka_consume_{name}") == 0, name
        assert harness.metric(nodes[r].port, "troupe_kafka_publish_dropped_samples_total") == 0


def buffer(node: harness.Server) -> str:
    return harness.request(node.port, "GET", "/-/ready")[1].get("X-Troupe-Buffer", "")


def writers(node: harness.Server) -> list:
    return harness.get_api(node.port, "/api/v1/status/kafka")["consume"][0]["writers"]


def latency(nodes: dict) -> float:
    """Seconds from an acknowledged write in one region until a query in the other one sees it."""
    worst = 0.0
    for i in range(3):
        writer = harness.Writer(nodes["east"].port)
        began = time.monotonic()
        assert writer.write([({"__name__": "probe", "n": str(i)}, [(int(time.time() * 1000), 1)])]) == 204
        writer.close()
        harness.wait_for("the probe", lambda n=i: harness.instant(nodes["west"].port, f'probe{{n="{n}"}}'), 10, 0.02)
        worst = max(worst, time.monotonic() - began)
    return worst


def deaths(folder: str):
    rng = random.Random(7)
    with brokers.Brokers(folder, BROKERS) as cluster:
        nodes = started(folder, cluster)
        with nodes["east"], nodes["west"]:
            for n in nodes.values():
                n.start()
            feeds, kills = feeds_of(nodes), 0
            try:
                time.sleep(1)
                for step in range(8):
                    if step % 3 == 2:
                        cluster.kill(1 + step % BROKERS)
                        time.sleep(0.5)
                        cluster.start()
                    victims = rng.sample(REGIONS, rng.randint(1, 2))
                    for r in victims:
                        nodes[r].kill()
                    time.sleep(0.2)
                    for r in victims:
                        nodes[r].start()
                    kills += len(victims)
                    time.sleep(rng.uniform(0.2, 0.8))
            finally:
                for f in feeds.values():
                    f.stop()
            audit(nodes, feeds)
            worst = latency(nodes)
            assert worst < 5, f"a sample took {worst:.2f} s"
            assert all(harness.stop_ok(n) for n in nodes.values())
            total = sum(feed.count(f.acked) for f in feeds.values())
            print(f"  {total} samples, {kills} kills of nodes, 2 of brokers: all there; a new one after {worst:.2f} s")


def kafka_away(folder: str):
    """No client hears of it; afterwards all is drained."""
    with brokers.Brokers(folder, 1) as cluster:
        nodes = started(folder, cluster)
        with nodes["east"], nodes["west"]:
            for n in nodes.values():
                n.start()
            feeds = feeds_of(nodes)
            try:
                time.sleep(1)
                cluster.kill(1)
                time.sleep(3)
                for n in nodes.values():
                    assert harness.request(n.port, "GET", "/-/ready")[0] == 200
                    assert harness.metric(n.port, "troupe_kafka_publish_up") == 0
                    harness.wait_for("the state of the buffer", lambda n=n: buffer(n) == "spooling, away", 5)
                    lines = harness.request(n.port, "GET", "/-/ready?verbose")[2].decode().splitlines()
                    assert lines[0] == "Prometheus Server is Ready." and lines[1].startswith('publish "own": spooling since '), lines
                nodes["east"].kill()
                nodes["east"].start()
                time.sleep(1)
                cluster.start()
                back = time.monotonic()
                name = selected("east")

                def fresh():
                    points = feed.stored(nodes["west"].port, name, "5s")
                    return points and max(max(p) for p in points.values()) > time.time() * 1000 - 1500
                harness.wait_for("the newest sample of east in west", fresh, 20)
                newest = time.monotonic() - back
            finally:
                for f in feeds.values():
                    f.stop()
            assert all(f.refused == 0 for f in feeds.values()), "a client was refused"
            audit(nodes, feeds)
            for n in nodes.values():
                harness.wait_for("the buffer to be empty", lambda n=n: buffer(n) == "ok", 10)
                harness.wait_for("the topic's one writer", lambda n=n: len(writers(n)) == 1, 5)
            print(f"  {sum(feed.count(f.acked) for f in feeds.values())} samples, all there; newest sample {newest:.1f} s after Kafka")


RELABELLED = """global: {external_labels: {cluster: c1}}
remote_write:
- url: kafka://main/sent.named
  name: named
  protobuf_message: io.prometheus.write.v2.Request
  write_relabel_configs:
  - {source_labels: [__name__], regex: load_1.*, action: drop}
  - {source_labels: [job], target_label: team, replacement: team-$1}
"""


def dry_replay(servers: str, topic: str) -> dict:
    argv = [harness.troupe_binary(), "replay", f"--brokers={servers}", f"--topic={topic}", "--dry-run", '--match={__name__=~"load.*"}', "--output=json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout} {done.stderr}"
    return json.loads(done.stdout)


def remote_write(folder: str):
    """remote_write pointed at topics, by the name of a cluster and by its brokers: read back by another node and by a dry replay."""
    with brokers.Brokers(folder, 1) as cluster:
        own, config = pathlib.Path(folder) / "own.yml", RELABELLED + f"- url: kafka://{cluster.servers}/sent.direct\n"
        own.write_text(f"kafka: [{{name: main, brokers: ['{cluster.servers}']}}]\n")
        (pathlib.Path(folder) / "reader").mkdir()
        topics = ("named", "direct")
        read = pathlib.Path(folder) / "reader.yml"
        read.write_text(own.read_text() + "consume:\n" + "".join(
            f"- {{name: {t}, kafka: main, topic: sent.{t}, labels: {{via: {t}}}}}\n" for t in topics))
        sender = harness.troupe(folder, config, flags=[harness.WRITE_FLAG, f"--troupe.config.file={own}"])
        reader = harness.troupe(f"{folder}/reader", flags=[f"--troupe.config.file={read}"])
        with sender, reader:
            sender.start()
            reader.start()
            f = feed.Feed(sender.port, batch("east"), dict)
            time.sleep(3)
            f.stop()
            kept = {labels: points for labels, points in f.acked.items() if not dict(labels)["__name__"].startswith("load_1")}
            want = {"direct": f.acked, "named": kept}
            assert 0 < len(kept) < len(f.acked)
            for t in topics:
                team = {"team": "team-node"} if t == "named" else {}
                arrived = {tuple(sorted({**dict(labels), **team, "cluster": "c1", "via": t}.items())): points for labels, points in want[t].items()}
                expr = f'{{__name__=~"load.*",via="{t}"}}'
                harness.wait_for(f"the samples of {t}", lambda e=expr, a=arrived: feed.count(feed.stored(reader.port, e)) >= feed.count(a), 20, 0.1)
                feed.expect_all(arrived, feed.stored(reader.port, expr))
            shown = {p["topic"]: p for p in harness.get_api(sender.port, "/api/v1/status/kafka")["publish"]}
            assert shown["sent.named"]["name"] == "remote_write-named" and shown["sent.direct"]["up"], shown
            assert harness.stop_ok(sender) and harness.stop_ok(reader)
        for t in topics:
            counted = dry_replay(cluster.servers, f"sent.{t}")
            # What was written and never acknowledged may be there, too.
            assert feed.count(want[t]) <= counted["samples_to_write"] <= feed.count(want[t]) + SERIES, (t, counted)
            assert counted["series"] == len(want[t]) and counted["samples_unreadable"] == counted["records_poisoned"] == 0, counted
        print(f"  {feed.count(f.acked)} samples; by a cluster's name relabelled, by brokers all; a dry replay counts the same")


def main() -> int:
    brokers.need()
    return harness.run_steps([deaths, kafka_away, remote_write], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
