"""A real Kafka on loopback, by scripts/kafka.sh."""
import os
import pathlib
import subprocess

import harness

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/kafka.sh"


class Brokers:
    """A cluster of its own below `folder`; stopped and removed by the context manager."""

    def __init__(self, folder: str, count: int = 1):
        self.env = {**os.environ, "TROUPE_KAFKA_RUN": f"{folder}/kafka"}
        self.count, self.servers = count, ""

    def run(self, *args) -> str:
        done = subprocess.run([SCRIPT, *args], env=self.env, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"kafka.sh {args}: {done.stdout} {done.stderr}"
        return done.stdout

    def start(self):
        """Starts what does not run; where the data are, they stay."""
        self.servers = self.run("start", str(self.count)).strip().splitlines()[-1]
        return self

    def kill(self, number: int):
        self.run("kill", str(number))

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.run("stop")


def need():
    """Skips the test where no Kafka can be had."""
    done = subprocess.run([SCRIPT, "install"], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        harness.skip(f"Kafka cannot be installed: {' '.join(last)}")
