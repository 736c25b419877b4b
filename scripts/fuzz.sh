#!/bin/bash
# Fuzzes every decoder and parser with libFuzzer (clang 16, address and undefined-behaviour sanitizers) from the corpus
# that the tests replay. usage: scripts/fuzz.sh [seconds each [target…]]   (default 60 s, all targets)
# As many at a time as there are cores. What is found lies in build/fuzz/found/; inputs worth keeping go to tests/fuzz/corpus/<target>.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages $test_packages $fuzz_packages
export CCACHE_SLOPPINESS=pch_defines,time_macros
seconds=${1:-60}
shift || true
mkdir -p build/fuzz/found
cmake --preset fuzz >build/configure-fuzz.log 2>&1 || { cat build/configure-fuzz.log; exit 1; }
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd tests/fuzz && ls ./*_fuzz.cc | sed 's|^\./||; s|\.cc$||')
ninja -C build/fuzz --quiet "${targets[@]}"
export seconds
fuzz_one() {
  local t=$1 binary
  binary=$(find build/fuzz/tests -name "$t" -type f -perm -u+x | head -n 1)
  mkdir -p "build/fuzz/corpus/$t"
  if "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/found/$t-" \
    "build/fuzz/corpus/$t" "tests/fuzz/corpus/$t" >"build/fuzz/$t.log" 2>&1; then
    printf '%-28s %s\n' "$t" "$(grep -Eo '^Done .*' "build/fuzz/$t.log" | tail -n 1)"
  else
    printf '%-28s FAILED, see build/fuzz/%s.log\n' "$t" "$t"
    return 1
  fi
}
export -f fuzz_one
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz_one {}'
