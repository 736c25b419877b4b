#!/bin/bash
# Kills a real process under load and cuts its power, many times; every acknowledged sample must be there afterwards, once.
# The audit is a ledger outside of the process. usage: scripts/crash_soak.sh [kills [power cuts]]   (default 100 and 30)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages $test_packages
export CCACHE_SLOPPINESS=pch_defines,time_macros
mkdir -p build
[ -e build/test/build.ninja ] || cmake --preset test >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
ninja -C build/test --quiet troupe
export TROUPE_BINARY=$PWD/build/test/actors/troupe PYTHONDONTWRITEBYTECODE=1
python3 tests/e2e/crash_test.py "${1:-100}"
python3 tests/e2e/power_cut_test.py "${2:-30}"
