"""Writes samples to a node until stopped, and keeps what was acknowledged; compares it with what another node has."""
import threading
import time

import harness


class Feed:
    """`batch(ts, n)` makes the series of write n; `arrives(labels)` gives the labels as they are to arrive elsewhere, None where
    they are not. Every write is repeated until it is acknowledged."""

    def __init__(self, port: int, batch, arrives, every: float = 0.04):
        self.port, self.batch, self.arrives, self.every = port, batch, arrives, every
        self.acked, self.refused, self.stopped = {}, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        writer, n = harness.Writer(self.port), 0
        while not self.stopped.is_set():
            n += 1
            ts = int(time.time() * 1000)
            series = self.batch(ts, n)
            while (code := writer.write(series)) != 204:
                self.refused += code != 0
                if self.stopped.wait(0.05):
                    return
            for labels, points in series:
                there = self.arrives(labels)
                if there is not None:
                    self.acked.setdefault(tuple(sorted(there.items())), {}).update(points)
            self.stopped.wait(self.every)
        writer.close()

    def stop(self):
        self.stopped.set()
        self.thread.join()


def stored(port: int, expr: str, window: str = "10m") -> dict:
    """{labels: {ts_ms: value}} of what the selector has in the window."""
    return {tuple(sorted(s["metric"].items())): {round(t * 1000): float(v) for t, v in s["values"]}
            for s in harness.instant(port, f"{expr}[{window}]")}


def expect_all(want: dict, got: dict):
    """What was acknowledged is there, with its value. What was written and never acknowledged may be there, too: one write a series."""
    assert got.keys() == want.keys(), sorted(got.keys() ^ want.keys())[:4]
    for name, points in want.items():
        missing = {t: v for t, v in points.items() if got[name].get(t) != v}
        assert not missing, f"{name}: {len(missing)} of {len(points)} are missing: {sorted(missing.items())[:3]}"
        assert len(got[name].keys() - points.keys()) <= 1, f"{name}: {sorted(got[name].keys() - points.keys())[:3]}"


def count(samples: dict) -> int:
    return sum(len(points) for points in samples.values())
