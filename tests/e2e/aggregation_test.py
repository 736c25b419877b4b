#!/usr/bin/env python3
"""Stream aggregation by a real process that is killed between two intervals and in the middle of one, while samples come late,
twice and in any order: the outputs are exactly those of a plain reckoning over all samples. Then one interval beside a real
VictoriaMetrics with the same rules: equal names, equal figures. That part is skipped without the peer."""
import json
import math
import pathlib
import random
import time

import harness

OUTPUTS = ["avg", "count_samples", "count_series", "histogram_bucket", "increase", "last", "max", "min", "quantiles(0, 0.5, 0.9, 1)",
           "rate_avg", "rate_sum", "stddev", "stdvar", "sum_samples", "total", "unique_samples"]
INTERVAL = 1000
WINDOWS = 3
FLAGS = ("--troupe.web.enable-import", "--troupe.rules.max-wait=400ms")


def rule(**more) -> dict:
    return {"match": ["c"], "interval": "1s", "by": ["g"], "outputs": OUTPUTS, "staleness_interval": "10s",
            "ignore_first_sample_interval": "1m", **more}


def body_of(samples: dict) -> bytes:
    """samples: {(g, i): {ts: value}}"""
    return "\n".join(json.dumps({"metric": {"__name__": "c", "g": g, "i": i}, "timestamps": list(s), "values": list(s.values())})
                     for (g, i), s in samples.items()).encode()


def push(port: int, samples: dict):
    status, _, answer = harness.request(port, "POST", "/api/v1/import", body_of(samples))
    assert status == 204, answer


def exported(port: int, prefix: str) -> dict:
    """{(name, labels): {ts: value}}"""
    status, _, lines = harness.request(port, "GET", '/api/v1/export?match[]={__name__=~"' + prefix + '.*"}')
    assert status == 200, lines[:300]
    out = {}
    for line in lines.splitlines():
        row = json.loads(line)
        key = row["metric"].pop("__name__"), tuple(sorted(row["metric"].items()))
        out.setdefault(key, {}).update(zip(row["timestamps"], row["values"]))
    return out


def counters(dice: random.Random, begin: int) -> dict:
    """Twelve counters in three groups, quarters so that sums are exact in any order; resets among them."""
    out = {}
    for i in range(12):
        value, samples = dice.randrange(100), {}
        for ts in sorted(dice.sample(range(begin + 1, begin + WINDOWS * INTERVAL + 1), 4 * WINDOWS)):
            value = 0 if dice.random() < 0.1 else value + dice.randrange(64) / 4
            samples[ts] = value
        out[(str(i % 3), str(i))] = samples
    return out


def vmrange(value: float) -> str:
    bounds, factor = [1e-9], math.pow(10, 1 / 18)
    for _ in range(27 * 18):
        bounds.append(bounds[-1] * factor)
    if value < 1e-9:
        return "0...1.000e-09"
    at = (math.log10(value) + 9) * 18
    at = int(at) - 1 if at == int(at) and at > 0 else int(at)
    return f"{bounds[at]:.3e}...{bounds[at + 1]:.3e}"


def reckoned(samples: dict, begin: int) -> dict:
    """What exported() should give: one interval after the other, one series after the other."""
    out, before, totals, ranges = {}, {}, {}, {}
    for end in range(begin + INTERVAL, begin + (WINDOWS + 1) * INTERVAL, INTERVAL):
        for group in sorted({g for g, _ in samples}):
            values, rates, increase, last, series = [], [], 0.0, (0, 0.0), 0
            for key in sorted(k for k in samples if k[0] == group):
                inside = {t: v for t, v in samples[key].items() if end - INTERVAL < t <= end}
                if not inside:
                    continue
                series += 1
                start, up = before.get(key, (min(inside), None))[0], 0.0
                for t, v in sorted(inside.items()):
                    if key in before:
                        up += v - before[key][1] if v >= before[key][1] else v
                    before[key] = t, v
                    values.append(v)
                    last = max(last, (t, v))
                    bucket = ranges.setdefault(group, {})
                    bucket[vmrange(v)] = bucket.get(vmrange(v), 0) + 1
                increase += up
                if max(inside) > start:
                    rates.append(up / ((max(inside) - start) / 1000))
            totals[group] = totals.get(group, 0.0) + increase
            if not values:
                continue
            n, mean = len(values), math.fsum(values) / len(values)
            variance = math.fsum((v - mean) ** 2 for v in values) / n
            by = {"avg": sum(values) / n, "count_samples": n, "count_series": series, "increase": increase, "last": last[1],
                  "max": max(values), "min": min(values), "rate_avg": sum(rates) / len(rates), "rate_sum": sum(rates),
                  "stddev": math.sqrt(variance), "stdvar": variance, "sum_samples": sum(values), "total": totals[group],
                  "unique_samples": len(set(values))}
            for name, v in by.items():
                out.setdefault((f"c:1s_by_g_{name}", (("g", group),)), {})[end] = v
            ordered = sorted(values)
            for phi in (0, 0.5, 0.9, 1):
                key = ("c:1s_by_g_quantiles", (("g", group), ("quantile", str(phi))))
                out.setdefault(key, {})[end] = ordered[int(phi * (n - 1) + 0.5)]
            for name, count in ranges[group].items():
                out.setdefault(("c:1s_by_g_histogram_bucket", (("g", group), ("vmrange", name))), {})[end] = count
    return out


