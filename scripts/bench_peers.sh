#!/bin/bash
# The budget table: the same load for troupe, Prometheus and VictoriaMetrics on this machine, in turn, with `troupe bench`.
# usage: scripts/bench_peers.sh [--quick] [--rounds N] [--servers A,B] [--json FILE] [axis…]
# axes: scrape small write write2 otlp send new memory disk profiles restart query rules ack (all by default); --quick takes smaller
# sizes and about six minutes; the whole takes more than two hours and 10 GB below TMPDIR.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages python3
export CCACHE_SLOPPINESS=pch_defines,time_macros
mkdir -p build
cmake --preset bench >build/configure-bench.log 2>&1 || { cat build/configure-bench.log; exit 1; }
ninja -C build/bench --quiet troupe
grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'
echo "$(nproc) cores, $(g++ --version | head -n 1), troupe $(git rev-parse --short HEAD 2>/dev/null || echo '')"
scripts/peers.sh | grep -E '^(prometheus|victoria-metrics) '
echo
TROUPE_BINARY=$PWD/build/bench/actors/troupe TROUPE_PEERS=$(scripts/peers.sh --path) PYTHONDONTWRITEBYTECODE=1 \
  exec python3 tests/bench/peers_bench.py "$@"
