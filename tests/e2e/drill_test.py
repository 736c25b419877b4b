#!/usr/bin/env python3
"""`troupe drill` on a live system: region east streams into a real Kafka, west takes over from there and south directly. The loss
of the region and of the brokers are rehearsed while other samples flow; a drill that is killed in the cut leaves no stage paused."""
import datetime
import json
import pathlib
import signal
import subprocess
import sys
import time

import brokers
import feed
import harness

SERIES = 10
CUT_S = 3
PAUSE_S = CUT_S + 10  # so long lasts a pause that nobody ends


def node(folder: str, region: str, blocks: str) -> harness.Server:
    path = pathlib.Path(folder) / region
    path.mkdir()
    (path / "stage.yml").write_text(f"region: {{name: {region}, partitions: 4, replication_factor: 1}}\n{blocks}\n")
    return harness.troupe(str(path), flags=[harness.WRITE_FLAG, "--web.enable-admin-api",
                                            f"--troupe.config.file={path}/stage.yml"])


def url(server: harness.Server) -> str:
    return f"http://127.0.0.1:{server.port}"


class System:
    def __init__(self, folder: str, cluster: brokers.Brokers):
        servers = ", ".join(f"'{s}'" for s in cluster.servers.split(","))
        kafka = f"kafka: [{{name: main, brokers: [{servers}], settings: {{reconnect.backoff.max.ms: '500'}}}}]\n"
        self.east = node(folder, "east", kafka + "regions: [{name: west, kafka: main}]")
        self.west = node(folder, "west", kafka + "regions: [{name: east, kafka: main}]")
        self.south = node(folder, "south", f"regions: [{{name: east, url: '{url(self.east)}'}}]")
        self.nodes = (self.east, self.west, self.south)

    def start(self):
        for n in self.nodes:
            n.start()

    def argv(self, outage: str, *more: str):
        return [harness.troupe_binary(), "drill", outage, f"--from={url(self.east)}", f"--to={url(self.west)}",
                f"--to={url(self.south)}", f"--cut={CUT_S}s", "--timeout=30s", "--output=json", *more]

    def paused(self):
        """Port, stage, name and end of each pause."""
        return [(n.port, s["stage"], s["name"], datetime.datetime.fromisoformat(s["pausedUntil"]).timestamp())
                for n in self.nodes for s in harness.get_api(n.port, "/api/v1/status/stages") if s["pausedUntil"]]

    def expect_tidy(self):
        assert not self.paused(), self.paused()
        for n in self.nodes:
            left = harness.instant(n.port, "count_over_time(troupe_drill[10m])")
            assert not left, f"{n.port}: the audit series is left: {left[:2]}"


def drill(system: System, outage: str, *more: str, expect: int = 0) -> dict:
    done = subprocess.run(system.argv(outage, *more), capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == expect, f"{outage}: exit code {done.returncode}: {done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def expect_figures(got: dict, cut: tuple):
    assert got["good"] == "true" and got["samples"] > 100, got
    backlogs = [d["backlog_samples"] for d in got["destinations"]]
    for d, is_cut in zip(got["destinations"], cut):
        assert d["cut"] == ("true" if is_cut else "false"), d
        assert d["missing"] == d["different"] == d["doubled"] == 0, d
        assert 0 <= d["usual_seconds"] < 10 and 0 <= d["rpo_seconds"] < 10, d
        assert 0 < d["rto_newest_seconds"] < 20 and 0 <= d["rto_all_seconds"] < 20, d
        assert d["backlog_seconds"] >= CUT_S if is_cut else d["backlog_samples"] < max(backlogs) / 2, got
        print("   " + ", ".join(f"{k} {d[k + '_seconds']:.2f} s" for k in ("usual", "rpo", "backlog", "rto_newest", "rto_all")),
              flush=True)


def in_the_cut(system: System, *more: str) -> subprocess.Popen:
    """A drill that has just cut the region off."""
    process = subprocess.Popen(system.argv("region", *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    steps = []
    for line in process.stderr:
        steps.append(line)
        if line.startswith("cut for"):
            return process
    raise AssertionError(f"the drill ended: {steps}")


def killed(system: System):
    """kill -9 in the cut: what is paused stays so for its time, and then goes on by itself."""
    with in_the_cut(system, "--keep") as process:
        process.kill()
    paused = system.paused()
    assert [p[1:3] for p in paused] == [("consume", "east"), ("federate", "east")], paused
    ends = min(p[3] for p in paused)
    assert ends <= time.time() + PAUSE_S
    assert harness.metric(system.west.port, "troupe_stage_paused") == 1
    harness.wait_for("the status of Kafka to say so", lambda: harness.get_api(
        system.west.port, "/api/v1/status/kafka")["consume"][0]["paused"], 5)
    refused = drill(system, "region", expect=1)
    assert "is paused until" in refused["faults"][0]["fault"], refused
    time.sleep(max(0, ends - 1.5 - time.time()))
    assert time.time() > ends - 0.2 or len(system.paused()) == 2, "they went on before their time"
    harness.wait_for("the end of the pauses", lambda: not system.paused(), PAUSE_S)
    print(f"   killed: resumed by themselves {time.time() - ends:.1f} s after their time", flush=True)
    for n in system.nodes:
        harness.request(n.port, "POST", "/api/v1/admin/tsdb/delete_series?match[]=troupe_drill")


def interrupted(system: System):
    with in_the_cut(system) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "interrupted" in err, (process.returncode, err)
    assert json.loads(out)["faults"] == [{"fault": "interrupted"}], out
    system.expect_tidy()


def drills(folder: str):
    with brokers.Brokers(folder, 1) as cluster:
        system = System(folder, cluster)
        with system.east, system.west, system.south:
            system.start()
            load = feed.Feed(system.east.port, lambda ts, n: [({"__name__": f"load_{i}"}, [(ts, n)]) for i in range(SERIES)],
                             lambda labels: {**labels, "region": "east"})
            try:
                for n in (system.west, system.south):
                    harness.wait_for("east's samples", lambda p=n.port: harness.instant(p, 'load_0{region="east"}'), 30)
                assert drill(system, "region", "--dry-run")["samples"] == 0
                expect_figures(drill(system, "region"), (True, True))
                system.expect_tidy()
                expect_figures(drill(system, "brokers"), (True, False))
                system.expect_tidy()
                interrupted(system)
                killed(system)
            finally:
                load.stop()
            assert load.refused == 0, "a client noticed"
            for n in (system.west, system.south):
                def complete(port=n.port):
                    return feed.count(feed.stored(port, '{__name__=~"load.*"}')) >= feed.count(load.acked)
                harness.wait_for("all of the load", complete, 20, 0.1)
                feed.expect_all(load.acked, feed.stored(n.port, '{__name__=~"load.*"}'))
            assert all(harness.stop_ok(n) for n in system.nodes)


def main() -> int:
    brokers.need()
    return harness.run_steps([drills], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
