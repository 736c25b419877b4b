"""Nodes that are regions: how they are made, what is put on them, and what they hold meanwhile."""
import contextlib
import os
import pathlib
import threading
import time

import brokers
import feed
import harness

MIB = 1 << 20
LIVE = '{__name__=~"live_.*"}'


def plain(folder: str, name: str, blocks: str = "", flags=()) -> harness.Server:
    """A node with these blocks in its --troupe.config.file; not started."""
    path = pathlib.Path(folder) / name
    path.mkdir()
    (path / "stage.yml").write_text(blocks)
    return harness.troupe(str(path), flags=[harness.WRITE_FLAG, f"--troupe.config.file={path}/stage.yml", *flags])


def node(folder: str, name: str, cluster: brokers.Brokers, blocks: str, flags=()) -> harness.Server:
    """One that knows the cluster as `main`."""
    servers = ", ".join(f"'{s}'" for s in cluster.servers.split(","))
    return plain(folder, name, f"""
kafka:
- name: main
  brokers: [{servers}]
  settings: {{reconnect.backoff.max.ms: '1000'}}
{blocks}
""", flags)


def live(ts: int, n: int):
    """A batch of feed.Feed: 20 series beside the load, of the present."""
    return [({"__name__": f"live_{i}"}, [(ts, n)]) for i in range(20)]


def newest(server: harness.Server) -> float:
    """Time of the newest live sample, in ms; 0: none."""
    got = harness.instant(server.port, "timestamp(live_0)")
    return float(got[0]["value"][1]) * 1000 if got else 0


def expect_live(server: harness.Server, lines: feed.Feed):
    """Every live sample that was acknowledged is there."""
    want = feed.count(lines.acked)
    harness.wait_for("the last live samples", lambda: feed.count(feed.stored(server.port, LIVE, "2h")) >= want, 30)
    feed.expect_all(lines.acked, feed.stored(server.port, LIVE, "2h"))


def topic_bytes(folder: str, topic: str = "troupe.east") -> int:
    """Of all replicas."""
    return sum(f.stat().st_size for f in pathlib.Path(folder).glob(f"kafka/*/data/{topic}-*/*.log"))


def written(path: pathlib.Path) -> int:
    """Of a file whose end may be reserved: zeros that nobody wrote."""
    with open(path, "rb") as f:
        end = f.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(end - MIB, 0)
            f.seek(begin)
            piece = f.read(end - begin).rstrip(b"\0")
            if piece:
                return begin + len(piece)
            end = begin
    return 0


def log_bytes(folder: str, name: str) -> int:
    """Of a node's log on disk."""
    return sum(written(f) for f in (pathlib.Path(folder) / name / "data/wal").glob("*.wal"))


class Memory:
    """What a process holds (RssAnon and RssShmem), several times a second."""

    def __init__(self, server: harness.Server, every: float = 0.2):
        self.server, self.every, self.seen, self.stopped = server, every, [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def look(self):
        # Between a kill and the next start there is none.
        with contextlib.suppress(OSError, AttributeError):
            self.seen.append((time.monotonic(), self.server.held_bytes()))

    def run(self):
        while not self.stopped.wait(self.every):
            self.look()

    def most(self, since: float, until: float = float("inf")) -> int:
        """Between these moments of time.monotonic()."""
        self.look()
        return max((b for t, b in self.seen if since <= t <= until), default=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


class Phases:
    """Prints what was done, behind the minutes that it took."""

    def __init__(self):
        self.began = time.monotonic()

    def done(self, text: str):
        now = time.monotonic()
        print(f"  {(now - self.began) / 60:5.2f} min  {text}", flush=True)
        self.began = now
