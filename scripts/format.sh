#!/bin/bash
# clang-format 14 on all C++ files. usage: scripts/format.sh [--check]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
install_missing clang-format-14
mapfile -t files < <(git ls-files -co --exclude-standard '*.cc' '*.h')
if [ "${1:-}" = --check ]; then
  clang-format-14 --dry-run -Werror "${files[@]}"
else
  clang-format-14 -i "${files[@]}"
fi
