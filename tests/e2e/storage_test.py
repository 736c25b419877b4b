#!/usr/bin/env python3
"""`troupe storage` on real data folders, and against the real promtool and Prometheus where they are there: what goes in and out
is the same sample for sample; a running node is told; a kill in the middle costs and doubles nothing."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import time

import harness

BASE = 1_700_006_400  # seconds; a multiple of two hours
SERIES = 40
STEPS = 900  # at 15 s: beyond three hours


def storage(*args, data: str, expect: int = 0, stdin: str = None):
    """Output of a subcommand; parsed where it was asked for as JSON."""
    argv = [harness.troupe_binary(), "storage", *args, f"--storage.tsdb.path={data}"]
    done = subprocess.run(argv, capture_output=True, text=True, input=stdin, timeout=300)
    assert done.returncode == expect, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if "--output=json" in args else done.stdout + done.stderr


def text_of(series: int = SERIES, steps: int = STEPS) -> str:
    """OpenMetrics text: integers, fractions and every special value, times to the millisecond."""
    odd = ["NaN", "+Inf", "-Inf", "-0", "5e-324", "1.7976931348623157e+308", "0.1"]
    lines = []
    for s in range(series):
        for i in range(steps):
            value = odd[i // 50 % len(odd)] if i % 50 == 0 else repr((i * 7919 % 1000) / (s + 1))
            lines.append(f'm{s % 4}{{host="h{s}",job="j"}} {value} {BASE + 15 * i}.{s * 37 % 1000:03}')
    return "\n".join(lines) + "\n# EOF\n"


def promtool(*args) -> str:
    done = subprocess.run([harness.peer("promtool"), "tsdb", *args], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def peer_dump(folder: str) -> list:
    os.makedirs(f"{folder}/wal", exist_ok=True)  # promtool insists on one
    return sorted(promtool("dump", f"--sandbox-dir-root={folder}", folder).splitlines())


def own_dump(data: str) -> list:
    return sorted(storage("dump", data=data).splitlines())


def text_goes_through(folder: str):
    text = text_of()
    path = f"{folder}/in.om"
    pathlib.Path(path).write_text(text, encoding="utf-8")
    data = f"{folder}/a"
    got = storage("import", "openmetrics", path, "--dry-run", "--output=json", data=data)
    assert got["samples_to_store"] == SERIES * STEPS and not os.path.exists(data), got
    got = storage("import", "openmetrics", path, "--output=json", data=data)
    assert got["samples_stored"] == SERIES * STEPS, got
    again = storage("import", "openmetrics", "-", "--output=json", data=data, stdin=text)
    assert again["samples_stored"] == 0 and again["samples_there_already"] == SERIES * STEPS, again
    assert sorted(os.listdir(data)) == ["blocks", "lock", "quarantine", "troupe.meta"], os.listdir(data)
    out = f"{folder}/out.om"
    storage("export", "openmetrics", out, data=data)
    storage("import", "openmetrics", out, data=f"{folder}/b")
    assert own_dump(data) == own_dump(f"{folder}/b")
    assert len(own_dump(data)) == SERIES * STEPS + 1
    some = storage("dump", '--match=m1{host="h1"}', f"--start={BASE}", f"--end={BASE + 3599}", data=data).splitlines()
    assert len(some) == 241, len(some)
    bad = storage("import", "openmetrics", "-", data=data, expect=1, stdin="a 1 1\nb 2\n# EOF\n")
    assert "line 2: the sample has no timestamp" in bad, bad
    print(f"OpenMetrics: {SERIES * STEPS} samples in and out, twice is once")


def own_tools(folder: str):
    """analyze and verify of a folder that a node wrote and was killed on."""
    node = f"{folder}/node"
    os.makedirs(node)
    with harness.troupe(node, flags=[harness.WRITE_FLAG, "--storage.tsdb.block-reload-interval=1s"]) as server:
        server.start()
        harness.bench("write", "--series=500", "--duration=5h", f"http://127.0.0.1:{server.port}")
        data = f"{node}/data"
        for command in (("verify",), ("dump",), ("export", "tsdb", f"{node}/x")):
            assert "in use by a running troupe" in storage(*command, data=data, expect=1), command
        storage("analyze", data=data)
        harness.wait_for("a block", lambda: any(len(n) == 26 for n in os.listdir(f"{data}/blocks")), 60)
        server.kill()
    got = storage("verify", "--output=json", data=data)
    assert got["damages"] == 0 and got["blocks"] > 0 and got["log_frames"] > 0, got
    got = storage("analyze", "--limit=3", "--output=json", data=data)
    assert got["series"] == 500 and len(got["metrics_by_series"]) == 3, got
    lines = own_dump(data)
    assert len(lines) == 500 * 1200 + 1, len(lines)
    block = next(pathlib.Path(f"{data}/blocks").iterdir())
    chunks = bytearray((block / "chunks").read_bytes())
    chunks[len(chunks) // 2] ^= 1
    (block / "chunks").write_bytes(chunks)
    got = storage("verify", "--output=json", data=data, expect=1)
    assert got["damages"] == 1 and got["places"][0]["file"] == f"{block}/chunks", got
    assert got["places"][0]["offset"] <= len(chunks) // 2 < got["places"][0]["offset"] + got["places"][0]["bytes"], got
    got = storage("export", "openmetrics", f"{node}/out.om", data=data, expect=1)
    assert "is damaged" in got and pathlib.Path(f"{node}/out.om").exists(), got
    print("verify, analyze and dump of a killed node's folder; a flipped bit is found")


def killed_import(folder: str):
    path = f"{folder}/in.om"
    data = f"{folder}/killed"
    for wait in (0.02, 0.1, 0.2, 0.3, 0.4, 0.6):
        p = subprocess.Popen([harness.troupe_binary(), "storage", "import", "openmetrics", path,
                              f"--storage.tsdb.path={data}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        p.kill()
        p.wait()
    storage("import", "openmetrics", path, data=data)
    assert own_dump(data) == own_dump(f"{folder}/a")
    got = storage("analyze", "--output=json", data=data)
    assert got["samples"] == SERIES * STEPS, got
    print("an import that was killed six times: every sample once")


def peers_blocks(folder: str):
    """Blocks of promtool in, ours out to promtool."""
    made = f"{folder}/peer"
    promtool("create-blocks-from", "openmetrics", f"{folder}/in.om", made)
    want = peer_dump(made)
    assert len(want) == SERIES * STEPS, len(want)
    data = f"{folder}/from-peer"
    got = storage("import", "tsdb", made, "--output=json", data=data)
    assert got["samples_stored"] == SERIES * STEPS, got
    assert storage("import", "tsdb", made, "--output=json", data=data)["samples_stored"] == 0
    assert own_dump(data) == own_dump(f"{folder}/a")
    out = f"{folder}/exported"
    storage("export", "tsdb", out, data=data)
    assert peer_dump(out) == want
    assert f"{SERIES}" in promtool("analyze", out)
    assert promtool("list", out).count("\n") >= 2
    assert storage("import", "tsdb", out, "--output=json", data=data)["samples_stored"] == 0
    # And the text: what Prometheus makes of ours.
    promtool("create-blocks-from", "openmetrics", f"{folder}/out.om", f"{folder}/peer2")
    assert peer_dump(f"{folder}/peer2") == want
    print(f"promtool: {len(want)} samples in and out with every digit")


def odd_floats(port: int):
    """Floats whose bits no text carries: stale markers, NaNs with payloads, the smallest numbers."""
    bits = [0x7FF0000000000002, 0x7FF8000000000001, 0x7FF8DEADBEEF0001, 0xFFF8000000000000, 0x8000000000000000, 1,
            0x7FEFFFFFFFFFFFFF, 0x3FF0000000000001]
    values = [struct.unpack("<d", struct.pack("<Q", b))[0] for b in bits]
    writer = harness.Writer(port)
    series = [({"__name__": "odd", "n": str(n)}, [(1000 * (BASE + 15 * i), values[(i * 3 + n) % len(values)])
                                                   for i in range(300)]) for n in range(5)]
    assert writer.write(series) in (200, 204)
    writer.close()
    return 1500


def real_prometheus(folder: str):
    """What a real Prometheus took by remote write, native histograms too; its answers from what we exported."""
    node = f"{folder}/prometheus"
    os.makedirs(node)
    flags = ["--web.enable-remote-write-receiver", "--web.enable-admin-api", "--enable-feature=native-histograms",
             "--storage.tsdb.retention.time=20y"]
    with harness.prometheus(node, "scrape_configs: []\n", flags) as server:
        server.start()
        url = f"http://127.0.0.1:{server.port}"
        samples = odd_floats(server.port)
        for profile in ("native", "classic", "walk16"):
            got = harness.bench("write", f"--profile={profile}", "--series=20", "--series-per-host=10", "--duration=50m",
                                f"--end={BASE + 7200}", url)
            samples += got["samples_acked"]
        assert harness.request(server.port, "POST", "/api/v1/admin/tsdb/snapshot")[0] == 200
        server.stop()
    assert "no blocks" in storage("import", "tsdb", f"{node}/peer-data", data=f"{node}/none", expect=1)
    snapshot = str(next(pathlib.Path(f"{node}/peer-data/snapshots").iterdir()))
    data = f"{node}/data"
    got = storage("import", "tsdb", snapshot, "--output=json", data=data)
    assert got["samples_stored"] == samples and got["histograms_read"] == 20 * 200, (got, samples)
    out = f"{node}/exported"
    got = storage("export", "tsdb", out, "--output=json", data=data)
    assert got["samples_written"] == samples, got
    assert peer_dump(out) == peer_dump(snapshot)
    # What came back is what went in, to the last bit: nothing of it is new.
    got = storage("import", "tsdb", out, "--output=json", data=data)
    assert got["samples_there_already"] == samples and got["samples_stored"] == 0, got
    answers = []
    for which, path in (("theirs", snapshot), ("ours", out)):
        home = f"{node}/{which}"
        os.makedirs(home)
        shutil.copytree(path, f"{home}/peer-data")
        with harness.prometheus(home, "scrape_configs: []\n", flags) as server:
            server.start()
            ask = [harness.instant(server.port, q, BASE + 7200) for q in (
                'count_over_time({__name__=~".+"}[3h])', "histogram_quantile(0.9, rate({job=\"bench\"}[30m]))",
                'sum by (job) (rate({__name__=~".+",job="bench"}[5m]))', "{job=\"bench\"}")]
            # The order within an instant answer is not promised.
            answers.append([sorted(json.dumps(sample, sort_keys=True) for sample in vector) for vector in ask])
            server.stop()
    assert answers[0] == answers[1]
    assert sum(map(len, answers[0])) > 100
    print(f"Prometheus: {samples} samples there and back, its answers are the same")


def warns_of_a_head(folder: str):
    made = f"{folder}/peer"
    os.makedirs(f"{made}/wal", exist_ok=True)
    pathlib.Path(f"{made}/wal/00000000").write_bytes(b"x" * 4096)
    said = storage("import", "tsdb", made, data=f"{folder}/from-peer")
    assert "Take a snapshot" in said, said
    index = next(pathlib.Path(made).glob("0*/index"))
    content = bytearray(index.read_bytes())
    content[len(content) // 2] ^= 4
    index.write_bytes(content)
    said = storage("import", "tsdb", made, data=f"{folder}/from-peer", expect=1)
    assert f"{index}: offset " in said, said


def main() -> int:
    begin = time.monotonic()
    with harness.work_folder() as folder:
        text_goes_through(folder)
        own_tools(folder)
        killed_import(folder)
        if harness.peer("promtool") and harness.peer("prometheus"):
            peers_blocks(folder)
            real_prometheus(folder)
            warns_of_a_head(folder)
        else:
            print("no promtool and prometheus in TROUPE_PEERS: own tools only")
    print(f"{time.monotonic() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
