#!/usr/bin/env python3
"""50,000 targets x 20 series at 60 s in one process, on addresses of 127.0.0.0/8. Asserts the counts and, in the long
form, that 99.7 % of the scrapes are on schedule; prints CPU per scrape and memory.
usage: scale_test.py [seconds [targets]]   (30 s by default; 180 for the long form)"""
import json
import pathlib
import sys
import time

import harness

LINES = 20
INTERVAL = 60


def main(seconds: int, targets: int) -> int:
    farm_port = harness.free_port("0.0.0.0")
    with harness.work_folder() as folder:
        groups = [{"targets": [f"127.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}:{farm_port}" for i in
                               range(65536 + at, 65536 + min(at + 1000, targets))]} for at in range(0, targets, 1000)]
        pathlib.Path(f"{folder}/targets.json").write_text(json.dumps(groups))
        config = (f"global: {{scrape_interval: {INTERVAL}s, scrape_timeout: 10s}}\nscrape_configs: [{{job_name: farm, "
                  f"file_sd_configs: [{{files: ['targets.json']}}]}}]\n")
        farm = harness.farm(folder, farm_port, targets, LINES)
        with farm, harness.troupe(folder, config) as server:
            farm.start("/count")
            server.start()

            def served():
                return int(harness.request(farm_port, "GET", "/count")[2])
            harness.wait_for("all targets to be found", lambda: harness.metric(server.port, "troupe_sd_discovered_targets") == targets)
            # A round first: connections, line caches and series are made once.
            if seconds >= 2 * INTERVAL:
                time.sleep(INTERVAL)
            names = ("troupe_scrapes_total", "troupe_scrapes_failed_total", "troupe_scrapes_late_total",
                     "troupe_scrapes_skipped_total", "troupe_scrape_samples_lost_total")
            count, cpu, begin = served(), server.cpu_seconds(), time.monotonic()
            before = {n: harness.metric(server.port, n) for n in names}
            time.sleep(seconds)
            elapsed, scraped = time.monotonic() - begin, served() - count
            used = server.cpu_seconds() - cpu
            delta = {n: harness.metric(server.port, n) - before[n] for n in names}
            expected = targets * elapsed / INTERVAL
            bad = delta["troupe_scrapes_late_total"] + delta["troupe_scrapes_skipped_total"] + delta["troupe_scrapes_failed_total"]
            on_time = 1 - bad / max(delta["troupe_scrapes_total"], 1)
            rss = server.rss_bytes()
            series = int(float(harness.instant(server.port, "count({job='farm'})", timeout=120)[0]["value"][1]))
            print(f"{targets} targets, {elapsed:.0f} s: {scraped} scrapes ({scraped / expected * 100:.2f} % of the schedule), "
                  f"{on_time * 100:.3f} % on time, {used / scraped * 1e6:.1f} us CPU a scrape, RSS {rss / 2**20:.0f} MiB, "
                  f"{series} series, {rss / series:.0f} B a series; {delta}")
            begin = time.monotonic()
            code = server.stop(20)
            print(f"stopped in {time.monotonic() - begin:.2f} s")
            assert code == 0 and time.monotonic() - begin < 10, code
            assert delta["troupe_scrapes_failed_total"] == 0, delta
            assert abs(scraped - expected) <= 0.02 * expected + 50, (scraped, expected)
            assert delta["troupe_scrape_samples_lost_total"] == 0
            if seconds >= 3 * INTERVAL:
                assert on_time >= 0.997, on_time
                assert series >= targets * (LINES + 5) * 0.997
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 30, int(sys.argv[2]) if len(sys.argv) > 2 else 50_000))
