#!/usr/bin/env python3
"""`troupe rules backfill`: recording rules over the past, stored through the API: equal to the expressions asked for at the
same instants, rules that read other rules included, with stale markers where series end, and the same when run again."""
import subprocess
import sys
import time

import harness

RULES = """
groups:
- name: past
  interval: 30s
  rules:
  - {record: "job:requests:rate5m", expr: "sum by (job) (rate(requests_total[5m]))", labels: {source: backfill}}
  - {record: "requests:rate5m", expr: "sum(job:requests:rate5m)"}
  - {alert: Never, expr: "requests_total < 0"}
- name: offset
  query_offset: 1m
  rules:
  - {record: "requests:max", expr: "max by (job) (requests_total)"}
"""
BAD = 'groups: [{name: x, rules: [{record: a, expr: "sum("}]}]'


def backfill(folder: str, port: int, *args) -> subprocess.CompletedProcess:
    return subprocess.run([harness.troupe_binary(), "rules", "backfill", f"--url=http://127.0.0.1:{port}", *args],
                          cwd=folder, capture_output=True, text=True, timeout=120)


def points(port: int, selector: str, at: float, window: str) -> dict:
    return {tuple(sorted(s["metric"].items())): s["values"] for s in harness.instant(port, f"{selector}[{window}]", at=at)}


def main() -> int:
    with harness.work_folder() as folder, harness.troupe(folder, flags=[harness.WRITE_FLAG]) as server:
        server.start()
        end = int(time.time()) // 60 * 60 - 7200
        start = end - 3600
        series = []
        for job in ("api", "web"):
            for i in range(5):
                # The last ten minutes are without "web": its series end.
                until = end if job == "api" else end - 600
                series.append(({"__name__": "requests_total", "job": job, "instance": f"{job}-{i}:80"},
                               [(t * 1000, (t - start) * (i + 1.0)) for t in range(start - 600, until, 15)]))
        body = harness.snappy(harness.write_request(iter(series)))
        assert harness.request(server.port, "POST", "/api/v1/write", body, harness.WRITE_HEADERS)[0] == 204
        with open(f"{folder}/rules.yml", "w", encoding="ascii") as f:
            f.write(RULES)
        args = (f"--start={start}", f"--end={end}", "rules.yml")
        done = backfill(folder, server.port, *args)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("3 recording rules evaluated") and "1 alerting rules" in done.stdout, done.stdout

        recorded = points(server.port, "job:requests:rate5m", end, "2h")
        assert len(recorded) == 2 and all(("source", "backfill") in s for s in recorded), recorded.keys()
        checked = 0
        for name, expr, offset, step in (("job:requests:rate5m", "sum by (job) (rate(requests_total[5m]))", 0, 30),
                                         ("requests:rate5m", "sum(job:requests:rate5m)", 0, 30),
                                         ("requests:max", "max by (job) (requests_total)", 60, 60)):
            for metric, values in points(server.port, name, end, "2h").items():
                job = dict(metric).get("job")
                for at, value in values:
                    assert start - offset <= at <= end - offset
                    want = harness.instant(server.port, expr, at=at)
                    want = [w["value"][1] for w in want if w["metric"].get("job") == job]
                    assert want == [value], (metric, at, value, want)
                    checked += 1
                gaps = {round(b[0] - a[0]) for a, b in zip(values, values[1:])}
                assert gaps == {step}, gaps
        assert checked > 300, checked
        # "web" ends with a marker, not five minutes later.
        last = {dict(s)["job"]: v[-1][0] for s, v in recorded.items()}
        assert last["web"] < last["api"]
        at = last["web"] + 31
        assert [s["metric"]["job"] for s in harness.instant(server.port, "job:requests:rate5m", at=at)] == ["api"]

        # Once more, nothing changes.
        again = backfill(folder, server.port, *args)
        assert again.returncode == 0 and again.stdout == done.stdout, again.stderr
        assert points(server.port, "job:requests:rate5m", end, "2h") == recorded

        # What cannot be done is said.
        with open(f"{folder}/bad.yml", "w", encoding="ascii") as f:
            f.write(BAD)
        for wrong, why in ((("--start=1", "bad.yml"), "bad.yml:1:"), (("--start=x", "rules.yml"), "x"),
                           (("--start=2", "--end=1", "rules.yml"), "--end is before --start")):
            got = backfill(folder, server.port, *wrong)
            assert got.returncode == 1 and why in got.stderr, (wrong, got.stderr)
        got = backfill(folder, harness.free_port(), *args)
        assert got.returncode == 1 and 'rule "job:requests:rate5m"' in got.stderr, got.stderr
        print(f"{checked} recorded samples equal to their expressions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
