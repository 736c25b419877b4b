#!/usr/bin/env python3
"""Damaged files of a real data folder: the start always succeeds, what is lost is exactly what was hit, metrics, API and
queries tell, no value is ever wrong; a file that is cut under the running process does not end it."""
import json
import pathlib
import shutil
import sys
import time
import urllib.parse

import harness

SERIES = 8
STEP_MS = 5_000
SAMPLES = 720       # an hour
CUT = 696           # of them are written before blocks are cut; the rest stays in the live log
BLOCK_MS = 300_000
METRIC = "troupe_storage_damage_{}_total"


def value_of(s: int, i: int) -> float:
    return float(s << 32 | i)


def write(port: int, base_ms: int, begin: int, end: int, per_request: int):
    writer = harness.Writer(port)
    for first in range(begin, end, per_request):
        body = [({"__name__": "damage", "job": "damage", "instance": "one", "s": str(s)},
                 [(base_ms + i * STEP_MS, value_of(s, i)) for i in range(first, min(first + per_request, end))])
                for s in range(SERIES)]
        assert writer.write(body) // 100 == 2
    writer.close()


def read_all(port: int, base_ms: int):
    """({(s, i)} of what came back, warnings). No wrong value, nothing twice."""
    form = urllib.parse.urlencode({"query": f"damage[{SAMPLES * STEP_MS + 1000}ms]",
                                   "time": repr((base_ms + SAMPLES * STEP_MS) / 1000)}).encode()
    status, _, body = harness.request(port, "POST", "/api/v1/query", form,
                                      {"Content-Type": "application/x-www-form-urlencoded"})
    answer = json.loads(body)
    assert status == 200 and answer["status"] == "success", body[:500]
    got = set()
    for series in answer["data"]["result"]:
        s = int(series["metric"]["s"])
        for t, v in series["values"]:
            i, rest = divmod(round(t * 1000) - base_ms, STEP_MS)
            assert rest == 0 and float(v) == value_of(s, i), f"series {s}: {v} at {t}"
            assert (s, i) not in got
            got.add((s, i))
    return got, answer.get("warnings", [])


def report(port: int):
    return harness.get_api(port, "/api/v1/status/damage")


def flip(path: pathlib.Path, at: int):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def blocks_of(port: int, base_ms: int):
    """[(folder name, (s, i) in its range)…] of healthy blocks, oldest first."""
    blocks = harness.get_api(port, "/api/v1/status/tsdb/blocks")["blocks"]
    out = []
    for b in sorted((b for b in blocks if not b["quarantined"]), key=lambda b: b["minTime"]):
        out.append((b["ulid"], {(s, i) for s in range(SERIES) for i in range(SAMPLES)
                                if b["minTime"] <= base_ms + i * STEP_MS < b["maxTime"]}))
    return out


def expect_lost(lost, want):
    assert lost == want, f"lost without reason: {sorted(lost - want)[:20]}, kept against reason: {sorted(want - lost)[:20]}"


def restarted(server, data: pathlib.Path) -> int:
    """Stops in order, as the log ends in key frames then; the caller damages files and starts. Snapshots of the heads go:
    with them the start would not read what of the log is damaged."""
    assert server.stop() == 0
    for path in (data / "head_chunks").glob("*.snapshot"):
        path.unlink()
    return server.port


def biggest_log(data: pathlib.Path) -> pathlib.Path:
    return max((data / "wal").glob("*.wal"), key=lambda p: p.stat().st_size)


