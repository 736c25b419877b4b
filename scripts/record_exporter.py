#!/usr/bin/env python3
"""Records a real exporter for `troupe bench` (the node profile): scrapes it many times while this machine is kept busy, then
packs the scrapes into one small file. The format is described in tests/data/README.md.
usage: record_exporter.py record URL FOLDER [--interval 2.5] [--count 1200] [--idle]   one file per scrape; can be continued
       record_exporter.py pack FOLDER OUT.zst [--every N] [--interval 2.5]             every Nth scrape; needs the zstd tool"""
import argparse
import gzip
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

MAGIC = b"troupe-recording 1\n"
PRODUCT = 32  # added to a column's kind: integer * 10^-e instead of integer / 10^e, which rounds differently
STEPS = 64  # added: integer / 10^(e/2) / 10^(e/2), for even e
RAW = 255  # column kind: doubles as they are


def keep_busy(folder: pathlib.Path, stop: threading.Event):
    """Bursts of disk, loopback, process and memory work: a few per cent of a core, never the same twice."""
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while not stop.wait(random.expovariate(2)):
        path = folder / "load.tmp"
        data = os.urandom(int(random.paretovariate(1.2) * 4096) % (8 << 20))
        with open(path, "wb") as f:
            f.write(data)
            os.fsync(f.fileno())
        for _ in range(int(random.expovariate(0.02))):
            out.sendto(data[:random.randrange(1, 1400)], sink.getsockname())
        if random.random() < 0.3:
            subprocess.run(["true"], check=True)
        path.unlink()


def record(url: str, folder: pathlib.Path, interval: float, count: int, idle: bool):
    folder.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    if not idle:
        threading.Thread(target=keep_busy, args=(folder, stop), daemon=True).start()
    done = len(list(folder.glob("*.txt.gz")))
    due = time.monotonic()
    for row in range(done, count):
        with urllib.request.urlopen(url, timeout=10) as r:
            body = r.read()
        part = folder / "part"
        part.write_bytes(gzip.compress(body, 5))
        part.rename(folder / f"{row:06d}.txt.gz")
        due += interval
        time.sleep(max(0.0, due - time.monotonic()))
    stop.set()


def split(body: str):
    """The lines with the values cut off, and {series: value text}."""
    template, values = [], {}
    for line in body.splitlines():
        if line.startswith("#") or not line:
            template.append(line)
            continue
        series, value = line.rsplit(" ", 1)
        template.append(series)
        values[series] = value
    return template, values


def varint(out: bytearray, n: int):
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)


def column(values) -> bytes:
    """u8 kind, then integers as zigzag varints of their differences (kind e: value = integer / 10^e; PRODUCT + e:
    integer * 10^-e; STEPS + e: integer / 10^(e/2) / 10^(e/2)), or RAW and doubles."""
    for kind in [*range(18), *range(PRODUCT, PRODUCT + 18), *range(STEPS, STEPS + 18, 2)]:
        e = kind % PRODUCT
        form = (lambda i: i / 10**e, lambda i: i * float(f"1e-{e}"), lambda i: i / 10**(e // 2) / 10**(e // 2))[kind // PRODUCT]
        ints = [round(v * 10**e) if abs(v) * 10**e < 2**53 else 2**53 for v in values]
        if all(abs(i) < 2**53 and form(i) == v for i, v in zip(ints, values)):
            out = bytearray([kind])
            last = 0
            for i in ints:
                d = i - last
                varint(out, d * 2 if d >= 0 else -d * 2 - 1)
                last = i
            return bytes(out)
    return bytes([RAW]) + struct.pack(f"<{len(values)}d", *values)


def pack(folder: pathlib.Path, out: pathlib.Path, every: int, interval: float):
    bodies = [split(gzip.decompress(p.read_bytes()).decode()) for p in sorted(folder.glob("*.txt.gz"))[::every]]
    template = bodies[0][0]
    # Only series that every scrape has: the generator has no gaps of its own.
    common = set.intersection(*({*v} for _, v in bodies))
    template = [line for line in template if line.startswith("#") or line in common]
    text = ("\n".join(template) + "\n").encode()
    series = [line for line in template if line and not line.startswith("#")]
    payload = MAGIC + struct.pack("<4I", len(bodies), len(series), int(interval * every * 1000), len(text)) + text
    kinds = {}
    for s in series:
        packed = column([float(v[s]) for _, v in bodies])
        kinds[packed[0]] = kinds.get(packed[0], 0) + 1
        payload += packed
    subprocess.run([shutil.which("zstd") or sys.exit("record_exporter.py: zstd is not installed"), "-19", "-q", "-f", "-o", str(out)],
                   input=payload, check=True)
    print(f"{out}: {len(bodies)} scrapes x {len(series)} series every {interval * every:g} s, {len(payload)} bytes, "
          f"{out.stat().st_size} compressed; columns by kind: {dict(sorted(kinds.items()))}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="what", required=True)
    r = sub.add_parser("record")
    r.add_argument("url")
    r.add_argument("folder", type=pathlib.Path)
    r.add_argument("--interval", type=float, default=2.5)
    r.add_argument("--count", type=int, default=1200)
    r.add_argument("--idle", action="store_true")
    k = sub.add_parser("pack")
    k.add_argument("folder", type=pathlib.Path)
    k.add_argument("out", type=pathlib.Path)
    k.add_argument("--every", type=int, default=1)
    k.add_argument("--interval", type=float, default=2.5)
    a = p.parse_args()
    if a.what == "record":
        record(a.url, a.folder, a.interval, a.count, a.idle)
    else:
        pack(a.folder, a.out, a.every, a.interval)


if __name__ == "__main__":
    main()
