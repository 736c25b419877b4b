#!/bin/bash
# Figures of this machine: the kernels of each area, then the quick form of scripts/bench_peers.sh.
# usage: scripts/bench.sh [storage|scrape|http|remote|query|rules|topics|budgets|peers]...
# default: all but budgets, which the storage area ends with: the kernels of all areas, each beside its budget
set -euo pipefail
cd "$(dirname "$0")/.."
areas=${*:-storage scrape http remote query rules topics peers}
for area in $areas; do
  [[ $area == peers || $area == budgets || -d tests/bench/$area ]] || { echo "bench.sh: no area '$area'" >&2; exit 2; }
done
. scripts/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages $test_packages
export CCACHE_SLOPPINESS=pch_defines,time_macros
mkdir -p build
cmake --preset bench >build/configure-bench.log 2>&1 || { cat build/configure-bench.log; exit 1; }
ninja -C build/bench --quiet troupe tests/bench/all
echo "$(grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) cores," \
  "$(g++ --version | head -n 1), troupe $(git rev-parse --short HEAD 2>/dev/null || echo '')"

kernels() {
  local b
  for b in build/bench/tests/bench/"$1"/*_bench; do
    printf '\n%s\n' "$(basename "$b")"
    case $b in
      */http_bench) "$b" 3000 3000 6 ;;
      */memory_bench) "$b" 52300 mixed ;;
      */series_memory_bench) "$b" ;;
      *) "$b" --benchmark_color=false 2>/dev/null | grep -vE '^(Run on|CPU Caches|Load Average|  L|---|[0-9]{4}-)' ;;
    esac
  done
}

budgets() {
  echo
  python3 tests/bench/kernels_bench.py build/bench/tests/bench
}

for area in $areas; do
  case $area in
    peers) echo && scripts/bench_peers.sh --quick ;;
    budgets) budgets ;;
    *) kernels "$area" ;;
  esac
  [[ $area != storage ]] || budgets
done
