"""A target that speaks protobuf: counters with exemplars, gauges, native and classic histograms."""
import math
import struct
import time

from harness import field, varint


def number(at: int, value: int) -> bytes:
    return varint(at << 3) + varint(value & (1 << 64) - 1)


def double(at: int, value: float) -> bytes:
    return varint(at << 3 | 1) + struct.pack("<d", value)


def zigzag(n: int) -> int:
    return (n << 1 ^ n >> 63) & (1 << 64) - 1


def spans_and_deltas(spans_at: int, spans, counts) -> bytes:
    deltas = [b - a for a, b in zip([0, *counts], counts)]
    return (b"".join(field(spans_at, number(1, zigzag(o)) + number(2, n)) for o, n in spans) +
            field(spans_at + 1, b"".join(varint(zigzag(d)) for d in deltas)))


PROTO = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
COUNTER, GAUGE, HISTOGRAM = 0, 1, 4


def labels(**pairs) -> bytes:
    return b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in pairs.items())


def family(name: str, text: str, kind: int, metrics) -> bytes:
    body = field(1, name.encode()) + field(2, text.encode()) + number(3, kind) + b"".join(field(4, m) for m in metrics)
    return varint(len(body)) + body


def exemplar(second: int, value: float) -> bytes:
    return (field(1, field(1, b"trace_id") + field(2, f"t{second}".encode())) + double(2, value) +
            field(3, number(1, second)))


def proto_body(path):
    """All is a function of the second. No -0: senders leave out what is 0, the sign with it. Below /stamped every sample has
    the second as its timestamp: two servers that scrape it store the same."""
    now = int(time.time())
    stamp = number(6, now * 1000) if path.startswith("/stamped") else b""
    n = now % 1_000_000
    counters = [labels(i=str(i)) + field(3, double(1, n * (i + 1)) + (field(2, exemplar(now, i + 0.5)) if i < 3 else b"")) + stamp
                for i in range(20)]
    gauges = [labels(i=str(i)) + field(2, double(1, v)) + stamp
              for i, v in enumerate([math.nan, math.inf, -math.inf, -n, 0.0, 5e-324, n / 7])]
    native = []
    for i in range(5):
        counts = [n + i, 3, n % 50 + 1]
        native.append(labels(i=str(i)) + field(7, number(1, 2 + sum(counts)) + double(2, n * 1.5) + number(5, zigzag(2)) +
                                               double(6, 1e-128) + number(7, 2) +
                                               spans_and_deltas(12, [(-3, 1), (4, 2)], counts)) + stamp)
    classic = labels(i="0") + field(7, number(1, n + 9) + double(2, n * 2.5) + b"".join(
        field(3, number(1, c) + double(2, le)) for le, c in ((0.1, n), (1, n + 4), (math.inf, n + 9)))) + stamp
    return PROTO, (family("fx_total", "Counted.", COUNTER, counters) + family("fx_value", "Measured.", GAUGE, gauges) +
                   family("fx_native", "Sparse.", HISTOGRAM, native) +
                   family("fx_classic", "Buckets of one's own.", HISTOGRAM, [classic]))
