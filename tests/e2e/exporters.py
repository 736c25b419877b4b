"""Targets served by the tests themselves, in threads."""
import http.server
import socketserver
import threading
import time


class ThreadedServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


class Exporter:
    """Serves body(path) -> (content type, bytes) on a free port of 127.0.0.1."""

    def __init__(self, body):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802 (the library's name)
                kind, payload = body(self.path)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_):
                pass

        self.server = ThreadedServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


TEXT = "text/plain; version=0.0.4; charset=utf-8"


def fixture_body(series: int):
    """Every series has an explicit timestamp, the second of the scrape, and a value that follows from both: two servers
    that scrape at different moments of one second must store the same sample."""
    special = ["NaN", "+Inf", "-Inf", "-0", "1e-320", "0.1", "123456789012345680", "5e-324"]

    def body(_path):
        second = int(time.time())
        lines = ["# HELP fixture_value A value.", "# TYPE fixture_value gauge"]
        for i in range(series):
            value = special[(second + i) % len(special)] if i < 8 else repr((second * 31 + i) / 7.0)
            lines.append(f'fixture_value{{i="{i}",text="a \\"quoted\\" \\\\ \\n line"}} {value} {second * 1000}')
        lines.append("# TYPE fixture_total counter")
        for i in range(series // 10):
            lines.append(f'fixture_total{{i="{i}"}} {second * (i + 1)} {second * 1000}')
        return TEXT, ("\n".join(lines) + "\n").encode()

    return body