def main() -> int:
    with harness.work_folder() as folder:
        data = pathlib.Path(folder) / "data"
        flags = [harness.WRITE_FLAG, f"--storage.tsdb.min-block-duration={BLOCK_MS // 1000}s",
                 f"--storage.tsdb.max-block-duration={BLOCK_MS // 1000}s", "--storage.tsdb.block-reload-interval=1s",
                 # The canary's samples of now would make all of ours late ones.
                 "--no-troupe.audit.canary", "--troupe.storage.shards=1"]
        server = harness.troupe(folder, flags=flags)
        base_ms = (int(time.time() * 1000) - SAMPLES * STEP_MS) // BLOCK_MS * BLOCK_MS
        everything = {(s, i) for s in range(SERIES) for i in range(SAMPLES)}
        with server:
            server.start()
            port = server.port
            write(port, base_ms, 0, CUT, 12)
            harness.wait_for("the blocks", lambda: harness.metric(port, "troupe_storage_blocks_loaded") == 11)
            write(port, base_ms, CUT, SAMPLES, 1)
            blocks = blocks_of(port, base_ms)
            assert read_all(port, base_ms) == (everything, [])
            clean = report(port)
            assert clean["quarantined"] == clean["places"] == [] and not any(clean["counts"].values()), clean

            # 0. A flipped byte in a part of the log that a snapshot has too, and in the snapshot itself.
            for damaged in (biggest_log(data), data / "head_chunks" / "00000.snapshot"):
                assert server.stop() == 0
                middle = damaged.stat().st_size // 2
                flip(damaged, middle)
                server.start()
                assert read_all(port, base_ms) == (everything, []), damaged
                if damaged.suffix == ".wal":
                    flip(damaged, middle)

            # 1. A flipped byte in a chunk, in an index, and in the log.
            restarted(server, data)
            in_blocks = set().union(*(part for _, part in blocks))
            flip(data / "blocks" / blocks[0][0] / "chunks", (data / "blocks" / blocks[0][0] / "chunks").stat().st_size // 2)
            flip(data / "blocks" / blocks[1][0] / "meta", 20)
            log = biggest_log(data)
            flip(log, log.stat().st_size // 2)
            server.start()
            got, warnings = read_all(port, base_ms)
            lost = everything - got
            assert blocks[1][1] <= lost, "a block whose meta is damaged is set aside"
            chunk = lost & blocks[0][1]
            assert chunk and len({s for s, _ in chunk}) == 1, "a damaged chunk costs itself alone"
            log_loss = lost - in_blocks
            assert log_loss and len({i for _, i in log_loss}) == 1, f"one frame is lost: {log_loss}"
            assert lost == blocks[1][1] | chunk | log_loss
            assert any(blocks[0][0] in w for w in warnings) and any(blocks[1][0] in w for w in warnings), warnings
            told = report(port)
            counts = told["counts"]
            assert counts["wal_bad_frames"] == 1 and counts["block_load_failures"] == 1, counts
            assert counts["block_chunks"] == 1 and counts["block_samples"] == len(chunk), counts
            assert [p["reason"] for p in told["places"]] == ["bad_frame"] and told["places"][0]["file"].endswith(log.name)
            items = {pathlib.Path(q["path"]).name: q for q in told["quarantined"]}
            assert len(items) == 2 and "corruption" in items[blocks[1][0]]["reason"], items
            assert all(q["bytes"] > 0 and q["time"].startswith("20") for q in items.values()), items
            for name in ("wal_bad_frames", "block_load_failures", "block_chunks"):
                harness.wait_for(f"the metric of {name}", lambda n=name: harness.metric(port, METRIC.format(n)) == 1)
            assert harness.metric(port, METRIC.format("wal_torn_tails")) == 0

            # 2. Files that are missing, empty and exchanged: again only their blocks.
            restarted(server, data)
            folders = [data / "blocks" / b for b, _ in blocks]
            (folders[2] / "index").unlink()
            (folders[3] / "chunks").write_bytes(b"")
            (folders[4] / "tombstones").unlink()
            (folders[5] / "meta").write_bytes(b"")
            first, second = folders[6] / "chunks", folders[7] / "chunks"
            first.rename(folder + "/aside")
            second.rename(first)
            pathlib.Path(folder + "/aside").rename(second)
            (data / "wal" / "epoch").write_bytes(b"")
            server.start()
            got, warnings = read_all(port, base_ms)
            gone = set().union(*(part for _, part in blocks[1:8]))
            expect_lost(everything - got, gone | chunk | log_loss)
            for name, _ in blocks[:8]:
                assert any(name in w for w in warnings), (name, warnings)
            assert report(port)["counts"]["block_load_failures"] == 3

            # 3. A file cut under the running process.
            victim = data / "blocks" / blocks[8][0] / "chunks"
            with open(victim, "r+b") as f:
                f.truncate(0)
            got, warnings = read_all(port, base_ms)
            assert server.process.poll() is None, "the process is dead"
            expect_lost(everything - got, gone | chunk | log_loss | blocks[8][1])
            assert any(blocks[8][0] in w for w in warnings), warnings
            harness.wait_for("the block to be set aside", lambda: not victim.exists())
            harness.wait_for("the metric", lambda: harness.metric(port, METRIC.format("block_read_errors")) == 1)
            aside = {pathlib.Path(q["path"]).name: q["reason"] for q in report(port)["quarantined"]}
            assert "mapped" in aside[blocks[8][0]], aside
            got, warnings = read_all(port, base_ms)
            expect_lost(everything - got, gone | chunk | log_loss | blocks[8][1])
            assert any(blocks[8][0] in w for w in warnings), warnings

            # 4. An empty series log: what it alone knew is missing, and counted; nothing else.
            restarted(server, data)
            series_logs = {p: p.read_bytes() for p in (data / "wal").glob("*.series")}
            for path in series_logs:
                path.write_bytes(b"")
            server.start()
            expect_lost(in_blocks - read_all(port, base_ms)[0], gone | chunk | blocks[8][1])
            lost = everything - in_blocks - read_all(port, base_ms)[0]
            assert report(port)["counts"]["wal_samples_lost"] == len(lost - log_loss), report(port)["counts"]
            restarted(server, data)
            for path, content in series_logs.items():
                path.write_bytes(content)
            server.start()
            expect_lost(everything - read_all(port, base_ms)[0], gone | chunk | log_loss | blocks[8][1])

            # 5. The log's files are gone: all blocks are still there, and it goes on.
            restarted(server, data)
            shutil.rmtree(data / "wal")
            server.start()
            got, _ = read_all(port, base_ms)
            assert in_blocks - got == gone | chunk | blocks[8][1]
            write(port, base_ms, 0, SAMPLES, 12)
            got, _ = read_all(port, base_ms)
            assert got == everything, "what is sent again fills every hole"
            assert server.stop() == 0
            print(f"{len(everything)} samples in {len(blocks)} blocks and the log; lost: {len(chunk)} in a chunk, "
                  f"{len(log_loss)} in a frame, {len(gone)} in 7 blocks, {len(blocks[8][1])} in a file cut while open")
    return 0


if __name__ == "__main__":
    sys.exit(main())
