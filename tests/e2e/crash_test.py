#!/usr/bin/env python3
"""kill -9 at random moments under load, blocks being written meanwhile; after the last restart every acknowledged sample is there exactly once.
usage: crash_test.py [kills]"""
import random
import sys
import time

import audit
import harness


def main(kills: int) -> int:
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    print(f"seed {seed}")
    with harness.work_folder() as folder:
        # The writers' clock runs some hundred times faster than ours: a block's span is over every few seconds.
        flags = ["--storage.tsdb.min-block-duration=5m", "--storage.tsdb.block-reload-interval=1s",
                 "--storage.tsdb.wal-segment-size=10MB",
                 # Its samples are of now, ahead of the writers' clock: theirs would all be late ones, cut by number only.
                 "--no-troupe.audit.canary"]
        server = harness.troupe(folder, flags=[harness.WRITE_FLAG, *flags])
        with server:
            server.start()
            ledger, loads = audit.start_load(server.port, 3)
            slowest = 0.0
            for n in range(kills):
                time.sleep(rng.uniform(0.9, 1.9) if n % 2 else rng.uniform(0.05, 0.3))
                server.kill()
                begin = time.monotonic()
                server.start()
                slowest = max(slowest, time.monotonic() - begin)
                if n % 5 == 4:
                    acked, _ = ledger.snapshot()
                    audit.audit(server.port, ledger, acked)
            time.sleep(0.3)
            for load in loads:
                load.finish()
            checked = audit.audit(server.port, ledger)
            server.kill()
            server.start()
            assert audit.audit(server.port, ledger) == checked
            blocks = server.log_tail(100_000).count("wrote block")
            print(f"{kills} kills, {blocks} blocks written, {ledger.acked_samples()} acknowledged samples, {checked} checked, "
                  f"slowest restart {slowest:.2f} s")
            assert blocks > 0, "no block was written"
            assert ledger.acked_samples() > 1000 * kills // 20, "hardly anything was acknowledged"
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
