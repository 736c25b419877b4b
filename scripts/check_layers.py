#!/usr/bin/env python3
"""Checks the include rules: who may include whom, and which library has its home where. Exit 1 with one line per breach."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLOOR = ("storage/base/", "storage/model/")
# series_merge and chunk_codec are pure functions over what the read door gives; the log's frames travel in topics too.
DOORS = ("storage/appender.h", "storage/querier.h", "storage/log_door.h", "storage/options.h", "storage/chunk/series_merge.h",
         "storage/tsdb/chunk_codec.h", "storage/wal/frame.h", "storage/wal/frame_encoder.h", "storage/wal/stream_decoder.h")
# top folder -> what it may include beside itself
ALLOWED = {
    "storage": (),
    "config": FLOOR,
    "query": FLOOR + ("storage/querier.h",),
    "pipeline": FLOOR + DOORS + ("config/", "query/"),
    "actors": ("storage/", "config/", "query/", "pipeline/"),
}
FLOOR_ONLY = {"storage/base/": ("storage/base/",), "storage/model/": FLOOR}
# header pattern -> folders or files that may include it
HOMES = {
    r"caf/": ("actors/", "tests/actors/", "tests/support/actor_fixture.h"),
    r"spdlog/": ("storage/base/log.cc",),
    r"lz4": ("storage/base/compress.cc",),
    r"re2/": ("storage/base/regex.cc",),
    r"xxhash\.h": ("storage/base/hash.cc",),
    r"roaring/": ("storage/index/postings.cc",),
    r"yaml-cpp/": ("config/yaml.cc",),
    r"CLI/": ("config/flags", ),
    r"librdkafka/": ("pipeline/kafka/", "tests/pipeline/kafka/"),
    r"cereal/": ("pipeline/topics/record.cc",),
    r"protozero/": ("pipeline/remote/protobuf.h",),
    r"curl/": ("pipeline/http/",),
    r"boost/(asio|beast)": ("pipeline/http/",),
    r"openssl/": ("pipeline/http/", "pipeline/relabel/", "tests/pipeline/http/"),
    r"(zlib|libdeflate|snappy|zstd)": ("pipeline/http/", "pipeline/topics/record_packing.cc", "tests/"),
    r"libxml/": ("pipeline/credentials/sts_answer.cc",),
    r"fast_float/": ("pipeline/parse/number.cc", "query/parser/"),
    r"boost/json": ("storage/tsdb/meta.cc", "pipeline/http/", "pipeline/api/", "pipeline/discover/", "pipeline/credentials/",
                     "pipeline/client/", "pipeline/topics/foreign_records.cc", "actors/commands/",
                     "tests/"),
}
# headers that stand for a library's own: sources include them, headers do not
WRAPPERS = ("pipeline/remote/protobuf.h",)
THREADS = re.compile(r"#include <future>|std::(thread|jthread|async)\b")
THREAD_HOMES = ("actors/", "pipeline/http/", "tests/")
INCLUDE = re.compile(r'^\s*#include\s+([<"])([^>"]+)[>"]')


def check(path: pathlib.Path) -> list[str]:
    rel = path.relative_to(ROOT).as_posix()
    top = rel.split("/", 1)[0]
    bad = []
    text = path.read_text(encoding="utf-8")
    if THREADS.search(text) and not rel.startswith(THREAD_HOMES):
        bad.append(f"{rel}: threads belong into actors/ and pipeline/http/")
    for number, line in enumerate(text.splitlines(), 1):
        m = INCLUDE.match(line)
        if not m:
            continue
        quote, name = m.groups()
        where = f"{rel}:{number}"
        if quote == '"' and top in ALLOWED and not name.startswith(top + "/"):
            if not name.startswith(ALLOWED[top]):
                bad.append(f"{where}: {top} may not include {name}")
        for prefix, allowed in FLOOR_ONLY.items():
            if quote == '"' and rel.startswith(prefix) and not name.startswith(allowed):
                bad.append(f"{where}: {prefix} may not include {name}")
        if name == "storage/storage.h" and not rel.startswith(("actors/", "storage/", "tests/")):
            bad.append(f"{where}: storage/storage.h is opened by actors alone")
        if name in WRAPPERS and rel.endswith(".h"):
            bad.append(f"{where}: {name} in a header")
        if quote == "<":
            for pattern, homes in HOMES.items():
                if re.match(pattern, name) and not rel.startswith(homes):
                    bad.append(f"{where}: <{name}> has its home in {', '.join(homes)}")
                if re.match(pattern, name) and rel.endswith(".h") and not rel.startswith(("actors/", "tests/", *WRAPPERS)):
                    bad.append(f"{where}: <{name}> in a header")
    return bad


def main() -> int:
    files = [p for top in (*ALLOWED, "tests") for p in (ROOT / top).rglob("*") if p.suffix in (".h", ".cc")]
    bad = [line for p in sorted(files) for line in check(p)]
    print("\n".join(bad) if bad else f"layers hold in {len(files)} files")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
