#!/bin/bash
# Figures of this machine: kernels by Google Benchmark, then the quick form of scripts/bench_peers.sh.
# usage: scripts/bench.sh [bench_peers.sh's arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages $test_packages
export CCACHE_SLOPPINESS=pch_defines,time_macros
mkdir -p build
cmake --preset bench >build/configure-bench.log 2>&1 || { cat build/configure-bench.log; exit 1; }
ninja -C build/bench --quiet troupe tests/bench/all
grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'
echo "$(nproc) cores, $(g++ --version | head -n 1), troupe $(git rev-parse --short HEAD 2>/dev/null || echo '')"
for b in build/bench/tests/bench/*/*_bench; do
  printf '\n%s\n' "$(basename "$b")"
  "$b" --benchmark_color=false 2>/dev/null | grep -vE '^(Run on|CPU Caches|Load Average|  L|---|[0-9]{4}-)'
done
echo
exec scripts/bench_peers.sh --quick "$@"
