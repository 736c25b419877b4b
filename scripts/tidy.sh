#!/bin/bash
# clang-tidy 14 on the C++ files that differ from a base. usage: scripts/tidy.sh [BASE]   (default: HEAD~1)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
# shellcheck disable=SC2086
install_missing $build_packages $check_packages
base=${1:-HEAD~1}
[ -e build/tidy/compile_commands.json ] || cmake -S . -B build/tidy -G Ninja -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- '*.cc'; git ls-files -o --exclude-standard '*.cc')
[ ${#files[@]} -eq 0 ] || clang-tidy-14 --quiet -p build/tidy "${files[@]}"
