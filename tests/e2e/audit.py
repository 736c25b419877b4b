"""Self-describing writes and their audit: every acknowledged sample must be there once, bit for bit; nothing else may be."""
import threading
import time

import harness

SERIES = 8      # per writer
STEP_MS = 10    # between samples of one series


def value_of(writer: int, s: int, i: int) -> float:
    """Exact in a double; betrays loss, swap, shift and re-stamping."""
    return float(writer << 43 | s << 23 | i)


class Ledger:
    """What was sent and what came back, per writer and series: sent [0, next), and the set of acknowledged requests."""

    def __init__(self, base_ms: int):
        self.base_ms = base_ms
        self.lock = threading.Lock()
        self.acked = {}    # writer -> set of i
        self.unknown = {}  # writer -> set of i

    def note(self, writer: int, first: int, count: int, status: int):
        with self.lock:
            book = self.acked if status // 100 == 2 else self.unknown
            book.setdefault(writer, set()).update(range(first, first + count))

    def snapshot(self):
        with self.lock:
            return {w: set(s) for w, s in self.acked.items()}, {w: set(s) for w, s in self.unknown.items()}

    def acked_samples(self) -> int:
        with self.lock:
            return sum(len(s) for s in self.acked.values()) * SERIES


def request_of(ledger: Ledger, writer: int, first: int, count: int):
    return [({"__name__": "audit", "job": "audit", "instance": f"w{writer}", "s": str(s)},
             [(ledger.base_ms + i * STEP_MS, value_of(writer, s, i)) for i in range(first, first + count)])
            for s in range(SERIES)]


class Load(threading.Thread):
    """One writer that goes on through restarts; a request without an answer is sent again later, as a sender would."""

    def __init__(self, ledger: Ledger, writer: int, port: int, batch: int = 20):
        super().__init__(daemon=True)
        self.ledger, self.writer, self.port, self.batch = ledger, writer, port, batch
        self.halt = threading.Event()
        self.statuses = {}

    def run(self):
        connection = harness.Writer(self.port)
        first = 0
        while not self.halt.is_set():
            body = request_of(self.ledger, self.writer, first, self.batch)
            status = connection.write(body)
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.ledger.note(self.writer, first, self.batch, status)
            if status // 100 == 2:
                first += self.batch
            elif self.halt.wait(0.02):
                break
        connection.close()

    def finish(self):
        self.halt.set()
        self.join()


def read_all(port: int, ledger: Ledger, last: int):
    """{(writer, s): {i: value}} of everything stored, through range selectors of bounded length."""
    got = {}
    window = 20_000  # samples of a series a query
    for begin in range(0, last + 1, window):
        end = min(begin + window, last + 1)
        at = (ledger.base_ms + (end - 1) * STEP_MS) / 1000
        for series in harness.instant(port, f"audit[{(end - begin) * STEP_MS}ms]", at):
            key = (int(series["metric"]["instance"][1:]), int(series["metric"]["s"]))
            points = got.setdefault(key, {})
            for t, v in series["values"]:
                i, rest = divmod(round(t * 1000) - ledger.base_ms, STEP_MS)
                assert rest == 0, f"{key}: a sample at an instant that was never written: {t}"
                assert i not in points, f"{key}: sample {i} came twice"
                points[i] = float(v)
    return got


def audit(port: int, ledger: Ledger, acked=None) -> int:
    """Raises AssertionError with the first breach; returns the number of samples checked. With `acked` of an earlier
    moment, anything later may be there too."""
    unknown = None
    if acked is None:
        acked, unknown = ledger.snapshot()
    books = [*acked.values(), *(unknown or {}).values()]
    last = max((max(s) for s in books if s), default=0) + (0 if unknown is not None else 50_000)
    stored = read_all(port, ledger, last)
    checked = 0
    for writer, sent in acked.items():
        for s in range(SERIES):
            points = stored.get((writer, s), {})
            missing = sent - points.keys()
            assert not missing, (f"writer {writer} series {s}: {len(missing)} of {len(sent)} acknowledged samples are "
                                 f"missing, first {min(missing)}, last {max(missing)}")
            for i, v in points.items():
                known = unknown is None or i in sent or i in unknown.get(writer, ())
                assert known, f"writer {writer} series {s}: {i} was never sent"
                assert v == value_of(writer, s, i), f"writer {writer} series {s} sample {i}: {v}"
            checked += len(sent)
    return checked


def start_load(port: int, writers: int = 4):
    ledger = Ledger(int(time.time() * 1000) - 3_600_000)
    loads = [Load(ledger, w, port) for w in range(writers)]
    for load in loads:
        load.start()
    return ledger, loads
