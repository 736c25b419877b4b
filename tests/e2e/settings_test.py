#!/usr/bin/env python3
"""Flags, features and keys that act on a whole real process: prefixes, page title, automatic reload, log files, warnings.
usage: settings_test.py [step…]"""
import json
import os
import pathlib
import signal
import sys
import time

import exporters
import harness

REFUSED = "127.0.0.1:1"  # nobody listens there
HOUR = 3_600_000


def get(port: int, path: str):
    return harness.request(port, "GET", path)


def external_url(folder: str):
    """Its path prefixes every route, the page's links work from both, an own scrape finds its way."""
    port = harness.free_port()
    server = harness.Server([harness.troupe_binary(), f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
                             "--web.external-url=http://x/a/b", "--web.page-title=<A & B>"], port, f"{folder}/troupe.log")
    here = os.getcwd()
    os.chdir(folder)  # no prometheus.yml: troupe scrapes itself
    try:
        server.start(ready="/a/b/-/ready")
    finally:
        os.chdir(here)
    with server:
        status, headers, _ = get(port, "/")
        assert (status, headers["Location"]) == (302, "/a/b"), (status, headers)
        status, headers, _ = get(port, "/a/b")
        assert (status, headers["Location"]) == (301, "/a/b/"), (status, headers)
        status, _, body = get(port, "/a/b/")
        assert status == 200 and b"<title>&lt;A &amp; B&gt;</title>" in body, body[:300]
        for path in ("page.js", "page.css", "metrics", "federate?match[]=up", "api/v1/query?query=1", "version"):
            assert get(port, "/a/b/" + path)[0] == 200, path
            assert get(port, "/" + path)[0] == 404, path
        for path in ("/a/bc", "/a", "/a/b/../b/metrics2", "/-/ready"):
            assert get(port, path)[0] == 404, path
        flags = harness.get_api(port, "/a/b/api/v1/status/flags")
        assert flags["web.route-prefix"] == "/a/b" and flags["web.external-url"] == "http://x/a/b", flags
        target = harness.get_api(port, "/a/b/api/v1/targets")["activeTargets"][0]
        assert target["scrapeUrl"].endswith("/a/b/metrics"), target


def explicit_prefix(folder: str):
    """--web.route-prefix=/ wins over the path: a proxy takes that away."""
    with harness.troupe(folder, flags=["--web.external-url=http://x/a/b", "--web.route-prefix=/"]) as server:
        server.start()
        assert get(server.port, "/")[0] == 200
        assert get(server.port, "/federate?match[]=up")[0] == 200
        assert get(server.port, "/a/b/")[0] == 404
        assert harness.get_api(server.port, "/api/v1/status/flags")["web.route-prefix"] == "/"


def log_text(server) -> str:
    return server.log_tail(100_000)


def warnings_once(folder: str):
    """What does not act is said once a load, whether flag, feature or key."""
    config = "runtime: {gogc: 50}\nglobal: {external_labels: {a: '${TROUPE_UNSET}'}}\n"
    keys = ("gogc is read and checked but has no effect yet", "empty environment variable TROUPE_UNSET")
    flags = ["--storage.agent.no-lockfile", "--enable-feature=old-ui"]
    with harness.troupe(folder, config, flags) as server:
        server.start()
        for text in (*keys, "storage.agent.no-lockfile is accepted but does not act", "old-ui is accepted but does not act"):
            assert log_text(server).count(text) == 1, (text, log_text(server))
        assert 'troupe_config_inert{feature="gogc"} 1' in get(server.port, "/metrics")[2].decode()
        for loads in (2, 3):
            server.signal(signal.SIGHUP)
            harness.wait_for("a reload", lambda: log_text(server).count("configuration reloaded") == loads - 1)
            for text in keys:
                assert log_text(server).count(text) == loads, (text, log_text(server))
        (pathlib.Path(folder) / "prometheus.yml").write_text("scrape_configs: []\n")
        server.signal(signal.SIGHUP)
        harness.wait_for("a key to be gone", lambda: 'troupe_config_inert{feature="gogc"} 0' in
                         get(server.port, "/metrics")[2].decode())


