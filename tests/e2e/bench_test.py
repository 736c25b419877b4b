#!/usr/bin/env python3
"""`troupe bench` against a real troupe, and against Prometheus where peers are there: what the audits say must be true, on
both sides of a kill -9, and they must see what is not there."""
import pathlib
import sys
import time

import harness

SERIES = 1500
CLEAN = {"audit_missing": 0, "audit_wrong": 0, "audit_unexpected": 0}


def assert_clean(got: dict, checked: int):
    faults = {k: got[k] for k in CLEAN}
    assert faults == CLEAN, got
    assert got["audit_checked"] == checked, got


def writes(server, name: str, profiles, *more):
    for profile in profiles:
        got = harness.bench("write", f"--profile={profile}", f"--series={SERIES}", "--duration=10m", "--audit",
                            "--samples-per-request=500", "--in-flight=8", *more, f"http://127.0.0.1:{server.port}")
        assert got["samples_acked"] == SERIES * 40 and got["samples_failed"] == 0, got
        assert_clean(got, SERIES * 40)
        print(f"{name}: {profile}: {got['samples_acked']} samples, every bit there")


def crash(server, folder: str):
    """What was acknowledged before a kill -9 is there after it; a ledger of another run finds nothing."""
    url = f"http://127.0.0.1:{server.port}"
    ledger = f"{folder}/ledger"
    harness.bench("churn", "--seed=9", f"--series={SERIES}", "--new-series=60", "--duration=15m", f"--ledger={ledger}", url)
    server.kill()
    server.start()
    assert_clean(harness.bench("audit", url, ledger), SERIES * 60)
    other = pathlib.Path(ledger).read_text(encoding="utf-8").replace("\nseed 9\n", "\nseed 10\n")
    pathlib.Path(ledger).write_text(other, encoding="utf-8")
    got = harness.bench("audit", url, ledger, expect=1)
    assert got["audit_missing"] == got["audit_checked"] == SERIES * 60, got
    print("kill -9: nothing lost; another run's ledger is not satisfied")


def scrapes(folder: str):
    port = harness.free_port("0.0.0.0")
    config = (f"global: {{scrape_interval: 3s, scrape_timeout: 3s}}\nscrape_configs: [{{job_name: farm, http_sd_configs: "
              f"[{{url: 'http://127.0.0.1:{port}/sd'}}]}}]\n")
    pathlib.Path(f"{folder}/scrape").mkdir()
    server = harness.troupe(f"{folder}/scrape", config)
    farm = harness.Server([harness.troupe_binary(), "bench", "scrape", f"--port={port}", "--targets=20", "--duration=10s",
                           "--audit", "--output=json", f"http://127.0.0.1:{server.port}"], port, f"{folder}/farm.log")
    with farm, server:
        farm.start("/count")
        server.start()
        code = farm.process.wait(60)
        text = pathlib.Path(farm.log_path).read_text(encoding="utf-8")
        assert code == 0, text
        got = harness.json.loads(text.splitlines()[-1])
        assert got["scrapes"] >= 20, got
        assert_clean(got, got["audit_checked"])
        assert got["audit_checked"] >= got["samples"] - 20 * 523, got
        print(f"scrape: {got['scrapes']} scrapes, {got['audit_checked']} samples checked")


def queries(server):
    got = harness.bench("query", "--count=40", "--in-flight=4", "--window=5m", f"http://127.0.0.1:{server.port}")
    assert got["queries_answered"] == 40 and got["queries_failed"] == 0, got
    got = harness.bench("query", "--count=3", "--instant=sum(", f"http://127.0.0.1:{server.port}", expect=1)
    assert got["queries_failed"] == 3 and "parse error" in got["queries"][0]["first_error"], got


def main() -> int:
    begin = time.monotonic()
    with harness.work_folder() as folder:
        with harness.troupe(folder, flags=[harness.WRITE_FLAG, "--web.enable-otlp-receiver"]) as server:
            server.start()
            writes(server, "troupe", ("node", "busy", "walk16", "classic", "native"))
            writes(server, "troupe, OTLP", ("node", "native"), "--protocol=otlp", "--seed=2")
            crash(server, folder)
            queries(server)
        scrapes(folder)
        if harness.peer("prometheus"):
            flags = [harness.WRITE_FLAG, "--enable-feature=native-histograms"]
            with harness.prometheus(folder, "scrape_configs: []\n", flags) as peer:
                peer.start()
                writes(peer, "Prometheus", ("node", "walk16", "native"))
    print(f"{time.monotonic() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
