#!/usr/bin/env python3
"""Alertmanagers that a node finds are those that a real Prometheus finds with the same configuration, at start and after the
files of file_sd changed; and the body that tests/pipeline/notify pins is one that a real Alertmanager takes."""
import json
import pathlib
import subprocess
import sys

import harness

BODY = pathlib.Path(__file__).resolve().parents[1] / "pipeline/notify/testdata/alerts.json"
CONFIG = """
global: {{external_labels: {{region: eu}}}}
alerting:
  alertmanagers:
  - static_configs: [{{targets: ["a.example:9093", "b.example:9093", "a.example:9093"], labels: {{zone: east}}}}]
  - scheme: https
    path_prefix: /am//x/
    timeout: 2s
    static_configs: [{{targets: ["c.example", "d.example:1"], labels: {{__alerts_path__: /custom}}}}]
    relabel_configs: [{{source_labels: [__address__], regex: "d.*", action: drop}}]
  - path_prefix: below
    file_sd_configs: [{{files: ["{folder}/am.json"], refresh_interval: 1s}}]
    relabel_configs:
    - {{source_labels: [tier], target_label: __scheme__}}
    - {{source_labels: [__address__], regex: "(.*):.*", target_label: __address__, replacement: "$1:7"}}
scrape_configs: []
"""


def write_targets(folder: str, *hosts: str):
    path = pathlib.Path(f"{folder}/am.json")
    part = path.with_suffix(".part")
    part.write_text(json.dumps([{"targets": list(hosts), "labels": {"tier": "https"}}]))
    part.rename(path)


def known(port: int):
    found = harness.get_api(port, "/api/v1/alertmanagers")
    return tuple(sorted(a["url"] for a in found[f"{kind}Alertmanagers"]) for kind in ("active", "dropped"))


def compare_discovery(folder: str):
    write_targets(folder, "e.example:1")
    config = CONFIG.format(folder=folder)
    with harness.troupe(folder, config) as ours, harness.prometheus(folder, config) as theirs:
        theirs.start()
        ours.start()
        for hosts in (("e.example:1",), ("f.example:2", "g.example:3")):
            write_targets(folder, *hosts)

            def there():
                found = known(theirs.port)
                return found if sum(h.split(":")[0] in u for h in hosts for u in found[0]) == len(hosts) else None

            wanted = harness.wait_for("Prometheus to find the Alertmanagers", there)
            harness.wait_for(f"the same as Prometheus: {wanted}", lambda w=wanted: known(ours.port) == w)
        count = harness.metric(ours.port, "prometheus_notifications_alertmanagers_discovered")
        assert count == len(wanted[0]), f"{count} discovered, {len(wanted[0])} expected"
        assert ours.stop() == 0
    return wanted


def post_body(folder: str):
    with harness.alertmanager(folder, "route: {receiver: none}\nreceivers: [{name: none}]\n") as server:
        port = server.port
        server.start()
        status, _, answer = harness.request(port, "POST", "/api/v2/alerts", BODY.read_bytes(),
                                            {"Content-Type": "application/json"})
        assert status == 200, f"{status}: {answer!r}"
        listed = subprocess.run([harness.peer("amtool"), f"--alertmanager.url=http://127.0.0.1:{port}", "alert", "query",
                                 "-o", "json"], capture_output=True, text=True, check=True).stdout
    alert, = json.loads(listed)
    sent, = json.loads(BODY.read_text())
    for key in ("labels", "annotations", "startsAt", "endsAt", "generatorURL"):
        assert alert[key] == sent[key], f"{key}: {alert[key]} listed, {sent[key]} sent"


def main() -> int:
    for name in ("prometheus", "prometheus-alertmanager", "amtool"):
        if not harness.peer(name):
            harness.skip(f"no {name} (scripts/peers.sh)")
    with harness.work_folder() as folder:
        post_body(folder)
        active, dropped = compare_discovery(folder)
        print(f"{len(active)} active and {len(dropped)} dropped Alertmanagers as Prometheus has them; a body was taken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