def auto_reload(folder: str):
    """A change of a file that the configuration names is enough; a bad one changes nothing."""
    jobs = pathlib.Path(folder) / "jobs.yml"
    jobs.write_text("scrape_configs: [{job_name: one}]\n")
    flags = ["--enable-feature=auto-reload-config", "--config.auto-reload-interval=1s"]
    with harness.troupe(folder, "scrape_config_files: [job*.yml]\n", flags) as server:
        server.start()

        def pools():
            return harness.get_api(server.port, "/api/v1/scrape_pools")["scrapePools"]
        harness.wait_for("the first pool", lambda: pools() == ["one"])
        jobs.write_text("scrape_configs: [{job_name: two}]\n")
        harness.wait_for("the changed pool", lambda: pools() == ["two"])
        jobs.write_text("scrape_configs: [{job_name: three, nonsense: 1}]\n")
        harness.wait_for("the failure", lambda: "prometheus_config_last_reload_successful 0" in get(server.port, "/metrics")[2].decode())
        assert pools() == ["two"]
        jobs.write_text("scrape_configs: [{job_name: four}]\n")
        harness.wait_for("the repaired pool", lambda: pools() == ["four"])


def lines_of(path: pathlib.Path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def log_files(folder: str):
    """Queries and failed scrapes as JSON lines; opened anew at reload; a file that cannot be opened fails the reload."""
    queries, failures, other = (pathlib.Path(folder) / name for name in ("queries.log", "failures.log", "other.log"))
    with exporters.Exporter(lambda _: (exporters.TEXT, b"a 1\n")) as target:
        config = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s, query_log_file: queries.log, scrape_failure_log_file: failures.log}}
