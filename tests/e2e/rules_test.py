#!/usr/bin/env python3
"""Rules in real processes: a troupe that is killed three times records the same series, ALERTS among them, as a twin that is
never stopped, both fed by remote write; a reload keeps what is the same; /api/v1/rules and /alerts with filters and pages; evaluations
without all data are marked.
usage: rules_test.py [views] [late] [twins [seconds [series]]]     (48 s, 4 series and three kills; in longer runs one every half minute)"""
import json
import pathlib
import queue
import random
import sys
import threading
import time

import harness

RULES = """
groups:
- name: recording
  rules:
  - {record: "job:m:sum", expr: sum by (job) (m)}
  - {record: "job:m:tenfold", expr: "10 * job:m:sum", labels: {kind: ten}}
  - {record: "job:m:peak", expr: "max_over_time(job:m:sum[20s])"}
  - {record: "job:m:rate", expr: "sum by (job) (rate(m[10s]))"}
- name: alerting
  rules:
  - alert: High
    expr: m > 14
    for: 3s
    keep_firing_for: 2s
    labels: {severity: page}
    annotations: {summary: "{{ $labels.i }} is at {{ $value }}"}
"""
RECORDED = '{__name__=~"job:m:.*|ALERTS|ALERTS_FOR_STATE"}'
STEP_MS = 250


