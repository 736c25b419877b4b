#!/usr/bin/env python3
"""The shapes that people build from several servers, from config/examples: an HA pair, a global server that federates from
both, four hash-mod shards of one job; regions, one of them a Prometheus, under a global server. Beside a Prometheus that does the
same, where there is one."""
import contextlib
import pathlib
import re
import sys
import time

import exporters
import harness

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "config/examples"
FAST = "scrape_interval: 1s\n  scrape_timeout: 1s"


def example(name: str, *changes) -> str:
    """The example's text with (pattern, replacement) changes, each of which must fit."""
    text = (EXAMPLES / name).read_text()
    for pattern, replacement in changes:
        text, n = re.subn(pattern, lambda _, r=replacement: r, text)
        assert n == 1, f"{name}: {pattern} fits {n} times"
    return text


def place(folder: str, name: str, targets) -> str:
    """A folder of its own with targets/node.yml, as the examples expect it."""
    path = pathlib.Path(folder) / name
    (path / "targets").mkdir(parents=True)
    (path / "targets/node.yml").write_text(f"[{{targets: [{', '.join(repr(t) for t in targets)}]}}]\n")
    return str(path)


def active(port: int):
    return {t["labels"]["instance"] for t in harness.get_api(port, "/api/v1/targets")["activeTargets"]}


def shards(folder: str):
    addresses = [f"127.0.{i // 10}.{i}:{10000 + i * 37}" for i in range(400)]  # nobody answers: only the choice matters
    chosen = []
    for n in range(4):
        here = place(folder, f"shard{n}", addresses)
        with harness.troupe(here, example("hashmod_shard.yml", ('regex: "1"', f'regex: "{n}"'))) as server:
            server.start()
            chosen.append(harness.wait_for("targets", lambda s=server: active(s.port)))
    assert sorted(a for part in chosen for a in part) == sorted(addresses), "a target is in no shard, or in two"
    assert all(len(part) > 60 for part in chosen), [len(part) for part in chosen]
    if harness.peer("prometheus"):
        here = place(folder, "peer", addresses)
        with harness.prometheus(here, example("hashmod_shard.yml")) as peer:
            peer.start()
            theirs = harness.wait_for("Prometheus' targets", lambda: active(peer.port))
        assert theirs == chosen[1], sorted(theirs ^ chosen[1])[:5]
    print(f"  shards of {len(addresses)} targets: {[len(part) for part in chosen]}")


def series_at(port: int, expr: str, seconds: int, at: float):
    return {tuple(sorted(s["metric"].items())): {t: v for t, v in s["values"]}
            for s in harness.instant(port, f"{expr}[{seconds}s]", at)}


def federation(folder: str):
    with contextlib.ExitStack() as stack:
        fixtures = [stack.enter_context(exporters.Exporter(exporters.fixture_body(50))) for _ in range(3)]
        addresses = [f"127.0.0.1:{f.port}" for f in fixtures]
        pair = []
        for replica in "ab":
            config = example(f"ha_pair_{replica}.yml", ("scrape_interval: 15s", FAST))
            server = stack.enter_context(harness.troupe(place(folder, f"replica-{replica}", addresses), config))
            pair.append(server.start())
        for server in pair:
            harness.wait_for("the pair", lambda s=server: harness.instant(s.port, "count(up == 1)")[0]["value"][1] == "3")
        config = example("federation.yml", ('targets: .*', f"targets: {[f'127.0.0.1:{s.port}' for s in pair]}"),
                         ("scrape_interval: 30s", "scrape_interval: 1s\n  scrape_timeout: 1s"))
        here = place(folder, "global", [])
        tops = [stack.enter_context(harness.troupe(here, config))]
        if harness.peer("prometheus"):
            tops.append(stack.enter_context(harness.prometheus(here, config)))
        for top in tops:
            top.start()
        want = {(a, r) for a in addresses for r in "ab"}
        for top in tops:
            harness.wait_for("both replicas of all targets", lambda s=top: {
                (m["metric"]["instance"], m["metric"]["replica"])
                for m in harness.instant(s.port, 'fixture_total{i="1",job="node",cluster="main"}')} == want)
        time.sleep(6)
        now = time.time()
        below = {}
        for server, replica in zip(pair, "ab"):
            for labels, points in series_at(server.port, '{job="node",__name__=~"fixture_.*"}', 60, now).items():
                below[tuple(sorted((*labels, ("cluster", "main"), ("replica", replica))))] = points
        compared = 0
        for top in tops:
            above = series_at(top.port, '{job="node",__name__=~"fixture_.*"}', 60, now)
            assert above.keys() == below.keys(), sorted(above.keys() ^ below.keys())[:3]
            for labels, points in above.items():
                for t, v in points.items():
                    # The last second may have come from one replica after it was read below.
                    if t in below[labels] or t < now - 3:
                        assert below[labels].get(t) == v, (labels, t, v, below[labels].get(t))
                        compared += 1
            assert {m["metric"]["job"] for m in harness.instant(top.port, "up")} == {"federate", "node"}
        assert compared >= len(tops) * len(below) * 3, compared
        # Whoever merges the pair drops the replica: one series of each is left.
        merged = harness.instant(tops[0].port, 'count(sum without (replica) (fixture_total{job="node"}))')
        assert merged[0]["value"][1] == str(len(fixtures) * 5), merged
        print(f"  {len(below)} series of two replicas through {len(tops)} global servers, {compared} samples equal")


RULES = "groups: [{name: g, rules: [{record: 'job:fixture:sum', expr: 'sum by (job) (fixture_total)'}]}]\n"


def regions(folder: str):
    """Recorded series and `up` of a troupe and a Prometheus through /federate."""
    path = pathlib.Path(folder)
    (path / "rules.yml").write_text(RULES)
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(exporters.Exporter(exporters.fixture_body(20)))
        below = {}
        for region in ("east", "west"):
            config = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s, external_labels: {{region: {region}}}}}
rule_files: [{path}/rules.yml]
scrape_configs: [{{job_name: node, static_configs: [{{targets: ["127.0.0.1:{target.port}"]}}]}}]
"""
            here = place(folder, region, [])
            start = harness.prometheus if region == "west" and harness.peer("prometheus") else harness.troupe
            below[region] = stack.enter_context(start(here, config)).start()
        config = example("federation/geographic_scrape.yml",
                         ("targets: .*", f"targets: {[f'127.0.0.1:{s.port}' for s in below.values()]}"),
                         ("scrape_interval: 30s", "scrape_interval: 1s\n  scrape_timeout: 1s"))
        top = stack.enter_context(harness.troupe(place(folder, "top", []), config)).start()
        for region in below:
            for expr in ("job:fixture:sum", 'up{job="node"}'):
                chosen = expr.replace("}", f',region="{region}"}}') if "{" in expr else f'{expr}{{region="{region}"}}'
                harness.wait_for(chosen, lambda e=chosen: max(
                    float(s["value"][1]) for s in harness.instant(top.port, f"count_over_time({e}[1m])")) >= 3)
                now = time.time()
                (labels, above), = series_at(top.port, chosen, 60, now).items()
                (own, points), = series_at(below[region].port, expr, 60, now).items()
                assert dict(labels) == {**dict(own), "region": region}, (labels, own)
                assert all(points.get(t) == v for t, v in above.items()), (above, points)
        print(f"  recorded series and up of {len(below)} regions through /federate")


def main() -> int:
    for step in (shards, federation, regions):
        with harness.work_folder() as folder:
            step(folder)
            print(f"{step.__name__}: ok", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