scrape_configs:
- {{job_name: good, static_configs: [{{targets: ['127.0.0.1:{target.port}']}}]}}
- {{job_name: bad, static_configs: [{{targets: ['{REFUSED}']}}]}}
- {{job_name: own, scrape_failure_log_file: other.log, static_configs: [{{targets: ['{REFUSED}']}}]}}
"""
        with harness.troupe(folder, config, ["--web.enable-lifecycle", "--web.route-prefix=/p"]) as server:
            server.start("/p/-/ready")
            harness.api(server.port, "/p/api/v1/query_range", query="up * 2", start=100, end=160.5, step=15)
            harness.get_api(server.port, "/p/api/v1/query", query="vector(1)", time=7)
            assert get(server.port, "/p/api/v1/query?query=)")[0] == 400
            assert get(server.port, "/p/api/v1/query?query=a*on()group_left()vector(1)")[0] == 200
            got = harness.wait_for("three queries", lambda: len(lines_of(queries)) >= 3 and lines_of(queries))
            assert len(got) == 3, got
            assert got[0]["params"] == {"query": "up * 2", "start": "1970-01-01T00:01:40.000Z", "end": "1970-01-01T00:02:40.500Z",
                                        "step": 15}, got[0]
            assert got[0]["httpRequest"] == {"clientIP": "127.0.0.1", "method": "POST", "path": "/p/api/v1/query_range"}, got[0]
            assert got[0]["msg"] == "promql query logged" and got[0]["level"] == "INFO" and "timings" in got[0]["stats"], got[0]
            assert got[1]["params"]["step"] == 0 and got[1]["httpRequest"]["method"] == "GET", got[1]
            bad = harness.wait_for("a failed scrape", lambda: lines_of(failures))[0]
            assert bad["level"] == "ERROR" and bad["job_name"] == "bad" and bad["target"] == f"http://{REFUSED}/metrics", bad
            assert "refused" in bad["msg"], bad
            harness.wait_for("its own file", lambda: lines_of(other) and {x["job_name"] for x in lines_of(other)} == {"own"})
            assert {x["job_name"] for x in lines_of(failures)} == {"bad"}

            queries.rename(f"{folder}/queries.1")
            assert harness.request(server.port, "POST", "/p/-/reload")[0] == 200
            harness.get_api(server.port, "/p/api/v1/query", query="vector(2)")
            harness.wait_for("the new file", lambda: [x["params"]["query"] for x in lines_of(queries)] == ["vector(2)"])
            assert len(lines_of(pathlib.Path(folder) / "queries.1")) == 3

            (pathlib.Path(folder) / "prometheus.yml").write_text(config.replace("queries.log", "none/queries.log"))
            status, _, body = harness.request(server.port, "POST", "/p/-/reload")
            assert status == 500 and b"none/queries.log" in body, (status, body)
            harness.get_api(server.port, "/p/api/v1/query", query="vector(3)")
            harness.wait_for("the file in force", lambda: len(lines_of(queries)) == 2)
            harness.get_api(server.port, "/p/api/v1/query", query="vector(4)")
            assert harness.stop_ok(server)
    assert [x["params"]["query"] for x in lines_of(queries)] == [f"vector({i})" for i in (2, 3, 4)], "a stop writes what is queued"


def features(folder: str):
    """A zero sample at a counter's start, samples per step in the statistics; neither without its feature."""
    started = time.time() - 30
    body = f"# TYPE c counter\nc_total 5\nc_created {started:.3f}\n# EOF\n".encode()
    step = {"query": "c_total", "start": started, "end": started + 60, "step": 15, "stats": "all"}
    with exporters.Exporter(lambda _: ("application/openmetrics-text; version=1.0.0; charset=utf-8", body)) as target:
        config = f"scrape_configs: [{{job_name: j, scrape_interval: 1s, static_configs: [{{targets: ['127.0.0.1:{target.port}']}}]}}]\n"
        for on in (False, True):
            flags = ["--enable-feature=created-timestamp-zero-ingestion,promql-per-step-stats"] if on else []
            with harness.troupe(folder, config, flags, data=f"{folder}/data{on}") as server:
                server.start()
                harness.wait_for("two scrapes", lambda: float(harness.instant(server.port, "count_over_time(c_total[20s])")[0]["value"][1]) >= 2)
                values = harness.instant(server.port, "c_total[1h]")[0]["values"]
                zeros = [v for v in values if v[1] == "0"]
                assert zeros == ([[round(started, 3), "0"]] if on else []), values[:3]
                assert bool(harness.instant(server.port, "c_created")) == (not on)
                got = harness.get_api(server.port, "/api/v1/query_range", **step)["stats"]["samples"]
                assert len(got.get("totalQueryableSamplesPerStep", [])) == (5 if on else 0), got


def storage_keys(folder: str):
    """A key of the storage block that is taken out of the file gives its default back at reload."""
    window = "storage: {tsdb: {out_of_order_time_window: 1m}}\n"
    with harness.troupe(folder, window, [harness.WRITE_FLAG, "--web.enable-lifecycle"]) as server:
        server.start()
        writer = harness.Writer(server.port)
        now = int(time.time() * 1000)

        def write(age_ms: int) -> int:
            return writer.write([({"__name__": "a"}, [(now - age_ms, 1.0)])])
        assert write(0) // 100 == 2
        assert write(3 * HOUR) == 400, "older than the window and half a block"
        (pathlib.Path(folder) / "prometheus.yml").write_text("global: {}\n")
        assert harness.request(server.port, "POST", "/-/reload")[0] == 200
        harness.wait_for("an old sample to be taken", lambda: write(3 * HOUR) // 100 == 2)
        (pathlib.Path(folder) / "prometheus.yml").write_text(window)
        assert harness.request(server.port, "POST", "/-/reload")[0] == 200
        harness.wait_for("an old sample to be refused", lambda: write(4 * HOUR + int(time.monotonic() * 1000) % 1000) == 400)
        writer.close()


def main(only) -> int:
    return harness.run_steps((external_url, explicit_prefix, warnings_once, auto_reload, log_files, features,
                              storage_keys), only)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
