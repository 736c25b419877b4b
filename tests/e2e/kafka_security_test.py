#!/usr/bin/env python3
"""Kafka behind TLS, SASL and access lists. Two regions stream through it; then passwords, an authority and rights are wrong in turn:
each is told of in /api/v1/status/kafka and the metrics, no client notices, and all is drained once it is put right.
usage: kafka_security_test.py [step…]"""
import contextlib
import pathlib
import subprocess
import sys
import time

import brokers
import feed
import harness

# Later brokers refuse SCRAM of librdkafka before 2.6.1.
KAFKA = "3.9.1"
TOPIC = "troupe.east"
SERIES = 10


class Region:
    """A node whose connection to Kafka can be written anew."""

    def __init__(self, folder: str, name: str, block: str, cluster: brokers.Brokers):
        self.path, self.block, self.cluster = pathlib.Path(folder) / name, block, cluster
        self.path.mkdir()
        self.password = self.path / "password"
        self.server = harness.troupe(str(self.path), flags=[harness.WRITE_FLAG, "--web.enable-lifecycle",
                                                            f"--troupe.config.file={self.path}/stage.yml"])
        self.connect()

    def connect(self, user: str = "troupe", password: str = "", ca: str = "", mechanism: str = "SCRAM-SHA-512"):
        """As the file says from the next start or reload on."""
        self.password.write_text((password or f"{user}-secret") + "\n")
        (self.path / "stage.yml").write_text(f"""
kafka:
- name: main
  brokers: ['{self.cluster.address("secure")}']
  tls: true
  tls_config: {{ca_file: '{ca or self.cluster.folder / "tls/ca.pem"}'}}
  sasl: {{mechanism: {mechanism}, username: {user}, password_file: password}}
  settings: {{reconnect.backoff.max.ms: '500'}}
{self.block}
""")

    def reload(self):
        assert harness.request(self.server.port, "POST", "/-/reload")[0] == 200, self.server.log_tail()

    def state(self) -> dict:
        """Of its only publication or consumption."""
        both = harness.get_api(self.server.port, "/api/v1/status/kafka")
        one, = both["publish"] + both["consume"]
        return one

    def metric(self, name: str) -> float:
        return harness.metric(self.server.port, f"troupe_kafka_{self.block.split(':')[0]}_{name}")


def batch(ts: int, n: int):
    return [({"__name__": f"load_{i}"}, [(ts, n * SERIES + i)]) for i in range(SERIES)]


def expect_trouble(region: Region, words: str):
    """It is told of; the node goes on."""
    def told() -> bool:
        # Brokers that answer and refuse are up, in so far as there is a client.
        return words in region.state()["lastError"].lower() and ("authorization" in words or region.metric("up") == 0)
    try:
        harness.wait_for(f"{words!r} to be told", told, 20, 0.1)
    except AssertionError:
        print(region.state(), region.server.log_tail(12))
        raise
    assert words in region.server.log_tail(200).lower(), "it is not in the log"
    assert harness.request(region.server.port, "GET", "/-/ready")[0] == 200


def expect_drained(east: Region, west: Region, what: str):
    """What was acknowledged until now is in west soon; nothing is wrong any more."""
    began = time.monotonic()
    newest = time.time() * 1000
    expr = '{__name__=~"load_.*"}'

    def here() -> bool:
        points = feed.stored(west.server.port, expr, "1m")
        return len(points) == SERIES and min(max(p) for p in points.values()) > newest

    def well() -> bool:
        return all(r.state()["up"] and r.state()["lastError"] == "" for r in (east, west))
    try:
        harness.wait_for(f"the newest samples after {what}", here, 20, 0.1)
        seconds = time.monotonic() - began
        harness.wait_for(f"no error after {what}", well, 20, 0.1)
    except AssertionError:
        for r in (east, west):
            print(r.state(), r.server.log_tail(12), flush=True)
        raise
    print(f"  {what}: drained after {seconds:.1f} s", flush=True)


def credentials(east: Region, west: Region, other_ca: str):
    """Wrong ones at either side, put right by a reload."""
    for region in (east, west):
        name = region.path.name
        region.connect(password="wrong")
        region.reload()
        expect_trouble(region, "authentication failed")
        time.sleep(1)
        region.connect()
        region.reload()
        expect_drained(east, west, f"a wrong password of {name}")
        region.connect(ca=other_ca)
        region.reload()
        expect_trouble(region, "certificate verify failed")
        time.sleep(1)
        region.connect(mechanism="PLAIN")
        region.reload()
        expect_drained(east, west, f"a wrong authority of {name}, now with PLAIN")


def rights(east: Region, west: Region):
    """A user without any, then one right after the other; nobody touches the nodes for that."""
    cluster = east.cluster
    east.connect(user="guest")
    east.reload()
    # Who may write into no topic may be no idempotent producer.
    expect_trouble(east, "cluster authorization failed")
    cluster.allow("guest", brokers.WRITE, "another")
    cluster.allow("guest", brokers.DESCRIBE, TOPIC)
    expect_trouble(east, "topic authorization failed")
    cluster.allow("guest", brokers.WRITE, TOPIC)
    expect_drained(east, west, "no right to write")
    west.connect(user="guest")
    west.reload()
    expect_trouble(west, "topic authorization failed")
    cluster.allow("guest", brokers.READ, TOPIC)
    expect_drained(east, west, "no right to read")


def regions(folder: str):
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(brokers.Brokers(folder, secure=True, version=KAFKA))
        other_ca = f"{folder}/other-ca.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=another", "-keyout", f"{folder}/other.key",
                        "-out", other_ca], check=True, capture_output=True)
        east = Region(folder, "east", f"publish: [{{name: out, kafka: main, topic: {TOPIC}, partitions: 2}}]", cluster)
        west = Region(folder, "west", f"consume: [{{name: east, kafka: main, topic: {TOPIC}}}]", cluster)
        for region in (east, west):
            stack.enter_context(region.server).start()
        lines = feed.Feed(east.server.port, batch, dict)
        try:
            expect_drained(east, west, "the start")
            credentials(east, west, other_ca)
            rights(east, west)
        finally:
            lines.stop()
        assert lines.refused == 0, "a client was refused"
        want, expr = feed.count(lines.acked), '{__name__=~"load_.*"}'
        harness.wait_for("all samples", lambda: feed.count(feed.stored(west.server.port, expr)) >= want, 20, 0.1)
        feed.expect_all(lines.acked, feed.stored(west.server.port, expr))
        assert east.metric("dropped_samples_total") == 0
        for name in ("gaps_total", "poisoned_total", "lost_samples_total", "refused_total"):
            assert west.metric(name) == 0, name
        assert harness.stop_ok(east.server) and harness.stop_ok(west.server)
        print(f"  {want} samples, all there, none refused")


def newer_brokers(folder: str):
    """SCRAM of an old librdkafka is refused by them: then it is said that the password need not be wrong."""
    with brokers.Brokers(folder, secure=True) as cluster:
        east = Region(folder, "east", f"publish: [{{name: out, kafka: main, topic: {TOPIC}}}]", cluster)
        with east.server:
            east.server.start()
            state = harness.wait_for("it to connect, or to say why not", lambda: (s := east.state()) and (
                s["up"] or "librdkafka before 2.6.1" in s["lastError"]) and s, 20, 0.1)
            print(f"  SCRAM with newer brokers: {'works' if state['up'] else state['lastError']}")
            assert harness.stop_ok(east.server)


def main() -> int:
    brokers.need(KAFKA)
    brokers.need()
    return harness.run_steps([regions, newer_brokers], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
