#!/usr/bin/env python3
"""The same work for troupe, Prometheus and VictoriaMetrics on this machine, in turn (A B C C B A); one Markdown table with the
budgets beside it. The load is `troupe bench`; scripts/bench_peers.sh builds it and names the binaries.
CPU = the server's user + system time, the work in its background until it is quiet included; memory = RssAnon + RssShmem
above the empty server; disk = everything below the data folder, as allocated.
usage: peers_bench.py [axis…] [--quick] [--rounds N] [--servers troupe,Prometheus,VictoriaMetrics] [--json FILE]
axes: scrape small write write2 otlp send new memory disk profiles restart query rules ack (default: all)
TROUPE_BINARY and TROUPE_PEERS name the binaries"""
import argparse
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402
import recorder  # noqa: E402

HOST = 523  # series of a host of the node profile
AXES = ("scrape", "small", "write", "write2", "otlp", "send", "new", "memory", "disk", "profiles", "restart", "query", "rules", "ack")
MESSAGES = {"1.0": "prometheus.WriteRequest", "2.0": "io.prometheus.write.v2.Request"}
PROFILES = ("busy", "walk16", "classic")  # beside that of node_exporter


class Sizes:
    """What each workload consists of; --quick is for a look at the direction, not for the table."""

    def __init__(self, quick: bool):
        self.targets, self.scrape_s = (200, 5) if quick else (200, 60)
        self.small_targets, self.small_interval, self.small_s = (2_000, 2, 4) if quick else (15_000, 5, 60)
        self.write_series, self.write_rows = (52 * HOST // 2, 40) if quick else (100 * HOST, 480)
        self.new_series, self.new_rows = (100 * HOST, 10) if quick else (1000 * HOST, 30)
        self.much_series, self.much_rows = (0, 0) if quick else (1000 * HOST, 480)
        self.disk_series, self.disk_rows = (1_046, 960) if quick else (10_000, 5_760)
        self.merge_s = 3 if quick else 90
        self.million_series, self.million_rows = (0, 0) if quick else (2000 * HOST, 10)
        self.profile_series, self.profile_rows = (500, 960) if quick else (2_000, 2_880)
        self.rules, self.rule_interval, self.rules_s = 2_000, 15, 30 if quick else 90
        self.rule_series = 100_000
        self.ack_runs = 1 if quick else 4


# ---- the servers ----

def troupe(folder: str, config: str, *more):
    # The default keeps idle connections to half of the descriptors, usually 20,000: too few for the 15,000 targets.
    flags = [harness.WRITE_FLAG, "--web.enable-otlp-receiver", "--web.enable-admin-api",
             "--troupe.scrape.max-idle-connections=16000", *more]
    return harness.troupe(folder, config, flags), "/-/ready"


def prometheus(folder: str, config: str):
    # Samples of two days in simulated time must not be old already.
    flags = [harness.WRITE_FLAG, "--storage.tsdb.retention.time=30d",
             *(f"--web.remote-write-receiver.accepted-protobuf-messages={m}" for m in MESSAGES.values())]
    if harness.prometheus_takes_otlp():
        flags.append("--web.enable-otlp-receiver")
    return harness.prometheus(folder, config, flags), "/-/ready"


def victoria(folder: str, config: str):
    port = harness.free_port()
    path = f"{folder}/vm.yml"
    pathlib.Path(path).write_text(config, encoding="utf-8")
    return harness.Server([harness.peer("victoria-metrics"), f"-promscrape.config={path}", f"-storageDataPath={folder}/vm",
                           f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=1y", "-search.latencyOffset=0s"], port,
                          f"{folder}/vm.log"), "/health"


def vmagent(folder: str, sink: str):
    port = harness.free_port()
    return harness.Server([harness.peer("vmagent"), f"-httpListenAddr=127.0.0.1:{port}", f"-remoteWrite.url={sink}",
                           f"-remoteWrite.tmpDataPath={folder}/agent", "-remoteWrite.forcePromProto=true"], port,
                          f"{folder}/agent.log"), "/health"


SERVERS = {"troupe": troupe, "Prometheus": prometheus, "VictoriaMetrics": victoria}
DATA = {"troupe": "data", "Prometheus": "peer-data", "VictoriaMetrics": "vm"}
# What brings everything to disk in its final form; Prometheus has nothing of the kind.
FLUSH = {"troupe": [("POST", "/api/v1/admin/tsdb/flush")], "Prometheus": [],
         "VictoriaMetrics": [("GET", "/internal/force_flush"), ("GET", "/internal/force_merge")]}


class Running:
    """One server on an empty folder, quiet when the constructor returns. `server`: another than that of the name."""

    def __init__(self, name: str, folder: str, config: str = "scrape_configs: []\n", flags=(), server=None):
        self.name, self.folder = name, folder
        self.server, self.ready = server or SERVERS[name](folder, config, *flags)

    def __enter__(self):
        self.server.start(self.ready)
        time.sleep(2)
        self.empty = self.memory()
        return self

    def __exit__(self, *_):
        self.server.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def memory(self) -> int:
        kb = 0
        for line in pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(("RssAnon:", "RssShmem:")):
                kb += int(line.split()[1])
        return kb * 1024

    def settle(self, quiet_s: float = 2, limit_s: float = 30):
        """Waits until the server uses less than 5 % of a core for `quiet_s`."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            before = self.server.cpu_seconds()
            time.sleep(quiet_s)
            if self.server.cpu_seconds() - before < 0.05 * quiet_s:
                return

    def disk(self) -> int:
        total = 0
        for path in pathlib.Path(f"{self.folder}/{DATA[self.name]}").rglob("*"):
            try:
                total += path.lstat().st_blocks * 512
            except FileNotFoundError:  # merged away meanwhile
                pass
        return total

    def load(self, series: int, rows: int, *more, in_flight: int = 4, step: int = 15) -> dict:
        got = harness.bench("write", f"--series={series}", f"--duration={rows * step}s", "--samples-per-request=2000",
                            f"--in-flight={in_flight}", *more, self.url, timeout=7200)
        assert got["samples_acked"] == series * rows, got
        return got


# ---- the workloads: name of a figure → value, per server ----

def scrape_load(name: str, folder: str, targets: int, interval: int, seconds: int, width: int):
    """(CPU seconds, scrapes) of `seconds` of steady scraping."""
    port = harness.free_port("0.0.0.0")
    config = (f"global: {{scrape_interval: {interval}s, scrape_timeout: {interval}s}}\nscrape_configs: [{{job_name: farm, "
              f"http_sd_configs: [{{url: 'http://127.0.0.1:{port}/sd'}}]}}]\n")

    def served() -> int:
        return int(harness.request(port, "GET", "/count")[2])
    with harness.farm(folder, port, targets, width, "node") as farm:
        farm.start("/count")
        with Running(name, folder, config) as run:
            # Connections, caches and series are made in the first rounds.
            harness.wait_for("all targets to be scraped twice", lambda: served() >= 2 * targets, 20 * interval + 60)
            time.sleep(2 * interval)
            scrapes, cpu, begin = served(), run.server.cpu_seconds(), time.monotonic()
            time.sleep(max(seconds, 2 * interval))
            scrapes, cpu = served() - scrapes, run.server.cpu_seconds() - cpu
            expected = targets * (time.monotonic() - begin) / interval
    assert scrapes > 0.9 * expected, f"{name} kept up with {scrapes} of {expected:.0f} scrapes only"
    return cpu, scrapes


def run_scrape(name: str, folder: str, size: Sizes) -> dict:
    cpu, scrapes = scrape_load(name, folder, size.targets, 1, size.scrape_s, HOST)
    return {"scrape": cpu / (scrapes * HOST) * 1e6}


def run_small(name: str, folder: str, size: Sizes) -> dict:
    cpu, scrapes = scrape_load(name, folder, size.small_targets, size.small_interval, size.small_s, 20)
    return {"small": cpu / scrapes * 1e6}


def run_write(name: str, folder: str, size: Sizes) -> dict:
    with Running(name, folder) as run:
        begin = run.server.cpu_seconds()
        run.load(size.write_series, size.write_rows)
        run.settle()
        out = {"write": (run.server.cpu_seconds() - begin) / (size.write_series * size.write_rows) * 1e6,
               "memory52": (run.memory() - run.empty) / size.write_series}
        got = harness.bench("query", "--count=40", "--window=5m", "--instant=sum(node_memory_MemAvailable_bytes)",
                            "--range=sum by (mode) (rate(node_cpu_seconds_total[5m]))", run.url)
        out["instant"], out["range"] = (q["p50_ms"] for q in got["queries"])
        return out


def run_write2(name: str, folder: str, size: Sizes) -> dict:
    if name == "VictoriaMetrics":  # has no receiver of 2.0
        return {}
    with Running(name, folder) as run:
        begin = run.server.cpu_seconds()
        run.load(size.write_series, size.write_rows, "--protocol=2.0")
        run.settle()
        return {"write2": (run.server.cpu_seconds() - begin) / (size.write_series * size.write_rows) * 1e6}


def run_otlp(name: str, folder: str, size: Sizes) -> dict:
    if name == "Prometheus" and not harness.prometheus_takes_otlp():
        return {"otlp": "not in Debian's build"}
    path = ["--path=/opentelemetry/v1/metrics"] if name == "VictoriaMetrics" else []
    with Running(name, folder) as run:
        begin = run.server.cpu_seconds()
        run.load(size.write_series, size.write_rows, "--protocol=otlp", *path)
        run.settle()
        return {"otlp": (run.server.cpu_seconds() - begin) / (size.write_series * size.write_rows) * 1e6}


def relayed(run: Running, size: Sizes, is_sent) -> float:
    """CPU seconds per million samples, those that lie behind the server's start."""
    begin, count = run.server.cpu_seconds(), size.write_series * size.write_rows
    # Prometheus sends on only what is newer than its start, and takes what is at most ten minutes ahead.
    run.load(size.write_series, size.write_rows, "--step=1s", f"--end={time.time() + 60 + size.write_rows}", step=1)
    harness.wait_for("the samples to be sent on", lambda: is_sent(count), 300, 0.5)
    run.settle()
    return (run.server.cpu_seconds() - begin) / count * 1e6


def run_send(name: str, folder: str, size: Sizes) -> dict:
    """By each version: what receiving 1.0 and sending it on takes; then what receiving alone takes, for the difference."""
    def home(which: str) -> str:
        os.makedirs(f"{folder}/{which}")
        return f"{folder}/{which}"

    out = {}
    if name == "VictoriaMetrics":
        with recorder.Sink() as sink:
            agent = vmagent(home("agent"), f"http://127.0.0.1:{sink.port}/api/v1/write")
            with Running(name, folder, server=agent) as run:
                out["send"] = relayed(run, size, lambda _: harness.metric(run.server.port, "vmagent_remotewrite_pending_data_bytes") == 0)
            assert sink.requests > 0
        return out | {"send2": "vmagent sends 1.0 only"}
    for figure, message in zip(("send", "send2"), MESSAGES.values()):
        with recorder.Sink() as sink:
            config = (f"scrape_configs: []\nremote_write: [{{url: 'http://127.0.0.1:{sink.port}/api/v1/write', "
                      f"protobuf_message: {message}, metadata_config: {{send: false}}}}]\n")
            with Running(name, home(figure), config) as run:
                out[figure] = relayed(run, size, lambda count: harness.metric(
                    run.server.port, "prometheus_remote_storage_samples_total") >= count)
                failed = harness.metric(run.server.port, "prometheus_remote_storage_samples_failed_total")
                assert failed == 0, f"{failed} samples failed"
    with Running(name, home("alone")) as run:
        alone = relayed(run, size, lambda _: True)
    return out | {f"{figure}_more": out[figure] - alone for figure in ("send", "send2")}


def rule_file(size: Sizes) -> str:
    """Rules that each read any 64 of the hosts; groups of 100."""
    dice, hosts = random.Random(3), size.rule_series // HOST
    out = ["groups:"]
    for i in range(size.rules):
        if i % 100 == 0:
            out.append(f"- {{name: g{i // 100}, interval: {size.rule_interval}s, rules: [")
        names = "|".join(f"node-1-{h:06}" for h in sorted(dice.sample(range(hosts), 64)))
        out.append(f"  {{record: 'mode:cpu:rate{i}', expr: 'sum by (mode) (rate(node_cpu_seconds_total{{instance=~\"{names}\"}}[5m]))'}},")
        if i % 100 == 99:
            out.append("  ]}")
    return "\n".join(out) + "\n"


def run_rules(name: str, folder: str, size: Sizes) -> dict:
    """Cores for all rules at each of their instants, ingest of their series included: what an evaluation takes, times how many
    are due, so that a server that falls behind does not look better for it."""
    if name == "VictoriaMetrics":  # vmalert asks it over HTTP
        return {}
    pathlib.Path(f"{folder}/rules.yml").write_text(rule_file(size), encoding="utf-8")
    with Running(name, folder, f"scrape_configs: []\nrule_files: ['{folder}/rules.yml']\n") as run:
        end = time.time()
        run.load(size.rule_series, 20, f"--end={end}")
        rows = size.rules_s // 15 + 3
        feed = threading.Thread(target=run.load, args=(size.rule_series, rows, f"--rate={size.rule_series / 15}",
                                                       f"--end={end + rows * 15}"))
        feed.start()
        time.sleep(25)
        def evaluations() -> float:
            return harness.metric(run.server.port, "prometheus_rule_evaluations_total")
        cpu, done, begin = run.server.cpu_seconds(), evaluations(), time.monotonic()
        time.sleep(size.rules_s - 10)
        cpu, done, took = run.server.cpu_seconds() - cpu, evaluations() - done, time.monotonic() - begin
        failed = harness.metric(run.server.port, "prometheus_rule_evaluation_failures_total")
        feed.join()
        found = len(harness.instant(run.server.port, '{__name__=~"mode:cpu:rate.*"}'))
    assert failed == 0 and found >= 8 * size.rules and done > 0, (failed, found, done)
    due = size.rules / size.rule_interval
    return {"rules": cpu / done * due, "rules_done": done / took / due * 100}


def kill_and_audit(run: Running, ledger: str) -> dict:
    """Killed, started, asked: seconds until it answers, and what of the ledger is not there."""
    run.server.kill()
    start = time.monotonic()
    run.server.start(run.ready, timeout=600)
    # Answered, not necessarily with all data: what is lost is counted below.
    harness.wait_for("queries to be answered",
                     lambda: harness.instant(run.server.port, "count(node_load1)") is not None, 600, 0.01)
    ready = time.monotonic() - start
    lost = subprocess.run([harness.troupe_binary(), "bench", "audit", "--output=json", run.url, ledger],
                          capture_output=True, text=True, timeout=7200, check=False)
    got = json.loads(lost.stdout)
    return {"restart": ready, "lost": got["audit_missing"], "wrong": got["audit_wrong"]}


def run_new(name: str, folder: str, size: Sizes) -> dict:
    ledger = f"{folder}/ledger"
    with Running(name, folder) as run:
        begin = run.server.cpu_seconds()
        run.load(size.new_series, size.new_rows, f"--ledger={ledger}")
        # Killed at once: what was acknowledged last counts too.
        used = run.server.cpu_seconds()
        return {"new": (used - begin) / (size.new_series * size.new_rows) * 1e6} | kill_and_audit(run, ledger)


def run_million(name: str, folder: str, size: Sizes) -> dict:
    if size.million_series == 0:
        return {}
    ledger = f"{folder}/ledger"
    with Running(name, folder) as run:
        run.load(size.million_series, size.million_rows, f"--ledger={ledger}")
        return {f"million_{key}": value for key, value in kill_and_audit(run, ledger).items()}


def run_much(name: str, folder: str, size: Sizes) -> dict:
    if size.much_series == 0:
        return {}
    with Running(name, folder) as run:
        run.load(size.much_series, size.much_rows)
        run.settle()
        return {"memory523": (run.memory() - run.empty) / size.much_series}


def steady_disk(run: Running, quiet_s: int) -> int:
    """Until the background work is through: nothing has changed for a while."""
    end, last, since = time.monotonic() + 2 * quiet_s, -1, time.monotonic()
    while time.monotonic() < end and time.monotonic() - since < quiet_s:
        time.sleep(1)
        now = run.disk()
        if now != last:
            last, since = now, time.monotonic()
    return last


def disk_per_sample(name: str, folder: str, series: int, rows: int, merge_s: int, *load):
    """With what the server keeps for the last hours as it is, and after it was told to bring all to its final form."""
    with Running(name, folder) as run:
        run.load(series, rows, *load)
        running = steady_disk(run, merge_s)
        for method, path in FLUSH[name]:
            harness.request(run.server.port, method, path, timeout=600)
        flushed = steady_disk(run, merge_s) if FLUSH[name] else running
        return running / (series * rows), flushed / (series * rows)


def run_disk(name: str, folder: str, size: Sizes) -> dict:
    running, flushed = disk_per_sample(name, folder, size.disk_series, size.disk_rows, size.merge_s)
    return {"disk_running": running, "disk": flushed}


def run_profiles(name: str, folder: str, size: Sizes) -> dict:
    out = {}
    for profile in PROFILES:
        home = f"{folder}/{profile}"
        os.makedirs(home)
        _, out[f"disk_{profile}"] = disk_per_sample(name, home, size.profile_series, size.profile_rows, min(size.merge_s, 40),
                                                    f"--profile={profile}")
    return out


def run_ack(name: str, folder: str, size: Sizes) -> dict:
    """Only for troupe: how much less it takes in a second when it acknowledges after fdatasync."""
    if name != "troupe":
        return {}
    taken = {"always": 0.0, "os": 0.0}
    for n in range(size.ack_runs):
        for mode in taken if n % 2 == 0 else reversed(taken):
            home = f"{folder}/{mode}{n}"
            os.makedirs(home)
            with Running(name, home, flags=(f"--storage.wal.sync={mode}",)) as run:
                taken[mode] += run.load(size.write_series, size.write_rows // 2, in_flight=16)["samples_per_second"]
    return {"ack": (1 - taken["always"] / taken["os"]) * 100}


WORK = {"scrape": (run_scrape,), "small": (run_small,), "write": (run_write,), "write2": (run_write2,), "otlp": (run_otlp,),
        "send": (run_send,), "rules": (run_rules,), "query": (run_write,), "new": (run_new,),
        "restart": (run_new, run_million), "memory": (run_write, run_much), "disk": (run_disk,), "profiles": (run_profiles,),
        "ack": (run_ack,)}


# ---- the table ----

def rows_of(size: Sizes):
    """(axis, figure, title, unit, format, budget)"""
    return (
        ("scrape", "scrape", f"scrape, gzip, {HOST} lines × {size.targets} targets at 1 s", "CPU s per M samples", ".3f", 0.19),
        ("small", "small", f"scrape, {size.small_targets:,} targets × 20 lines at {size.small_interval} s", "CPU µs per scrape",
         ".0f", 40),
        ("write", "write", f"remote write, 2,000 samples a request, {size.write_series:,} series × {size.write_rows}",
         "CPU s per M samples", ".3f", 0.15),
        ("write2", "write2", f"remote write 2.0, 2,000 samples a request, {size.write_series:,} series × {size.write_rows}",
         "CPU s per M samples", ".3f", 0.11),
        ("otlp", "otlp", f"OTLP, protobuf and gzip, 2,000 points a request, {size.write_series:,} series × {size.write_rows}",
         "CPU s per M samples", ".3f", None),
        *(row for key, version in (("send", "1.0"), ("send2", "2.0")) for row in (
            ("send", key, f"remote write 1.0 in, {version} out (VictoriaMetrics: vmagent, which stores nothing), "
             f"{size.write_series:,} series × {size.write_rows}", "CPU s per M samples", ".3f", None),
            ("send", f"{key}_more", "of it sending: less what receiving alone takes", "CPU s per M samples", ".3f", None))),
        ("new", "new", f"remote write 1.0, {size.new_series:,} new series × {size.new_rows}", "CPU s per M samples", ".3f", 0.30),
        ("memory", "memory52", f"memory, {size.write_series:,} series × {size.write_rows}", "B per active series", ".0f", 200),
        ("memory", "memory523", f"memory, {size.much_series:,} series × {size.much_rows}", "B per active series", ".0f", 200),
        ("disk", "disk", f"disk all-in after flush and merges, {size.disk_series:,} series × {size.disk_rows}", "B per sample",
         ".3f", 0.45),
        ("disk", "disk_running", "the same as it is while running, the last hours not in blocks", "B per sample", ".3f", None),
        *(("profiles", f"disk_{p}", f"disk, profile {p}, {size.profile_series:,} series × {size.profile_rows}", "B per sample",
           ".2f", None) for p in PROFILES),
        ("ack", "ack", "throughput of ack after fsync below that of sync mode os, 16 requests in flight", "%", ".1f", 5),
        ("restart", "restart", f"answers queries after kill -9, {size.new_series:,} series", "s", ".2f", 1),
        ("restart", "lost", "acknowledged samples lost by it", "samples", ".0f", 0),
        ("restart", "wrong", "samples that came back with other bits", "samples", ".0f", 0),
        ("restart", "million_restart", f"answers after kill -9, {size.million_series:,} series", "s", ".2f", 2),
        ("restart", "million_lost", "acknowledged samples lost by it", "samples", ".0f", 0),
        ("rules", "rules", f"{size.rules:,} rules over 64 of {size.rule_series // HOST} hosts each every {size.rule_interval} s, "
         f"{size.rule_series:,} series", "cores", ".3f", 0.1),
        ("rules", "rules_done", "evaluations done in time", "%", ".0f", None),
        ("query", "instant", f"sum() at an instant over {size.write_series // HOST} series, p50", "ms", ".2f", None),
        ("query", "range", "sum by (rate[5m]) over 5 min, step 15 s, p50", "ms", ".2f", None),
    )


def cell(values, form: str) -> str:
    if not values:
        return "–"
    if isinstance(values[0], str):
        return values[0]
    mean = sum(values) / len(values)
    spread = (max(values) - min(values)) / 2
    text = f"{mean:{form}}"
    return text if len(values) == 1 or f"{spread:{form}}" == f"{0:{form}}" else f"{text} ± {spread:{form}}"


def table(size: Sizes, axes, names, figures) -> str:
    out = [f"| axis | unit | {' | '.join(names)} | budget |", "|---|---|" + "---|" * (len(names) + 1)]
    for axis, key, title, unit, form, budget in rows_of(size):
        values = {n: [f[key] for f in figures[n] if key in f] for n in names}
        if axis not in axes or not any(values.values()):
            continue
        verdict = ""
        if budget is not None:
            verdict = f"≤ {budget:g}"
            if values.get("troupe"):
                verdict += " met" if sum(values["troupe"]) / len(values["troupe"]) <= budget else " missed"
        out.append(f"| {title} | {unit} | {' | '.join(cell(values[n], form) for n in names)} | {verdict} |")
    return "\n".join(out)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("axes", nargs="*", metavar="axis", help=" ".join(AXES))
    p.add_argument("--quick", action="store_true")
    p.add_argument("--rounds", type=int, default=None, help="2 = A B C C B A (default; 1 with --quick)")
    p.add_argument("--servers", default=",".join(SERVERS))
    p.add_argument("--json", help="also write all single figures to this file")
    a = p.parse_args()
    axes = a.axes or AXES
    for axis in axes:
        if axis not in AXES:
            p.error(f"unknown axis {axis}: choose from {' '.join(AXES)}")
    size = Sizes(a.quick)
    names = [n for n in a.servers.split(",") if n == "troupe" or harness.peer(n.lower().replace("victoria", "victoria-"))]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    works = list(dict.fromkeys(w for axis in AXES if axis in axes for w in WORK[axis]))
    figures = {n: [] for n in names}
    rounds = a.rounds or (1 if a.quick else 2)
    for work in works:
        for turn in range(rounds):
            for name in names if turn % 2 == 0 else reversed(names):
                print(f"{work.__name__.removeprefix('run_')}, round {turn + 1}: {name}", file=sys.stderr, flush=True)
                with harness.work_folder(os.environ.get("TROUPE_BENCH_DIR")) as folder:
                    try:
                        figures[name].append(work(name, folder, size))
                    except AssertionError as e:
                        # One server that cannot do a workload leaves a gap in the table, not no table.
                        print(f"{name}: {e}", file=sys.stderr, flush=True)
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")
    print(table(size, axes, names, figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