def value_of(i: int, ts: int) -> float:
    return float((ts // 5000 * (i + 3) + i * 7) % 20)


class Feeder:
    """Sends one stream of samples in order, again and again until each request is taken."""

    def __init__(self, port: int, width: int):
        self.port, self.width, self.todo, self.stopped = port, width, queue.Queue(), False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        writer = harness.Writer(self.port)
        while not self.stopped:
            try:
                ts = self.todo.get(timeout=0.1)
            except queue.Empty:
                continue
            series = [({"__name__": "m", "job": "j", "i": str(i)}, [(ts, value_of(i, ts))]) for i in range(self.width)]
            while not self.stopped and writer.write(series) not in (200, 204):
                time.sleep(0.1)
        writer.close()


def recorded(port: int, at: float, seconds: int) -> dict:
    return {json.dumps(s["metric"], sort_keys=True): [p for p in s["values"] if p[0] <= at]
            for s in harness.instant(port, f"{RECORDED}[{seconds}s]", at)}


def start(folder: str, name: str, rules: str, *flags, wait: str = "12s") -> harness.Server:
    home = pathlib.Path(folder) / name
    home.mkdir()
    config = f"global: {{evaluation_interval: 1s}}\nrule_files: [{rules}]\nscrape_configs: []\n"
    return harness.troupe(str(home), config, (harness.WRITE_FLAG, f"--troupe.rules.max-wait={wait}", *flags))


def outages(seconds: int):
    """When the one is killed and for how long it is away."""
    yield from ((8, 0.2), (16, 4.0), (26, 9.0))
    dice, at = random.Random(1), 50.0
    while at < seconds - 30:
        yield at, dice.uniform(0.1, 10)
        at += dice.uniform(15, 45)


def twins(folder: str, seconds: int = 48, width: int = 4) -> None:
    rules = pathlib.Path(folder) / "rules.yml"
    rules.write_text(RULES)
    with start(folder, "steady", rules) as steady, start(folder, "killed", rules) as killed:
        for s in (steady, killed):
            s.start()
        # Both are at it before the first sample comes.
        harness.wait_for("evaluations", lambda: all(harness.metric(
            s.port, "troupe_rule_group_iterations_total") >= 4 for s in (steady, killed)))
        feeders = [Feeder(s.port, width) for s in (steady, killed)]
        began = int(time.time() * 1000) // STEP_MS * STEP_MS
        sent = began
        kills = list(outages(seconds))
        count, back = len(kills), None
        while sent < began + seconds * 1000:
            now = int(time.time() * 1000)
            while sent + STEP_MS <= now:
                sent += STEP_MS
                for f in feeders:
                    f.todo.put(sent)
            elapsed = (now - began) / 1000
            if kills and elapsed > kills[0][0]:
                killed.kill()
                back = elapsed + kills.pop(0)[1]
            if back and elapsed > back:
                killed.start()
                back = None
            time.sleep(0.05)
        until = sent / 1000 - 8
        harness.wait_for("the killed one to have caught up", lambda: harness.metric(
            killed.port, "troupe_rule_group_backlog") == 0, 30, 1)
        a, b = (recorded(s.port, until, seconds + 12) for s in (steady, killed))
        samples = sum(len(v) for v in a.values())
        different = [f"{k}\n{a.get(k)}\n{b.get(k)}" for k in sorted(a.keys() | b.keys()) if a.get(k) != b.get(k)]
        assert not different, "\n".join(different)
        assert len(a) >= 8 and samples > 200, (len(a), samples)
        assert any('"alertstate": "firing"' in k for k in a), a.keys()
        caught_up = harness.metric(killed.port, "troupe_rule_group_caught_up_total")
        for f in feeders:
            f.stopped = True
        for f in feeders:
            f.thread.join()
        print(f"{count} kills: {len(a)} series, {samples} samples equal; {caught_up:.0f} instants of the last life caught up")


def groups(port: int, **params):
    return harness.get_api(port, "/api/v1/rules", **params)["groups"]


def views(folder: str) -> None:
    rules = pathlib.Path(folder) / "rules.yml"
    rules.write_text(RULES)
    with start(folder, "one", rules, "--web.enable-lifecycle") as s:
        s.start()
        writer = harness.Writer(s.port)

        def feed():
            ts = int(time.time() * 1000)
            assert writer.write([({"__name__": "m", "job": "j", "i": "1"}, [(ts, 17)])]) in (200, 204)

        def firing():
            feed()
            return [a for a in harness.get_api(s.port, "/api/v1/alerts")["alerts"] if a["state"] == "firing"]
        harness.wait_for("an alert", firing, 30, 0.5)
        alert = firing()[0]
        assert alert["labels"] == {"alertname": "High", "i": "1", "job": "j", "severity": "page"}, alert
        assert alert["annotations"] == {"summary": "1 is at 17"} and alert["value"] == "1.7e+01", alert
        assert [g["name"] for g in groups(s.port)] == ["alerting", "recording"]
        high = groups(s.port, type="alert")[0]["rules"][0]
        assert high["state"] == "firing" and high["health"] == "ok" and high["duration"] == 3, high
        assert high["keepFiringFor"] == 2 and high["type"] == "alerting" and len(high["alerts"]) == 1, high
        assert groups(s.port, type="alert", exclude_alerts="true")[0]["rules"][0]["alerts"] is None
        assert [r["name"] for g in groups(s.port, type="record") for r in g["rules"]][0] == "job:m:sum"
        assert len(groups(s.port, **{"rule_name[]": "job:m:sum"})[0]["rules"]) == 1
        assert [g["name"] for g in groups(s.port, **{"rule_group[]": "recording"})] == ["recording"]
        assert groups(s.port, **{"file[]": "nobody.yml"}) == []
        assert [r["name"] for r in groups(s.port, **{"match[]": '{kind="ten"}'})[0]["rules"]] == ["job:m:tenfold"]
        page = harness.get_api(s.port, "/api/v1/rules", group_limit=1)
        assert [g["name"] for g in page["groups"]] == ["alerting"], page
        page = harness.get_api(s.port, "/api/v1/rules", group_limit=1, group_next_token=page["groupNextToken"])
        assert [g["name"] for g in page["groups"]] == ["recording"] and "groupNextToken" not in page, page
        for bad in ("type=x", "group_limit=0", "group_limit=a", "group_next_token=a", "group_limit=1&group_next_token=a",
                    "exclude_alerts=maybe", "match%5B%5D=%7B"):
            assert harness.request(s.port, "GET", f"/api/v1/rules?{bad}")[0] == 400, bad
        # A changed group keeps the alert of the rule that is the same, and ends the series of the one that is gone.
        active = alert["activeAt"]
        rules.write_text(RULES.replace("  - {record: \"job:m:tenfold\"", "  #").replace("m > 14", "m > 15"))
        feed()
        assert harness.request(s.port, "POST", "/-/reload")[0] == 200

        def taken_over():
            feed()
            high = groups(s.port, type="alert")[0]["rules"][0]
            return "15" in high["query"] and high["health"] == "ok" and not harness.instant(s.port, "job:m:tenfold")
        harness.wait_for("the reload", taken_over, 30, 0.5)
        assert firing()[0]["activeAt"] == active
        rules.write_text("groups: []\n")
        assert harness.request(s.port, "POST", "/-/reload")[0] == 200
        harness.wait_for("no groups", lambda: groups(s.port) == [], 10)
        harness.wait_for("ended series", lambda: not harness.instant(s.port, RECORDED), 10)
        for name in ("prometheus_rule_evaluations_total", "prometheus_rule_group_iterations_total"):
            assert harness.metric(s.port, name) > 0, name
        assert harness.metric(s.port, "prometheus_rule_evaluation_failures_total") == 0
        assert harness.stop_ok(s)


def late(folder: str) -> None:
    """A sender that is half a minute behind: rules do not wait for it for long, and say so."""
    rules = pathlib.Path(folder) / "rules.yml"
    rules.write_text(RULES)
    with start(folder, "late", rules, wait="1s") as s:
        s.start()
        writer = harness.Writer(s.port)

        def marked():
            assert writer.write([({"__name__": "m", "job": "j", "i": "1"}, [(int(time.time() * 1000) - 30_000, 1)])]) == 204
            return [g for g in groups(s.port) if "sender 127.0.0.1" in str(g.get("incomplete"))]
        harness.wait_for("a mark", marked, 30, 0.5)
        mark = marked()[0]["incomplete"]
        assert mark["evaluations"] > 0 and mark["lastTimestamp"] > mark["sources"][0]["completeUntil"], mark
        assert harness.metric(s.port, "troupe_rule_group_incomplete_evaluations_total") > 0
        assert harness.stop_ok(s)


if __name__ == "__main__":
    scale = [int(a) for a in sys.argv[1:] if a.isdigit()]

    def scaled_twins(folder: str) -> None:
        twins(folder, *scale)
    scaled_twins.__name__ = twins.__name__
    sys.exit(harness.run_steps((views, late, scaled_twins), [a for a in sys.argv[1:] if not a.isdigit()]))
