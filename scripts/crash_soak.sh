#!/bin/bash
# Kills a real process under load and cuts its power, many times; every acknowledged sample must be there afterwards, once.
# The audit is a ledger outside of the process. Then rules: a node that is killed every half minute records what its twin does.
# usage: scripts/crash_soak.sh [kills [power cuts [seconds of rules]]]   (default 100, 30 and 600)
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
python3 tests/e2e/rules_test.py twins "${3:-600}" 200
