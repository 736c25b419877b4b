#!/usr/bin/env python3
"""The same scrape and query work for troupe, Prometheus and VictoriaMetrics in one run on this machine: CPU per scrape,
memory per series, time of an instant and a range query. Prints one Markdown table.
usage: peers_bench.py [targets [seconds]]    TROUPE_BINARY, TROUPE_FARM and TROUPE_PEERS name the binaries."""
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402

LINES = 20
INTERVAL = 1


def config_text(targets: int, port: int) -> str:
    addresses = ", ".join(f'"127.1.{i >> 8}.{i & 255}:{port}"' for i in range(targets))
    return (f"global: {{scrape_interval: {INTERVAL}s, scrape_timeout: {INTERVAL}s}}\n"
            f"scrape_configs: [{{job_name: farm, static_configs: [{{targets: [{addresses}]}}]}}]\n")


def servers(folder: str, config: str):
    yield "troupe", harness.troupe(folder, config), "/-/ready"
    if harness.peer("prometheus"):
        yield "Prometheus", harness.prometheus(folder, config), "/-/ready"
    if harness.peer("victoria-metrics"):
        port = harness.free_port()
        path = f"{folder}/vm.yml"
        pathlib.Path(path).write_text(config, encoding="utf-8")
        yield "VictoriaMetrics", harness.Server(
            [harness.peer("victoria-metrics"), f"-promscrape.config={path}", f"-storageDataPath={folder}/vm",
             f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=1y", "-search.latencyOffset=0s"], port,
            f"{folder}/vm.log"), "/health"


def timed(port: int, path: str, n: int = 15, **params) -> float:
    """Median milliseconds."""
    took = []
    for _ in range(n):
        begin = time.perf_counter()
        harness.get_api(port, path, **params)
        took.append((time.perf_counter() - begin) * 1000)
    return statistics.median(took)


def main(targets: int, seconds: int) -> int:
    rows = []
    for index in range(3):
        farm_port = harness.free_port("0.0.0.0")
        with harness.work_folder() as folder:
            all_servers = list(servers(folder, config_text(targets, farm_port)))
            if index >= len(all_servers):
                break
            name, server, ready = all_servers[index]
            farm = harness.Server([os.environ["TROUPE_FARM"], str(farm_port), str(LINES)], farm_port, f"{folder}/farm.log")
            with farm, server:
                farm.start("/count")
                server.start(ready)
                time.sleep(5)
                count = int(harness.request(farm_port, "GET", "/count")[2])
                cpu = server.cpu_seconds()
                time.sleep(seconds)
                scrapes = int(harness.request(farm_port, "GET", "/count")[2]) - count
                cpu = server.cpu_seconds() - cpu
                now = time.time() - 2
                instant = timed(server.port, "/api/v1/query", query="sum(farm_value)", time=repr(now))
                ranged = timed(server.port, "/api/v1/query_range", query="sum by (line) (rate(farm_value[10s]))",
                               start=repr(now - seconds + 10), end=repr(now), step="1", nocache="1")
                rss = server.rss_bytes()
                rows.append((name, scrapes / seconds, cpu / max(scrapes, 1) * 1e6, rss / 2**20,
                             rss / (targets * (LINES + 5)), instant, ranged))
    print(f"\n{targets} targets x {LINES} lines every {INTERVAL} s for {seconds} s; queries over all their series\n")
    print("| server | scrapes/s | CPU per scrape | RSS | RSS per series | instant sum | range sum(rate) |")
    print("|---|---|---|---|---|---|---|")
    for name, rate, cpu_us, rss, per, instant, ranged in rows:
        print(f"| {name} | {rate:.0f} | {cpu_us:.0f} us | {rss:.0f} MiB | {per:.0f} B | {instant:.1f} ms | {ranged:.0f} ms |")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, int(sys.argv[2]) if len(sys.argv) > 2 else 30))
