#!/usr/bin/env python3
"""Start, stop and reload of a real process: defaults, refusals, signals, full disk, PID 1, the systemd unit.
usage: lifecycle_test.py [step…]"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import audit
import exporters
import harness


def embedded_default(folder: str):
    """Without any file troupe scrapes itself and keeps its data in ./data."""
    port = harness.free_port()
    server = harness.Server([harness.troupe_binary(), f"--web.listen-address=127.0.0.1:{port}"], port, f"{folder}/log")
    here = os.getcwd()
    os.chdir(folder)
    try:
        with server:
            server.start()
            targets = harness.get_api(port, "/api/v1/targets")["activeTargets"]
            assert len(targets) == 1 and str(port) in targets[0]["scrapeUrl"], targets
            assert harness.stop_ok(server)
    finally:
        os.chdir(here)
    assert os.path.isdir(f"{folder}/data"), "no ./data"


def foreign_folder(folder: str):
    """Prometheus' own data are refused with a hint and not touched."""
    data = pathlib.Path(folder) / "foreign"
    (data / "wal").mkdir(parents=True)
    (data / "chunks_head").mkdir()
    (data / "wal" / "00000000").write_bytes(b"not ours")
    before = sorted((str(p), p.stat().st_mtime_ns) for p in data.rglob("*"))
    run = subprocess.run([harness.troupe_binary(), f"--storage.tsdb.path={data}", "--web.listen-address=127.0.0.1:0"],
                         capture_output=True, text=True, timeout=30, cwd=folder)
    assert run.returncode != 0
    text = run.stdout + run.stderr
    assert "Prometheus" in text and str(data) in text, text
    assert before == sorted((str(p), p.stat().st_mtime_ns) for p in data.rglob("*")), "the foreign folder was touched"


def second_process(folder: str):
    with harness.troupe(folder) as first:
        first.start()
        other = subprocess.run([harness.troupe_binary(), f"--storage.tsdb.path={folder}/data",
                                "--web.listen-address=127.0.0.1:0"], capture_output=True, text=True, timeout=30, cwd=folder)
        assert other.returncode == 1 and "lock" in (other.stdout + other.stderr), other
        other = subprocess.run([harness.troupe_binary(), f"--storage.tsdb.path={folder}/other",
                                f"--web.listen-address=127.0.0.1:{first.port}"], capture_output=True, text=True, timeout=30,
                               cwd=folder)
        assert other.returncode == 1 and str(first.port) in (other.stdout + other.stderr), other


def bad_configuration(folder: str):
    path = pathlib.Path(folder) / "bad.yml"
    path.write_text("global:\n  scrape_intervall: 5s\nscrape_configs:\n  - job_name: a\n  - job_name: a\n")
    for argv in (["check", "config", str(path)], [f"--config.file={path}", f"--storage.tsdb.path={folder}/never"]):
        run = subprocess.run([harness.troupe_binary(), *argv], capture_output=True, text=True, timeout=30)
        text = run.stdout + run.stderr
        assert run.returncode == 1, (run.returncode, text)
        assert "bad.yml:2:3" in text and "scrape_intervall" in text and "bad.yml:5" in text, text
    assert not os.path.exists(f"{folder}/never")


def broken_files(folder: str):
    """Whatever the file holds: exit code 1 and an error with file and line, soon and in little memory."""
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]\n" for i in range(1, 12))
    cases = {"unclosed": b"global: {scrape_interval: 5s\nscrape_configs: [", "tab": b"global:\n\tscrape_interval: 5s\n",
             "quote": b"global: {external_labels: {a: 'b}}\n", "junk": bytes(range(256)) * 40, "laughs": laughs.encode(),
             "deep": b"[" * 100_000 + b"]" * 100_000, "utf8": b"global: {external_labels: {a: '\xff\xfe'}}\n",
             "scalar": b"just text\n", "list": b"- global\n", "two": b"global: {}\n---\nglobal: {}\n",
             "long": b"# " + b"x" * (20 << 20) + b"\nnonsense: 1\n", "type": b"global: {scrape_interval: [1]}\n",
             "twice": b"global: {}\nglobal: {}\n", "nul": b"global: {}\n\0\0\0\n",
             "interval": b"global: {scrape_interval: 5s, scrape_timeout: 10s}\n",
             "regex": b"scrape_configs: [{job_name: a, relabel_configs: [{regex: '(', target_label: b}]}]\n"}
    for name, text in cases.items():
        path = pathlib.Path(folder) / f"{name}.yml"
        path.write_bytes(text)
        run = subprocess.run(["bash", "-c", f"ulimit -v {1 << 20}; exec {harness.troupe_binary()} check config {path}"],
                             capture_output=True, text=True, errors="replace", timeout=10)
        message = run.stdout + run.stderr
        at = message.find(f"{name}.yml:")
        assert run.returncode == 1 and at >= 0, (name, run.returncode, message[:500])
        print(f"  {message[at:].splitlines()[0][:110]}")