INEXACT = ("rate_avg", "rate_sum", "stddev", "stdvar", "avg")


def compare(got: dict, want: dict):
    """Exactly, but for what divides: there the order of additions may show in the last digits."""
    assert set(got) == set(want), (sorted(set(got) ^ set(want)))
    for key, samples in want.items():
        assert set(got[key]) == set(samples), (key, got[key], samples)
        for ts, v in samples.items():
            same = math.isclose(got[key][ts], v, rel_tol=1e-12, abs_tol=1e-12) if key[0].endswith(INEXACT) else got[key][ts] == v
            assert same, (key, ts, got[key][ts], v)


def next_begin(ahead_ms: int = 0) -> int:
    return (int(time.time() * 1000) + ahead_ms) // INTERVAL * INTERVAL + INTERVAL


def sleep_until(ms: int):
    time.sleep(max(0.0, ms / 1000 - time.time()))


def pieces(dice: random.Random, samples: dict, count: int) -> list:
    """Every sample in one of `count` parts, some in two; nothing is in order."""
    out = [{} for _ in range(count)]
    for key, s in samples.items():
        for ts, v in dice.sample(list(s.items()), len(s)):
            for part in dice.sample(range(count), 2 if dice.random() < 0.2 else 1):
                out[part].setdefault(key, {})[ts] = v
    return out


def killed(folder: str):
    own = pathlib.Path(folder, "own.yml")
    own.write_text(json.dumps({"stream_aggregation": [rule(name="all", max_wait="5s", keep_input=False)]}), encoding="utf-8")
    dice = random.Random(3)
    with harness.troupe(folder, flags=(*FLAGS, f"--troupe.config.file={own}")) as node:
        node.start()
        harness.wait_for("the rule to be in force", lambda: harness.metric(
            node.port, "troupe_stream_aggregation_lag_seconds"), 10, 0.02)
        begin = next_begin(100)
        samples = counters(dice, begin)
        parts = pieces(dice, samples, 3)
        push(node.port, parts[0])
        node.kill()
        node.start()
        push(node.port, parts[1])
        sleep_until(begin + 300)
        node.kill()
        node.start()
        push(node.port, parts[2])
        sleep_until(begin + INTERVAL + 1400)  # in the midst: the first interval is closed, its outputs are under way or stored
        node.kill()
        node.start()
        want = reckoned(samples, begin)

        def outputs():
            return {k: {t: v for t, v in s.items() if t > begin} for k, s in exported(node.port, "c:").items()}

        def there():
            got = outputs()
            return sum(map(len, got.values())) >= sum(map(len, want.values())) and got
        compare(harness.wait_for("the outputs", there, 15, 0.05), want)
        assert harness.metric(node.port, "troupe_stream_aggregation_late_samples_total") == 0
        push(node.port, {("0", "0"): {begin + 1: 7.0}})
        harness.wait_for("the late sample to be counted", lambda: harness.metric(
            node.port, "troupe_stream_aggregation_late_samples_total") == 1, 5, 0.05)
        assert harness.metric(node.port, "troupe_stream_aggregation_errors_total") == 0
        assert harness.stop_ok(node)
    print(f"{sum(map(len, want.values()))} outputs of {sum(map(len, samples.values()))} samples, three kills: all as reckoned")


def beside_victoriametrics(folder: str):
    binary = harness.peer("victoria-metrics")
    if not binary:
        print("no VictoriaMetrics: not compared")
        return
    config = pathlib.Path(folder, "vm.yml")
    config.write_text(json.dumps([rule()]), encoding="utf-8")
    own = pathlib.Path(folder, "own.yml")
    own.write_text(json.dumps({"stream_aggregation": [rule(name="all", max_wait="2s")]}), encoding="utf-8")
    port = harness.free_port()
    vm = harness.Server([binary, f"-storageDataPath={folder}/vm-data", f"-httpListenAddr=127.0.0.1:{port}",
                         f"-streamAggr.config={config}", "-streamAggr.keepInput", "-inmemoryDataFlushInterval=1s"],
                        port, f"{folder}/vm.log")
    with vm, harness.troupe(folder, flags=(*FLAGS, f"--troupe.config.file={own}")) as node:
        vm.start("/health")
        node.start()
        begin = next_begin(1100)
        samples = {k: {t: v for t, v in s.items() if t <= begin + 900} for k, s in counters(random.Random(4), begin).items()}
        samples = {k: s for k, s in samples.items() if s}
        sleep_until(begin + 150)  # VictoriaMetrics goes by the time of arrival
        push(port, samples)
        push(node.port, samples)
        harness.wait_for("troupe's outputs", lambda: exported(node.port, "c:"), 15, 0.05)

        def theirs():
            harness.request(port, "GET", "/internal/force_flush")
            return exported(port, "c:")
        peer = harness.wait_for("VictoriaMetrics' outputs", theirs, 15, 0.1)
        # Its counters go on, so that only the first of its outputs is of this interval.
        first = {k: {begin + INTERVAL: s[min(s)]} for k, s in peer.items()}
        mine = {k: {t: v for t, v in s.items() if t == begin + INTERVAL} for k, s in exported(node.port, "c:").items()}
        compare(mine, first)
        assert harness.stop_ok(node)
    print(f"{len(mine)} series as VictoriaMetrics has them")


if __name__ == "__main__":
    for part in (killed, beside_victoriametrics):
        with harness.work_folder() as where:
            part(where)
