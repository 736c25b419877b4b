#!/usr/bin/env python3
"""promtool beside troupe's own tools: `check config` gives the same verdict on a corpus of configuration files, and `query` against a
node gives what `troupe query` and the API give."""
import json
import pathlib
import subprocess
import sys
import time

import harness

JOB = "scrape_configs:\n- job_name: a\n"
# name: text; what Prometheus takes and what it refuses.
CONFIGS = {
    "empty": "",
    "global": "global: {scrape_interval: 15s, scrape_timeout: 10s, evaluation_interval: 1m, external_labels: {a: b}}\n",
    "timeout_above_interval": "global: {scrape_interval: 5s, scrape_timeout: 10s}\n",
    "unknown_key": "globl: {}\n",
    "unknown_nested_key": "global: {scrape_intervall: 5s}\n",
    "bad_duration": "global: {scrape_interval: soon}\n",
    "bad_yaml": "global: {\n",
    "bad_external_label": "global: {external_labels: {'': x}}\n",
    "static": JOB + "  static_configs: [{targets: ['x:1'], labels: {l: v}}]\n",
    "target_with_path": JOB + "  static_configs: [{targets: ['http://x/metrics']}]\n",
    "no_job_name": "scrape_configs:\n- static_configs: [{targets: ['x:1']}]\n",
    "same_job_twice": JOB + "- job_name: a\n",
    "bad_scheme": JOB + "  scheme: [http]\n",
    "job_timeout_above_interval": JOB + "  scrape_interval: 1s\n  scrape_timeout: 2s\n",
    "relabel": JOB + "  relabel_configs: [{source_labels: [a], regex: 'x(.*)', target_label: b, replacement: '$1'}]\n",
    "bad_regex": JOB + "  relabel_configs: [{source_labels: [a], regex: '(', target_label: b}]\n",
    "bad_action": JOB + "  relabel_configs: [{action: nothing}]\n",
    "hashmod_without_modulus": JOB + "  relabel_configs: [{action: hashmod, source_labels: [a], target_label: b}]\n",
    "replace_without_target": JOB + "  relabel_configs: [{source_labels: [a]}]\n",
    "labeldrop_with_source": JOB + "  relabel_configs: [{action: labeldrop, regex: a, source_labels: [b]}]\n",
    "basic_auth": JOB + "  basic_auth: {username: u, password: p}\n",
    "two_passwords": JOB + "  basic_auth: {username: u, password: p, password_file: f}\n",
    "basic_auth_and_authorization": JOB + "  basic_auth: {username: u}\n  authorization: {credentials: c}\n",
    "bearer_token_twice": JOB + "  bearer_token: x\n  bearer_token_file: y\n",
    "remote_write": "remote_write: [{url: 'http://x/w'}]\n",
    "remote_write_without_url": "remote_write: [{name: x}]\n",
    "remote_write_same_names": "remote_write: [{url: 'http://x/w', name: a}, {url: 'http://y/w', name: a}]\n",
    "remote_write_bad_message": "remote_write: [{url: 'http://x/w', protobuf_message: none}]\n",
    "remote_write_reserved_header": "remote_write: [{url: 'http://x/w', headers: {Content-Type: x}}]\n",
    "remote_write_kafka": "remote_write: [{url: 'kafka://main/t', name: k, send_exemplars: true, write_relabel_configs: "
                          "[{source_labels: [a], regex: b, action: drop}]}, {url: 'kafka://b1:9092,b2:9092/t', queue_config: {max_shards: 3}}]\n",
    "remote_write_kafka_same_names": "remote_write: [{url: 'kafka://main/t', name: a}, {url: 'kafka://main/u', name: a}]\n",
    "remote_read": "remote_read: [{url: 'http://x/r', read_recent: true}]\n",
    "remote_read_without_url": "remote_read: [{read_recent: true}]\n",
    "alerting": "alerting: {alertmanagers: [{static_configs: [{targets: ['x:9093']}]}]}\n",
    "alertmanager_v1": "alerting: {alertmanagers: [{api_version: v1}]}\n",
    "rule_files_glob": "rule_files: ['none/*.yml']\n",
    "bad_rule_glob": "rule_files: ['a/*/b/*.yml']\n",
    "bad_protocol": JOB + "  scrape_protocols: [None]\n",
    "protocol_twice": JOB + "  scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]\n",
    "limits": JOB + "  sample_limit: 5\n  label_limit: 6\n  target_limit: 7\n  body_size_limit: 1MB\n",
    "bad_size": JOB + "  body_size_limit: big\n",
    "file_sd": JOB + "  file_sd_configs: [{files: ['t/*.json']}]\n",
    "file_sd_bad_pattern": JOB + "  file_sd_configs: [{files: ['t/x.txt']}]\n",
    "http_sd_without_url": JOB + "  http_sd_configs: [{refresh_interval: 1m}]\n",
    "out_of_order": "storage: {tsdb: {out_of_order_time_window: 30m}}\n",
    "otlp_conflict": "otlp: {promote_all_resource_attributes: true, promote_resource_attributes: [a]}\n",
}
# Files that are not there: promtool looks for some of them, in some places.
FILES = {
    "ca": "tls_config: {ca_file: /nowhere/x}",
    "cert": "tls_config: {cert_file: /nowhere/x, key_file: /nowhere/x}",
    "username": "basic_auth: {username_file: /nowhere/x, password: p}",
    "password": "basic_auth: {username: u, password_file: /nowhere/x}",
    "credentials": "authorization: {credentials_file: /nowhere/x}",
    "bearer_token": "bearer_token_file: /nowhere/x",
    "client_secret": "oauth2: {client_id: a, client_secret_file: /nowhere/x, token_url: 'http://t'}",
    "oauth2_cert": "oauth2: {client_id: a, client_secret: s, token_url: 'http://t', tls_config: {cert_file: /nowhere/x, key_file: /nowhere/x}}",
    "header": "http_headers: {X-A: {files: [/nowhere/x]}}",
}
PLACES = {
    "job": JOB + "  %s\n",
    "http_sd": JOB + "  http_sd_configs:\n  - url: http://x\n    %s\n",
    "kubernetes_sd": JOB + "  kubernetes_sd_configs:\n  - role: pod\n    api_server: http://k\n    %s\n",
    "alertmanager": "alerting:\n  alertmanagers:\n  - scheme: http\n    %s\n",
    "remote_write": "remote_write:\n- url: http://x\n  %s\n",
    "remote_read": "remote_read:\n- url: http://x\n  %s\n",
}
CONFIGS |= {f"missing_{file}_of_{place}": text % key for place, text in PLACES.items() for file, key in FILES.items()
            if place == "job" or file in ("ca", "cert", "credentials")}
