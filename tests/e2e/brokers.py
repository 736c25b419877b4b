"""A real Kafka on loopback, by scripts/kafka.sh."""
import os
import pathlib
import socket
import struct
import subprocess

import harness

READ, WRITE, DESCRIBE = 3, 4, 8  # operations of access lists

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/kafka.sh"


def environment(version: str) -> dict:
    """Of the script: "" is the version that it takes by itself."""
    return {**os.environ, **({"TROUPE_KAFKA_VERSION": version} if version else {})}


class Brokers:
    """A cluster of its own below `folder`; stopped and removed by the context manager."""

    def __init__(self, folder: str, count: int = 1, secure: bool = False, version: str = ""):
        self.folder = pathlib.Path(folder) / "kafka"
        self.env = {**environment(version), "TROUPE_KAFKA_RUN": str(self.folder)}
        self.count, self.secure, self.servers = count, secure, ""

    def run(self, *args) -> str:
        done = subprocess.run([SCRIPT, *args], env=self.env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"kafka.sh {args}: {done.stdout} {done.stderr}"
        return done.stdout

    def start(self):
        """Starts what does not run; where the data are, they stay."""
        self.servers = self.run("start", str(self.count), *(["secure"] if self.secure else [])).strip().splitlines()[-1]
        return self

    def kill(self, number: int):
        self.run("kill", str(number))

    def address(self, listener: str) -> str:
        """Of the first broker: `secure` (TLS and SASL) or `tls`."""
        return (self.folder / "1" / listener).read_text().strip()

    def allow(self, user: str, operation: int, topic: str):
        """An access list of the topic lets the user do that (READ, WRITE, DESCRIBE)."""
        def text(s: str) -> bytes:
            return struct.pack(">h", len(s)) + s.encode()
        # CreateAcls of Kafka's protocol, version 1: one for a topic by its name, from any host, which allows.
        acl = b"\x02" + text(topic) + b"\x03" + text(f"User:{user}") + text("*") + bytes([operation, 3])
        request = struct.pack(">hhi", 30, 1, 1) + text("test") + struct.pack(">i", 1) + acl
        host, port = self.servers.split(",")[0].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30) as s:
            s.sendall(struct.pack(">i", len(request)) + request)
            answer = s.makefile("rb")
            size, = struct.unpack(">i", answer.read(4))
            error, = struct.unpack_from(">h", answer.read(size), 12)
        assert error == 0, f"access list for {user}: error {error} of Kafka"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.run("stop")


def need(version: str = ""):
    """Skips the test where no Kafka can be had."""
    done = subprocess.run([SCRIPT, "install"], env=environment(version), capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        harness.skip(f"Kafka cannot be installed: {' '.join(last)}")
