#!/bin/bash
# Outages of regions that last, with a real Kafka; what was acknowledged is audited, each bit. Minutes are of data, which come as quickly as
# they are taken. Prints the minutes of each phase.
# usage: scripts/region_test.sh [minutes [samples a second [brokers]]]   (180 100000 3: about an hour and 20 GB below TMPDIR)
#            a region is away while they are streamed into three brokers; nodes and brokers are killed -9 at random: every sample there
#            once, the newest within 5 s, no more sent twice than was under way, memory flat
#        scripts/region_test.sh kafka-away [minutes [samples a second]]  (60 100000)
#            the brokers are away: no client notices, memory flat, at most 2 B a sample wait; then all is in the topic once, in order
#        scripts/region_test.sh kafka-bound [minutes [samples a second]]  (6 10000)
#            and the log may keep 4 MiB only: what is given up is counted, sample by sample
#        scripts/region_test.sh direct [minutes [samples a second]]      (60 100000)
#            without Kafka: the other region's node is away, and takes over from the log when it is back
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
