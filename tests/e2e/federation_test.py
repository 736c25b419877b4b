#!/usr/bin/env python3
"""Federation by subscription, with config/examples/federation/geographic_stage.yml: two regions and a global node, all three killed
in turn while samples arrive. Afterwards the global node has every selected sample with its value and its region, nothing else,
and what is stored in a region is there within two seconds. Two nodes that take over from each other come to rest."""
import pathlib
import re
import sys
import time

import feed
import harness

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "config/examples/federation"
REGIONS = ("east", "west")
SERIES = 10


def batch(region: str):
    def of(ts: int, n: int):
        out = []
        for i in range(SERIES):
            own = {"__name__": f"job:load:{i}", "instance": f"{region}-{i}", "job": "node"}
            out.append((own, [(ts, n * SERIES + i)]))
            out.append(({"__name__": "load", "instance": f"{region}-{i}", "job": "node"}, [(ts, n)]))
        out.append(({"__name__": "up", "instance": region, "job": "node"}, [(ts, 1)]))
        out.append(({"__name__": "up", "instance": region, "job": "other"}, [(ts, 1)]))
        return out
    return of


def arrives(region: str):
    def at(labels: dict):
        selected = ":" in labels["__name__"] or (labels["__name__"], labels["job"]) == ("up", "node")
        return {**labels, "region": region} if selected else None
    return at


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
        feeds = [feed.Feed(regions[r].port, batch(r), arrives(r)) for r in REGIONS]
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
            for f in feeds:
                f.stop()
        want = {name: points for f in feeds for name, points in f.acked.items()}
        selected = '{region=~".+",job="node",__name__!~"probe.*"}'

        def complete():
            return feed.count(feed.stored(top.port, selected)) >= feed.count(want)
        try:
            harness.wait_for("all samples at the global node", complete, 10, 0.1)
        except AssertionError:
            print(top.log_tail(8), flush=True)
        feed.expect_all(want, feed.stored(top.port, selected))
        for region in REGIONS:
            here = feed.stored(regions[region].port, '{__name__=~"job:.+"}')
            there = feed.stored(top.port, f'{{__name__=~"job:.+",region="{region}"}}')
            assert {n + (("region", region),): p for n, p in here.items()} == {
                tuple(x for x in n if x[0] != "region") + (("region", region),): p for n, p in there.items()}
        assert not harness.instant(top.port, 'load or up{job="other"}'), "series that nobody selected"
        for name in ("gaps_total", "samples_refused_total", "damaged_samples_total"):
            assert harness.metric(top.port, f"troupe_federation_{name}") == 0, name
        worst = latency(regions, top)
        assert worst < 2, f"a sample took {worst:.2f} s"
        harness.wait_for("no lag", lambda: harness.metric(top.port, "troupe_federation_lag_seconds") < 1, 5)
        assert all(harness.stop_ok(s) for s in (top, east, west))
        print(f"  {feed.count(want)} samples of {len(want)} series, all there; a new one after {worst:.2f} s")


def ring(folder: str):
    """Two nodes that take over the same series from each other: both get all, and then nothing goes round any more."""
    pair = []
    for i in range(2):
        path = pathlib.Path(folder) / str(i)
        path.mkdir()
        pair.append(harness.troupe(str(path), flags=[harness.WRITE_FLAG, f"--troupe.config.file={path}/stage.yml"]))
    for i, n in enumerate(pair):
        (pathlib.Path(folder) / str(i) / "stage.yml").write_text(f"""
federation:
- name: other
  url: http://127.0.0.1:{pair[1 - i].port}
  match: ['{{__name__=~"load.*"}}']
""")
    with pair[0], pair[1]:
        for n in pair:
            n.start()
        now = int(time.time() * 1000)
        for i, n in enumerate(pair):
            writer = harness.Writer(n.port)
            for k in range(30):
                series = [({"__name__": f"load_{s}"}, [(now - 1000 * k + i, k)]) for s in range(10)]
                assert writer.write(series) == 204
            writer.close()

        def all_there():
            return all(feed.count(feed.stored(n.port, '{__name__=~"load.*"}')) == 600 for n in pair)
        harness.wait_for("all samples at both", all_there, 10)

        def taken():
            return [harness.metric(n.port, "troupe_federation_samples_total") for n in pair]

        def at_rest():
            before = taken()
            time.sleep(1.2)
            return before == taken()
        harness.wait_for("nothing to go round", at_rest, 10)
        # Each got the other's 300, and its own back once at most.
        assert all(300 <= t <= 600 for t in taken()), taken()
        print(f"  600 samples at both, {taken()} taken over")


def main() -> int:
    return harness.run_steps([outages, ring], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
