#!/bin/bash
# Installs what is missing, builds everything once (-O2, fault twins as switches), runs all tests. The one command behind
# .ci/run. usage: scripts/test.sh [ctest arguments, e.g. -R storage]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

declare -a part_names part_seconds
part() { # part NAME COMMAND…: runs it, remembers how long it took, gives its exit code
  local name=$1 begin=$SECONDS rc=0
  shift
  "$@" || rc=$?
  part_names+=("$name")
  part_seconds+=($((SECONDS - begin)))
  return $rc
}

configure_and_build() {
  export CCACHE_SLOPPINESS=pch_defines,time_macros
  cmake --preset test -DTROUPE_WERROR=ON >build/configure.log 2>&1 || { cat build/configure.log; return 1; }
  ninja -C build/test --quiet 2>&1 | tail -n 200
  return "${PIPESTATUS[0]}"
}

run_tests() {
  local log=build/test/ctest.log rc=0
  TROUPE_PEERS=$(scripts/peers.sh --path 2>/dev/null || true) \
    ctest --test-dir build/test --output-on-failure -j "$(nproc)" "$@" >"$log" 2>&1 || rc=$?
  if [ $rc -ne 0 ]; then
    cat "$log"
  else
    grep -E '(Test +#|tests passed|Total Test time|Skipped|Not Run)' "$log" || cat "$log"
  fi
  return $rc
}

mkdir -p build
# shellcheck disable=SC2086
part install install_missing $build_packages $test_packages
part peers bash -c 'scripts/peers.sh --path >/dev/null 2>&1 || echo "peers: not available, tests against them are skipped"'
part kafka bash -c 'scripts/kafka.sh install >/dev/null 2>&1 || echo "kafka: not available, tests against it are skipped"'
part build configure_and_build
rc=0
part tests run_tests "$@" || rc=$?
for i in "${!part_names[@]}"; do
  printf '%-10s %5.1f min\n' "${part_names[$i]}" "$(awk "BEGIN {print ${part_seconds[$i]} / 60}")"
done
# The runner's own closing line comes last.
grep -E '^[0-9]+% tests passed' build/test/ctest.log || true
exit $rc
