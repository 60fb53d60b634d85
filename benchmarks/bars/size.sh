#!/usr/bin/env bash
# Size: the release program and its own shared libraries, as installed. Bar: 15 MB.
set -euo pipefail
build_dir=${ABI_BARS_BUILD_DIR:?set by scripts/bars}
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
meson install -C "$build_dir" --no-rebuild --destdir "$stage" >/dev/null
mapfile -t files < <(find "$stage" -type f \( -path '*/bin/abi' -o -name 'libabi_*.so*' \) | sort)
total=0
for file in "${files[@]}"; do
    bytes=$(stat -c %s "$file")
    total=$((total + bytes))
    printf '%10d bytes  %s\n' "$bytes" "${file##*/}"
done
printf '%10d bytes  program and libraries (bar 15000000)\n' "$total"
[ "$total" -lt 15000000 ]