def secrets(folder: str):
    """What is secret in the configuration comes out nowhere."""
    word = "canary7f3a"
    config = f"""
scrape_configs:
  - job_name: basic
    basic_auth: {{username: u, password: {word}1}}
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
  - job_name: bearer
    authorization: {{credentials: {word}2}}
    http_headers: {{X-Token: {{secrets: [{word}3]}}}}
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
  - job_name: url
    proxy_url: http://user:{word}4@127.0.0.1:1/
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
  - job_name: oauth
    oauth2: {{client_id: c, client_secret: {word}5, token_url: "http://127.0.0.1:1/token"}}
    http_sd_configs: [{{url: "http://user:{word}6@127.0.0.1:1/sd"}}]
remote_write: [{{url: "http://user:{word}7@127.0.0.1:1/write", basic_auth: {{username: u, password: {word}8}}}}]
"""
    config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\n" + config
    with harness.troupe(folder, config, ["--log.level=debug", "--web.enable-lifecycle"]) as server:
        server.start()
        time.sleep(2.5)
        (pathlib.Path(folder) / "prometheus.yml").write_text(config + "nonsense: 1\n")
        shown = [server.log_tail(100_000)]
        for method, path in (("POST", "/-/reload"), ("GET", "/api/v1/status/config"), ("GET", "/api/v1/targets"), ("GET", "/metrics"),
                             ("GET", "/api/v1/status/flags"), ("GET", "/api/v1/status/runtimeinfo"), ("GET", "/"),
                             ("GET", "/api/v1/series?match[]=up"), ("GET", "/api/v1/status/tsdb")):
            shown.append(harness.request(server.port, method, path)[2].decode())
        leaks = [text for text in shown if word in text]
        assert not leaks, leaks[0][max(0, leaks[0].index(word) - 200):][:400]
        assert "<secret>" in shown[2], "the configuration is not shown at all"


def reload(folder: str):
    with exporters.Exporter(lambda _: (exporters.TEXT, b"a 1\n")) as target:
        good = f"scrape_configs: [{{job_name: one, scrape_interval: 1s, static_configs: [{{targets: ['127.0.0.1:{target.port}']}}]}}]\n"
        with harness.troupe(folder, good, flags=["--web.enable-lifecycle"]) as server:
            server.start()
            config = pathlib.Path(folder) / "prometheus.yml"

            def pools():
                return harness.get_api(server.port, "/api/v1/scrape_pools")["scrapePools"]
            harness.wait_for("the first pool", lambda: pools() == ["one"])
            config.write_text("scrape_configs: [{job_name: 1, nonsense: 2}]\n")
            status, _, body = harness.request(server.port, "POST", "/-/reload")
            assert status == 500 and b"nonsense" in body, (status, body)
            server.signal(signal.SIGHUP)
            time.sleep(0.3)
            assert pools() == ["one"], "a bad file replaced a good one"
            metrics = harness.request(server.port, "GET", "/metrics")[2].decode()
            assert "prometheus_config_last_reload_successful 0" in metrics
            config.write_text(good.replace("one", "two"))
            server.signal(signal.SIGHUP)
            harness.wait_for("the second pool", lambda: pools() == ["two"])
            status, _, _ = harness.request(server.port, "GET", "/-/reload")
            assert status == 405
            status, _, _ = harness.request(server.port, "POST", "/-/quit")
            assert status == 200 and server.process.wait(15) == 0


def stop_under_load(folder: str):
    with harness.troupe(folder, flags=[harness.WRITE_FLAG]) as server:
        server.start()
        ledger, loads = audit.start_load(server.port, 6)
        time.sleep(2)
        begin = time.monotonic()
        code = server.stop(20)
        took = time.monotonic() - begin
        for load in loads:
            load.finish()
        assert code == 0 and took < 10, (code, took, server.log_tail())
        server.start()
        print(f"stopped under load in {took:.2f} s, {audit.audit(server.port, ledger)} samples audited")


def full_disk(folder: str):
    """Reads go on, writes answer 503, and it recovers by itself when there is space again."""
    if os.geteuid() != 0:
        print("full disk: not root, left out")
        return
    disk = f"{folder}/disk"
    os.makedirs(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=True)
    try:
        flags = [harness.WRITE_FLAG, "--storage.tsdb.wal-segment-size=10MB", "--troupe.storage.shards=1"]
        with open(f"{disk}/filler", "wb") as f:
            f.write(b"x" * (22 << 20))
        with harness.troupe(folder, flags=flags, data=f"{disk}/data") as server:
            server.start()
            ledger, loads = audit.start_load(server.port, 2)
            harness.wait_for("writes to be refused", lambda: any(load.statuses.get(503) for load in loads), 60)
            assert harness.instant(server.port, "count(audit)") is not None
            os.remove(f"{disk}/filler")
            before = ledger.acked_samples()
            harness.wait_for("writes to be accepted again", lambda: ledger.acked_samples() > before + 1000, 30)
            for load in loads:
                load.finish()
            assert all(set(load.statuses) <= {0, 204, 503} for load in loads), [load.statuses for load in loads]
            checked = audit.audit(server.port, ledger)
            server.kill()
            server.start()
            assert audit.audit(server.port, ledger) == checked
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def pid_one(folder: str):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        print("PID 1: not root or no unshare, left out")
        return
    server = harness.troupe(folder)
    server.argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *server.argv]
    with server:
        server.start()
        child = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True).stdout.split()
        os.kill(int(child[0]), signal.SIGTERM)
        assert server.process.wait(15) == 0


def systemd_unit(_folder: str):
    tool = shutil.which("systemd-analyze")
    if not tool:
        print("systemd unit: no systemd-analyze, left out")
        return
    unit = pathlib.Path(__file__).resolve().parents[2] / "config/deploy/troupe.service"
    text = unit.read_text()
    for word in ("Type=notify", "ExecReload=", "LimitNOFILE=", "ProtectSystem="):
        assert word in text, word
    with harness.work_folder() as folder:
        # The binary it names is not installed here.
        copy = pathlib.Path(folder) / "troupe.service"
        lines = [line if not line.startswith("ExecStart=") else "ExecStart=/bin/true" for line in text.splitlines()]
        copy.write_text("\n".join(lines) + "\n")
        run = subprocess.run([tool, "verify", str(copy)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr


def main(only) -> int:
    return harness.run_steps((embedded_default, foreign_folder, second_process, bad_configuration, broken_files,
                              secrets, reload, stop_under_load, full_disk, pid_one, systemd_unit), only)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
