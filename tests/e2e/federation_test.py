#!/usr/bin/env python3
"""Federation by subscription, with config/examples/federation/geographic_stage.yml: two regions and a global node, all three killed
in turn while samples arrive. Afterwards the global node has every selected sample with its value and its region, nothing else,
and what is stored in a region is there within two seconds."""
import pathlib
import re
import sys
import threading
import time

import harness

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "config/examples/federation"
REGIONS = ("east", "west")
SERIES = 10


class Feed:
    """Writes samples to a region until stopped, each again until it is acknowledged."""

    def __init__(self, region: str, port: int, every: float = 0.04):
        self.region, self.port, self.every = region, port, every
        self.acked, self.stopped = {}, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def batch(self, ts: int, n: int):
        out = []
        for i in range(SERIES):
            own = {"__name__": f"job:load:{i}", "instance": f"{self.region}-{i}", "job": "node"}
            out.append((own, [(ts, n * SERIES + i)]))
            out.append(({"__name__": "load", "instance": f"{self.region}-{i}", "job": "node"}, [(ts, n)]))
        out.append(({"__name__": "up", "instance": self.region, "job": "node"}, [(ts, 1)]))
        out.append(({"__name__": "up", "instance": self.region, "job": "other"}, [(ts, 1)]))
        return out

    def run(self):
        writer, n = harness.Writer(self.port), 0
        while not self.stopped.is_set():
            n += 1
            ts = int(time.time() * 1000)
            series = self.batch(ts, n)
            while writer.write(series) != 204:
                if self.stopped.wait(0.05):
                    return
            for labels, points in series:
                if ":" in labels["__name__"] or (labels["__name__"], labels["job"]) == ("up", "node"):
                    name = tuple(sorted({**labels, "region": self.region}.items()))
                    self.acked.setdefault(name, {}).update((t, v) for t, v in points)
            time.sleep(self.every)
        writer.close()

    def stop(self):
        self.stopped.set()
        self.thread.join()


def stored(port: int, expr: str) -> dict:
    return {tuple(sorted(s["metric"].items())): {round(t * 1000): float(v) for t, v in s["values"]}
            for s in harness.instant(port, f"{expr}[10m]")}


def nodes(folder: str):
    """(regions, global node), not started."""
    out = {}
    for region in REGIONS:
        path = pathlib.Path(folder) / region
        path.mkdir()
        out[region] = harness.troupe(str(path), flags=[harness.WRITE_FLAG])
    text = (EXAMPLES / "geographic_stage.yml").read_text()
    for region in REGIONS:
        text, n = re.subn(f"troupe-{region}:9090", f"127.0.0.1:{out[region].port}", text)
        assert n == 1
    path = pathlib.Path(folder) / "global"
    path.mkdir()
    (path / "stage.yml").write_text(text)
    return out, harness.troupe(str(path), flags=[f"--troupe.config.file={path}/stage.yml"])


def latency(regions, top):
    """Seconds from an acknowledged write at a region until a query at the global node sees it."""
    worst = 0.0
    for i in range(3):
        writer = harness.Writer(regions["east"].port)
        name = {"__name__": f"probe:{i}", "job": "node"}
        began = time.monotonic()
        assert writer.write([(name, [(int(time.time() * 1000), 1)])]) == 204
        writer.close()
        harness.wait_for("the probe", lambda n=i: harness.instant(top.port, f"probe:{n}"), 10, 0.02)
        worst = max(worst, time.monotonic() - began)
    return worst


def outages(folder: str):
    regions, top = nodes(folder)
    with regions["east"] as east, regions["west"] as west, top:
        for server in (east, west, top):
            server.start()
        feeds = [Feed(r, regions[r].port) for r in REGIONS]
        try:
            time.sleep(0.8)
            for victims in ([east], [top], [west, top], [east, west], [top]):
                for server in victims:
                    server.kill()
                time.sleep(0.4)
                for server in victims:
                    server.start()
                time.sleep(0.3)
        finally:
            for feed in feeds:
                feed.stop()
        want = {name: points for feed in feeds for name, points in feed.acked.items()}
        selected = '{region=~".+",job="node",__name__!~"probe.*"}'

        def complete():
            return sum(len(p) for p in stored(top.port, selected).values()) >= sum(len(p) for p in want.values())
        try:
            harness.wait_for("all samples at the global node", complete, 10, 0.1)
        except AssertionError:
            print(top.log_tail(8), flush=True)
        got = stored(top.port, selected)
        assert got.keys() == want.keys(), sorted(got.keys() ^ want.keys())[:4]
        for name, points in want.items():
            # What was written but never acknowledged may be there, too.
            missing = {t: v for t, v in points.items() if got[name].get(t) != v}
            assert not missing, f"{name}: {len(missing)} of {len(points)} are missing: {sorted(missing.items())[:3]}"
            assert len(got[name].keys() - points.keys()) <= 1, f"{name}: {sorted(got[name].keys() - points.keys())[:3]}"
        for region in REGIONS:
            here = stored(regions[region].port, '{__name__=~"job:.+"}')
            there = stored(top.port, f'{{__name__=~"job:.+",region="{region}"}}')
            assert {n + (("region", region),): p for n, p in here.items()} == {
                tuple(x for x in n if x[0] != "region") + (("region", region),): p for n, p in there.items()}
        assert not harness.instant(top.port, 'load or up{job="other"}'), "series that nobody selected"
        for name in ("gaps_total", "samples_refused_total", "damaged_samples_total"):
            assert harness.metric(top.port, f"troupe_federation_{name}") == 0, name
        worst = latency(regions, top)
        assert worst < 2, f"a sample took {worst:.2f} s"
        harness.wait_for("no lag", lambda: harness.metric(top.port, "troupe_federation_lag_seconds") < 1, 5)
        assert all(harness.stop_ok(s) for s in (top, east, west))
        print(f"  {sum(len(p) for p in want.values())} samples of {len(want)} series, all there; a new one after {worst:.2f} s")


def main() -> int:
    return harness.run_steps([outages], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
