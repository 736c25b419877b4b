#!/usr/bin/env python3
"""The kernels that the end-to-end figures are sums of, each beside its budget (one core, CPU time, best instruction set).
usage: kernels_bench.py FOLDER     FOLDER holds the programs by area, as scripts/bench.sh builds them"""
import json
import pathlib
import subprocess
import sys

# what, area, program, benchmark, counter (None: CPU time in ns), unit, budget, whether more is better
KERNELS = [
    ("newline index", "scrape", "text_kernels_bench", "newline_index", "GB/s", "GB/s", 8, True),
    ("line hash and match", "scrape", "text_kernels_bench", "line_match", "ns/item", "ns", 15, False),
    ("decimal parse", "scrape", "text_kernels_bench", "decimal_parse", "ns/item", "ns", 6, False),
    ("remote write, known series: walk 10, probe 8; 523 K", "remote", "remote_bench", "decode_known/523000", "ns/sample",
     "ns/sample", 18, False),
    ("the same by remote write 2.0", "remote", "remote_bench", "decode_known_v2/523000", "ns/sample", "ns/sample", 18, False),
    ("open append, counters", "storage", "head_bench", "append/profile:1/series:52300/iterations:1/manual_time", "ns/sample",
     "ns/sample", 6, False),
    ("seal of 120, counters", "storage", "chunk_bench", "seal_120/counter", "ns/sample", "ns/sample", 8, False),
    ("seal of 120, random walk", "storage", "chunk_bench", "seal_120/walk", "ns/sample", "ns/sample", 8, False),
    ("unpack, prefix sum, scale", "storage", "chunk_bench", "unpack_delta_9_bits/*", "ns/sample", "ns/sample", 1, False),
    ("reset scan", "storage", "chunk_bench", "reset_scan/*", "ns/sample", "ns/sample", 0.1, False),
    ("rate", "query", "query_bench", "rate_points", "ns/point", "ns/point", 0.8, False),
    ("JSON point, integer", "query", "query_bench", "json_values/integer", "ns/point", "ns", 12, False),
    ("JSON point, shortest double", "query", "query_bench", "json_values/double", "ns/point", "ns", 45, False),
    ("postings AND, 16 K scattered and 143 K", "storage", "index_bench", "and_scattered_16k_143k", None, "µs", 15, False),
    ("log frame encode", "storage", "wal_bench", "frame_encode", "ns/sample", "ns/sample", 3, False),
    ("log frame decode", "storage", "wal_bench", "frame_decode", "ns/sample", "ns/sample", 8, False),
    ("record of a topic, written", "topics", "topics_bench", "write", "ns/sample", "ns/sample", 40, False),
    ("bytes of it", "topics", "topics_bench", "write", "B/sample", "B", 1.5, False),
    ("record of a topic, read", "topics", "topics_bench", "read", "ns/sample", "ns/sample", 130, False),
]


def figures(program: pathlib.Path, names: list) -> dict:
    chosen = "|".join(f"^{n.removesuffix('*')}" for n in names)
    done = subprocess.run([str(program), f"--benchmark_filter={chosen}", "--benchmark_format=json"], check=True,
                          capture_output=True, text=True)
    return {b["name"]: b for b in json.loads(done.stdout)["benchmarks"]}


def figure(found: dict, name: str, counter, more: bool) -> float:
    same = [b for n, b in found.items() if n == name or (name.endswith("*") and n.startswith(name[:-1]))]
    values = [b[counter] if counter else b["cpu_time"] for b in same]
    return max(values) if more else min(values)


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    programs = {}
    for _, area, program, name, *_ in KERNELS:
        programs.setdefault(folder / area / program, []).append(name)
    found = {program: figures(program, names) for program, names in programs.items()}
    print("| kernel | figure | budget |\n|---|---|---|")
    for what, area, program, name, counter, unit, budget, more in KERNELS:
        value = figure(found[folder / area / program], name, counter, more)
        met = value >= budget if more else value <= budget
        print(f"| {what} | {value:.3g} {unit} | {'≥' if more else '≤'} {budget}{'' if met else ', missed'} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
