#!/usr/bin/env python3
"""An alert all the way: samples that are written, a rule, a real Alertmanager and the webhook behind it, which sees it fire
once and resolve once, although a second Alertmanager is dead and troupe is killed while the alert fires."""
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time

import harness

ALERTMANAGER = """
route: {{receiver: sink, group_by: [alertname, instance], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: sink
  webhook_configs: [{{url: "http://127.0.0.1:{port}/", send_resolved: true}}]
"""
CONFIG = """
global: {{evaluation_interval: 1s, external_labels: {{region: eu}}}}
rule_files: ["{folder}/rules.yml"]
alerting:
  alertmanagers:
  - timeout: 1s
    static_configs: [{{targets: ["127.0.0.1:{dead}"]}}]
  - static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
RULES = """
groups:
- name: g
  rules:
  - alert: Broken
    expr: broken > 0
    labels: {severity: page, of: "{{ $labels.instance | stripPort }}"}
    annotations:
      summary: '{{ $labels.instance }} in {{ $externalLabels.region }} is {{ $value | humanizePercentage }} broken'
"""


class Sink:
    """A webhook receiver; keeps the alerts of every notification."""

    def __init__(self):
        self.alerts = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.alerts += body["alerts"]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, status: str):
        return [a for a in self.alerts if a["status"] == status]


class Feed:
    """Writes the series `broken` twice a second, with the value it is told."""

    def __init__(self, port: int, value: float):
        self.value, self.port, self.over = value, port, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        writer = harness.Writer(self.port)
        labels = {"__name__": "broken", "instance": "web-1:9100", "job": "web"}
        while not self.over.wait(0.5):
            writer.write([(labels, [(int(time.time() * 1000), self.value)])])


def listed(port: int):
    out = subprocess.run([harness.peer("amtool"), f"--alertmanager.url=http://127.0.0.1:{port}", "alert", "query", "-o", "json"],
                         capture_output=True, text=True, check=True).stdout
    return json.loads(out)


def main() -> int:
    for name in ("prometheus-alertmanager", "amtool"):
        if not harness.peer(name):
            harness.skip(f"no {name} (scripts/peers.sh)")
    sink = Sink()
    with harness.work_folder() as folder, harness.alertmanager(folder, ALERTMANAGER.format(port=sink.port)) as manager:
        manager.start()
        pathlib.Path(f"{folder}/rules.yml").write_text(RULES)
        config = CONFIG.format(folder=folder, port=manager.port, dead=harness.free_port())
        with harness.troupe(folder, config, [harness.WRITE_FLAG]) as ours:
            ours.start()
            feed = Feed(ours.port, 0.25)
            began = time.monotonic()
            harness.wait_for("the alert at the webhook", lambda: sink.of("firing"), 60)
            took = time.monotonic() - began
            alert, = listed(manager.port)
            assert alert["labels"] == {"alertname": "Broken", "instance": "web-1:9100", "job": "web", "of": "web-1",
                                       "region": "eu", "severity": "page"}, alert["labels"]
            assert alert["annotations"] == {"summary": "web-1:9100 in eu is 25% broken"}, alert["annotations"]
            assert alert["generatorURL"].endswith("/graph?g0.expr=broken+%3E+0&g0.tab=1"), alert["generatorURL"]
            ours.kill()
            ours.start()
            time.sleep(3)
            feed.value = 0
            harness.wait_for("the resolved alert at the webhook", lambda: sink.of("resolved"), 60)
            time.sleep(3)
            figures = [len(sink.of(s)) for s in ("firing", "resolved")]
            assert figures == [1, 1], f"{figures[0]} firing and {figures[1]} resolved notifications: {sink.alerts}"
            starts = {a["startsAt"] for a in sink.alerts}
            assert len(starts) == 1, f"started at {starts}"
            errors = harness.metric(ours.port, "prometheus_notifications_errors_total")
            assert errors > 0, "the dead Alertmanager shows in no metric"
            feed.over.set()
            begin = time.monotonic()
            assert ours.stop() == 0
            stopped = time.monotonic() - begin
    print(f"fired after {took:.1f} s, once; resolved once, over a kill; stopped in {stopped:.1f} s with a dead Alertmanager")
    return 0


if __name__ == "__main__":
    sys.exit(main())
