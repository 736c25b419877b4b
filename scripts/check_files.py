#!/usr/bin/env python3
"""Checks files: size caps, #pragma once, header comment, line length, listed in CMake, the fixed top level."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE_CAP, HEADER_CAP, TEST_CAP, COLUMNS = 600, 300, 700, 120
TOP = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "actors", "pipeline", "storage", "query", "config",
       "scripts", "tests"}
FORBIDDEN = re.compile(r"\b(TODO|FIXME|XXX)\b")


def tracked() -> list[str]:
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if out.returncode == 0:
        return [f for f in out.stdout.splitlines() if (ROOT / f).is_file()]
    return [p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if p.is_file()]


def main() -> int:
    files = tracked()
    bad = []
    for top in sorted({f.split("/", 1)[0] for f in files}):
        if top not in TOP and not top.startswith("."):
            bad.append(f"{top}: outside of the fixed top level")
    listed = {}
    for f in files:
        if f.endswith(("CMakeLists.txt", ".cmake")):
            listed[f] = (ROOT / f).read_text(encoding="utf-8")
    for f in files:
        if not f.endswith((".cc", ".h")):
            continue
        lines = (ROOT / f).read_text(encoding="utf-8").splitlines()
        cap = TEST_CAP if f.startswith("tests/") else HEADER_CAP if f.endswith(".h") else SOURCE_CAP
        if len(lines) > cap:
            bad.append(f"{f}: {len(lines)} lines, the cap is {cap}")
        if f.endswith(".h"):
            if "#pragma once" not in lines:
                bad.append(f"{f}: no #pragma once")
            if not lines or not lines[0].startswith("//"):
                bad.append(f"{f}: no comment that says what it is for")
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS:
                bad.append(f"{f}:{number}: {len(line)} columns, the cap is {COLUMNS}")
            if FORBIDDEN.search(line):
                bad.append(f"{f}:{number}: unfinished work")
        if f.endswith(".cc"):
            name = f.rsplit("/", 1)[1]
            if not any(re.search(rf"(^|[\s/]){re.escape(name)}\b", text) for text in listed.values()):
                bad.append(f"{f}: in no CMakeLists.txt")
    print("\n".join(bad) if bad else f"{len(files)} files are in order")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
