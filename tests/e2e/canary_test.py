#!/usr/bin/env python3
"""The canary of a real process: no query sees it, kills and stops make it miss nothing, a lost frame makes it cry."""
import pathlib
import sys

import harness


def breaches(port: int):
    return [harness.metric(port, f"troupe_audit_{what}_total") for what in ("missing", "doubled", "wrong")]


def wait_checked(port: int, n: int):
    harness.wait_for(f"{n} checks", lambda: harness.metric(port, "troupe_audit_checked_total") >= n)


def main() -> int:
    with harness.work_folder() as folder:
        # One shard, so one lane: a sample a second.
        server = harness.troupe(folder, flags=["--troupe.audit.interval=1s", "--troupe.storage.shards=1"])
        with server:
            for end, ticks in (("kill", 3), ("kill", 3), ("stop", 8)):
                server.start()
                harness.wait_for("ticks", lambda n=ticks: harness.metric(server.port, "troupe_audit_acknowledged_total") >= n)
                wait_checked(server.port, 2)
                assert breaches(server.port) == [0, 0, 0]
                assert harness.instant(server.port, 'count({__name__=~".+"})') == []
                assert harness.get_api(server.port, "/api/v1/labels") == []
                assert harness.get_api(server.port, "/api/v1/status/tsdb")["headStats"]["numSeries"] == 0
                if end == "kill":
                    server.kill()
                else:
                    assert server.stop() == 0
            # Of the last run: its log goes on in another file when it stops, and the next start reads
            # it only if there is no snapshot.
            data = pathlib.Path(folder) / "data"
            log = max(data.glob("wal/*-00000001.wal"), key=lambda p: p.name)
            for snapshot in data.glob("head_chunks/*.snapshot"):
                snapshot.unlink()
            damaged = bytearray(log.read_bytes())
            damaged[len(damaged) // 2] ^= 1
            log.write_bytes(damaged)
            server.start()
            harness.wait_for("the loss to show", lambda: harness.metric(server.port, "troupe_audit_missing_total") == 1)
            wait_checked(server.port, 40)
            assert breaches(server.port) == [1, 0, 0], breaches(server.port)
            assert server.stop() == 0
            print("two kills and a stop: nothing missing; a damaged frame: one sample missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