CONFIGS |= {
    "missing_rule_file": "rule_files: [/nowhere/x.yml]\n",
    "missing_scrape_config_file": "scrape_config_files: [/nowhere/x.yml]\n",
    "missing_target_file": JOB + "  file_sd_configs: [{files: [/nowhere/x.yml]}]\n",
}
EXPRESSIONS = ("load", "sum(load)", "sum by (instance) (load)", "rate(load[1m])", "load > 5", "1 + 1", "absent(nothing)", "topk(1, load)",
               "nothing", "sum(", "load[", 'load{instance=~"("}')


def run(*args) -> subprocess.CompletedProcess:
    return subprocess.run(args, capture_output=True, text=True, timeout=60)


def configs(folder: str):
    wrong = []
    for name, text in CONFIGS.items():
        path = pathlib.Path(folder) / f"{name}.yml"
        path.write_text(text)
        ours = run(harness.troupe_binary(), "check", "config", str(path))
        theirs = run(harness.peer("promtool"), "check", "config", str(path))
        if (ours.returncode == 0) != (theirs.returncode == 0):
            wrong.append(f"{name}: {ours.returncode} here, {theirs.returncode} by promtool\n{ours.stdout}{ours.stderr}{theirs.stdout}{theirs.stderr}")
        if name.startswith("missing_") and "/nowhere/x" not in ours.stderr:
            wrong.append(f"{name}: the missing file is not told: {ours.stderr}")
    assert not wrong, "\n".join(wrong)
    print(f"  {len(CONFIGS)} files: promtool and troupe agree on each; files that are missing are told in any case")


def queries(folder: str):
    with harness.troupe(folder, flags=[harness.WRITE_FLAG]) as server:
        server.start()
        url, now = f"http://127.0.0.1:{server.port}", int(time.time())
        writer = harness.Writer(server.port)
        for k in range(10):
            series = [({"__name__": "load", "instance": str(i)}, [((now - 10 * k) * 1000, 100 - k + i)]) for i in range(3)]
            assert writer.write(series) == 204
        writer.close()
        for expr in EXPRESSIONS:
            theirs = run(harness.peer("promtool"), "query", "-o", "json", "instant", f"--time={now}", url, expr)
            ours = run(harness.troupe_binary(), "query", "instant", "--server", url, "--time", str(now), "--output", "json", expr)
            assert (ours.returncode == 0) == (theirs.returncode == 0), f"{expr}: {ours} {theirs}"
            if theirs.returncode == 0:
                asked = harness.instant(server.port, expr, now)
                assert json.loads(theirs.stdout) == asked, f"{expr}: {theirs.stdout} {asked}"
        ranged = run(harness.peer("promtool"), "query", "-o", "json", "range", f"--start={now - 60}", f"--end={now}", "--step=10s", url, "load")
        want = harness.api(server.port, "/api/v1/query_range", query="load", start=now - 60, end=now, step=10)["result"]
        assert json.loads(ranged.stdout) == want, ranged
        listed = run(harness.peer("promtool"), "query", "series", "--match=load", url)
        assert listed.returncode == 0 and listed.stdout.count("load") == 3, listed
        values = run(harness.peer("promtool"), "query", "labels", url, "instance")
        assert values.stdout.split() == ["0", "1", "2"], values
        print(f"  {len(EXPRESSIONS)} instant queries, a range, series and labels: promtool has what the API and troupe's tool have")


def main() -> int:
    if not harness.peer("promtool"):
        harness.skip("no promtool (scripts/peers.sh)")
    return harness.run_steps([configs, queries], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
