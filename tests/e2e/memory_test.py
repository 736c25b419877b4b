#!/usr/bin/env python3
"""A process with too little memory for what it is sent: it stays below its limit, refuses new series and large queries
with the reason, keeps what it has, and recovers when series end."""
import sys
import time

import harness

LIMIT = 96 << 20
SERIES = 600_000
PER_REQUEST = 4_000


def head_series(server) -> int:
    return harness.get_api(server.port, "/api/v1/status/tsdb")["headStats"]["numSeries"]


def series(n: int, ts: int, value: float):
    host, i = divmod(n, 500)
    return ({"__name__": f"work_items_{i}_total", "job": "worker", "instance": f"host-{host}:9100", "zone": "a"},
            [(ts, value)])


def post(server, first: int, ts: int, value: float):
    body = harness.snappy(harness.write_request(series(n, ts, value) for n in range(first, first + PER_REQUEST)))
    status, _, text = harness.request(server.port, "POST", "/api/v1/write", body, harness.WRITE_HEADERS)
    return status, text.decode()


def main() -> int:
    with harness.work_folder() as folder:
        server = harness.troupe(folder, flags=[harness.WRITE_FLAG, f"--storage.memory-limit={LIMIT >> 20}MiB"])
        with server:
            server.start()
            now = int(time.time() * 1000) - 60_000
            refused, most, level = 0, 0, 0
            for first in range(0, SERIES, PER_REQUEST):
                status, text = post(server, first, now, first)
                while status == 503:  # the steps in which tables grow may pass the limit: a sender comes again
                    assert "--storage.memory-limit" in text, text
                    most = max(most, server.anonymous_bytes())
                    time.sleep(0.1)
                    status, text = post(server, first, now, first)
                if status == 400:
                    refused += 1
                    level = max(level, harness.metric(server.port, "troupe_memory_level"))
                    assert "--storage.memory-limit" in text, text
                else:
                    assert status == 204, (status, text)
                most = max(most, server.anonymous_bytes())
            assert refused > 0, "all series fitted"
            assert most < LIMIT * 1.15, most
            kept = head_series(server)
            assert 100_000 < kept < SERIES, kept
            assert harness.metric(server.port, "troupe_ingest_refused_total") > 0
            # What is held goes to and fro at the bound: a single look may find it a little below.
            assert level == 2, level

            # Series that are known go on.
            assert post(server, 0, now + 15_000, 1)[0] == 204
            # Small queries are answered, a large one is refused with the reason.
            count = harness.instant(server.port, "count(work_items_0_total)", at=now / 1000)
            assert float(count[0]["value"][1]) >= 100_000 / 500, count
            status, _, body = harness.request(
                server.port, "GET",
                f"/api/v1/query_range?query=work_items_0_total*1&start={now / 1000}&end={now / 1000 + 290}&step=0.03")
            assert status == 503 and b"--storage.memory-limit" in body, (status, body[:300])
            assert harness.metric(server.port, "troupe_memory_charges_refused_total") > 0
            assert server.anonymous_bytes() < LIMIT * 1.15

            # A kill and a start with what was acknowledged, and no more memory than before.
            server.kill()
            server.start()
            assert head_series(server) == kept
            assert server.anonymous_bytes() < LIMIT * 1.15
            assert post(server, 0, now + 30_000, 1)[0] == 204
            assert server.stop() == 0
            print(f"{kept} of {SERIES} series fitted into {LIMIT >> 20} MiB, at most {most >> 20} MiB held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
