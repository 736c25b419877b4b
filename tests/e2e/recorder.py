"""Receivers of remote write: one that takes everything unread, and one of version 1.0 that counts how often each sample came."""
import http.server
import struct
import threading

import exporters


def unsnappy(data: bytes) -> bytes:
    """Snappy's block format (google/snappy, format_description.txt)."""
    at, size, shift = 0, 0, 0
    while True:
        b = data[at]
        at += 1
        size |= (b & 0x7F) << shift
        shift += 7
        if b < 0x80:
            break
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(data[at:at + extra], "little")
                at += extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little")
            at += width
        start = len(out) - offset
        if offset >= length:
            out += out[start:start + length]
        else:
            for i in range(length):
                out.append(out[start + i])
    assert len(out) == size
    return bytes(out)


def fields(message: bytes):
    """(number, value) of a protobuf message: an int, or bytes of a length-delimited or fixed field."""
    at = 0

    def varint():
        nonlocal at
        n, shift = 0, 0
        while True:
            b = message[at]
            at += 1
            n |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return n

    while at < len(message):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
            continue
        size = varint() if kind == 2 else 8 if kind == 1 else 4
        yield tag >> 3, message[at:at + size]
        at += size


def samples_of(body: bytes):
    """(series text, ts, value) of a prometheus.WriteRequest."""
    for number, series in fields(unsnappy(body)):
        if number != 1:
            continue
        labels, samples = [], []
        for n, v in fields(series):
            if n == 1:
                pair = dict(fields(v))
                labels.append(f"{pair[1].decode()}={pair.get(2, b'').decode()}")
            elif n == 2:
                s = dict(fields(v))
                samples.append((s[2], struct.unpack("<d", s[1])[0]))
        name = ",".join(labels)
        for ts, value in samples:
            yield name, ts, value


class Sink:
    """Answers every POST as a receiver that stored it all. `down`: every connection ends without an answer."""

    def __init__(self):
        self.requests, self.down = 0, False
        self.lock = threading.Lock()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802 (the library's name)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if sink.down:
                    self.close_connection = True
                    return
                sink.take(body)
                with sink.lock:
                    sink.requests += 1
                self.send_response(204)
                for kind in ("Samples", "Histograms", "Exemplars"):
                    self.send_header(f"X-Prometheus-Remote-Write-{kind}-Written", str(1 << 30))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = exporters.ThreadedServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def take(self, body: bytes):
        """Before the answer."""

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Recorder(Sink):
    def __init__(self):
        super().__init__()
        self.times, self.values, self.order, self.most = {}, {}, [], 0

    def take(self, body: bytes):
        got = list(samples_of(body))
        with self.lock:
            self.most = max(self.most, len(got))
            for name, ts, value in got:
                self.times[name, ts] = self.times.get((name, ts), 0) + 1
                self.values[name, ts] = value
                self.order.append((name, ts))

    def doubled(self) -> int:
        with self.lock:
            return sum(n - 1 for n in self.times.values())
