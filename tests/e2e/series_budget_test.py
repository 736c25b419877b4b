#!/usr/bin/env python3
"""An exploding target and an exploding remote writer at a node with budgets of series: each is held to its own budget and
told so, everyone else goes on, the culprit is named at once, and a restart refuses no series that is there."""
import json
import pathlib
import sys
import time

import exporters
import harness

LIMIT = 2_000
BUDGETS = """series_budgets:
- name: targets
  match: '{{instance=~".+"}}'
  by: [job, instance]
  limit: {limit}
- name: tenants
  match: '{{tenant=~".+"}}'
  by: [tenant]
  limit: {limit}
"""
CONFIG = """scrape_configs:
- job_name: app
  scrape_interval: 1s
  static_configs:
  - targets: ['127.0.0.1:{bad}', '127.0.0.1:{good}']
"""


class Target(exporters.Exporter):
    """Exposes steady series, and so many that have a user's name, new ones with every scrape if it explodes."""

    def __init__(self, users: int, explodes: bool):
        super().__init__(lambda _path: (exporters.TEXT, self.body().encode()))
        self.users, self.explodes, self.scrapes = users, explodes, 0

    def body(self) -> str:
        first = self.users * self.scrapes if self.explodes else 0
        self.scrapes += 1
        lines = [f"steady_{i} {self.scrapes}" for i in range(10)]
        lines += [f'logins_total{{user_id="u{n}"}} 1' for n in range(first, first + self.users)]
        return "\n".join(lines) + "\n"


def write(server, tenant: str, first: int, count: int):
    now = int(time.time() * 1000)
    series = [({"__name__": "jobs_total", "job": "writer", "tenant": tenant, "n": str(n)}, [(now, n)])
              for n in range(first, first + count)]
    status, _, text = harness.request(server.port, "POST", "/api/v1/write", harness.snappy(harness.write_request(series)),
                                      harness.WRITE_HEADERS)
    return status, text.decode()


def target_state(server, port: int):
    return next(t for t in harness.get_api(server.port, "/api/v1/targets")["activeTargets"]
                if t["scrapeUrl"].endswith(f":{port}/metrics"))


def value(server, expr: str) -> float:
    found = harness.instant(server.port, expr)
    return float(found[0]["value"][1]) if found else 0


def named(server, port: int):
    """The first entries of each list of the last 10 s, if they all name the exploding target."""
    growth = harness.get_api(server.port, "/api/v1/status/cardinality", limit=3)["growth"][0]
    assert growth["window"] == "10s", growth
    first = {k: growth[k]["top"][0]["labels"] for k in ("metrics", "jobs", "targets")}
    label = growth["labelsOfMetrics"][0]
    good = (first == {"metrics": {"__name__": "logins_total"}, "jobs": {"job": "app"},
                      "targets": {"instance": f"127.0.0.1:{port}", "job": "app"}}
            and (label["metric"], label["label"]) == ("logins_total", "user_id"))
    return growth if good else None


def main() -> int:
    begin = time.monotonic()
    with harness.work_folder() as folder, Target(900, True) as bad, Target(20, False) as good:
        own = pathlib.Path(folder) / "troupe.yml"
        own.write_text(BUDGETS.format(limit=LIMIT), encoding="utf-8")
        server = harness.troupe(folder, CONFIG.format(bad=bad.port, good=good.port),
                                [harness.WRITE_FLAG, "--web.enable-lifecycle", f"--troupe.config.file={own}"])
        with server:
            server.start()
            started = time.monotonic()
            growth = harness.wait_for("the culprit's name", lambda: named(server, bad.port), timeout=10)
            took = time.monotonic() - started
            values = growth["labelsOfMetrics"][0]["values"]
            assert values > 500, growth
            text = harness.request(server.port, "GET", "/metrics")[2].decode()
            assert 'troupe_series_created_top{by="metric",name="logins_total",window="10s"}' in text, text
            assert 'troupe_series_created_label_values_top{label="user_id",metric="logins_total",window="10s"}' in text

            # The target keeps what has its room, is up, and says what was not stored.
            state = harness.wait_for("the refusal", lambda: (s := target_state(server, bad.port))["lastError"] and s)
            assert state["health"] == "up", state
            assert f'over the series budget "targets" ({LIMIT} series) of {{instance="127.0.0.1:{bad.port}", job="app"}}' \
                in state["lastError"], state
            assert value(server, f'steady_3{{instance="127.0.0.1:{bad.port}"}}') >= 2
            assert target_state(server, good.port)["lastError"] == ""
            assert value(server, f'count({{instance="127.0.0.1:{good.port}"}})') == 35

            # A writer is told what did not fit; others have room of their own.
            assert write(server, "a", 0, LIMIT) == (204, "")
            status, text = write(server, "a", 0, LIMIT + 500)
            assert status == 400 and f'500 samples of new series are over the series budget "tenants" ({LIMIT} series) ' \
                'of {tenant="a"}' in text, (status, text)
            assert write(server, "a", 0, LIMIT) == (204, "")
            assert write(server, "b", 0, 100) == (204, "")
            budgets = {b["name"]: b for b in harness.get_api(server.port, "/api/v1/status/cardinality")["budgets"]}
            assert budgets["tenants"]["groups"][0] == {"labels": {"tenant": "a"}, "series": LIMIT, "refused": 500}, budgets
            assert 0 < budgets["targets"]["groups"][0]["series"] <= LIMIT, budgets
            assert harness.metric(server.port, "troupe_series_budget_refused_total") >= 500
            assert f'troupe_series_budget_limit{{budget="tenants"}} {LIMIT}' in \
                harness.request(server.port, "GET", "/metrics")[2].decode()

            # More room at once.
            own.write_text(BUDGETS.format(limit=LIMIT + 200), encoding="utf-8")
            assert harness.request(server.port, "POST", "/-/reload")[0] == 200
            harness.wait_for("more room", lambda: write(server, "a", 0, LIMIT + 200) == (204, ""), timeout=5)

            # What is there is never refused, with whatever budget the node starts.
            own.write_text(BUDGETS.format(limit=50), encoding="utf-8")
            server.kill()
            restarted = time.time()
            server.start()
            assert write(server, "a", 0, LIMIT + 200) == (204, "")
            status, text = write(server, "a", LIMIT + 200, 1)
            assert status == 400 and "(50 series)" in text, (status, text)
            assert write(server, "c", 0, 50) == (204, "")
            harness.wait_for("the next scrape",
                             lambda: value(server, f'timestamp(steady_0{{instance="127.0.0.1:{bad.port}"}})') > restarted)
            assert server.stop() == 0
    print(json.dumps({"named after s": round(took, 2), "user_id values": values,
                      "seconds": round(time.monotonic() - begin, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
