#!/bin/bash
# Builds with sanitizers and runs the tests under them. usage: scripts/sanitize.sh asan|tsan [ctest arguments]
# CAF's Debian library is not instrumented: tests that use CAF are left out under tsan (all its reports there are false).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
kind=${1:?asan or tsan}
shift
# shellcheck disable=SC2086
install_missing $build_packages $test_packages
cmake --preset "$kind" >/dev/null
ninja -C "build/$kind" --quiet
exclude=()
[ "$kind" = tsan ] && exclude=(-E '^(actors|e2e)_')
ctest --test-dir "build/$kind" --output-on-failure -j "$(nproc)" "${exclude[@]}" "$@"
