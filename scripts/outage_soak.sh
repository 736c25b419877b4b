#!/bin/bash
# Remote write over a long outage: the receiver is stopped while half an hour of data at 100,000 samples a second arrives (as
# quickly as it is taken), the sender is killed -9 once meanwhile and twice while it catches up. Afterwards every sample is there,
# once; no more were sent twice than were under way; the newest was there within 5 s; the sender's memory did not grow with it.
# usage: scripts/outage_soak.sh [minutes [samples a second]]     takes about 20 minutes and 5 GB below TMPDIR
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages $test_packages
export CCACHE_SLOPPINESS=pch_defines,time_macros
mkdir -p build
cmake --preset bench >build/configure-bench.log 2>&1 || { cat build/configure-bench.log; exit 1; }
ninja -C build/bench --quiet troupe
TROUPE_BINARY=$PWD/build/bench/actors/troupe PYTHONDONTWRITEBYTECODE=1 exec python3 tests/e2e/remote_write_send_test.py full "$@"
