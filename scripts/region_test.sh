#!/bin/bash
# A region that is away while hours of data are streamed into a real Kafka of three brokers; nodes and brokers are killed -9 at random.
# Afterwards the region has every acknowledged sample once, and had the newest one within 5 s.
# usage: scripts/region_test.sh [minutes [samples a second [brokers]]]   (180 100000 3: about an hour and 20 GB below TMPDIR)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages $test_packages $kafka_packages
export CCACHE_SLOPPINESS=pch_defines,time_macros
mkdir -p build
cmake --preset bench >build/configure-bench.log 2>&1 || { cat build/configure-bench.log; exit 1; }
ninja -C build/bench --quiet troupe
TROUPE_BINARY=$PWD/build/bench/actors/troupe PYTHONDONTWRITEBYTECODE=1 exec python3 tests/e2e/region_test.py "$@"
