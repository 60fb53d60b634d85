#!/usr/bin/env bash
# Build time: a full release build from nothing, without tests, compiler cache off, two jobs.
# Bar: 6 minutes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build_dir=$(mktemp -d)
trap 'rm -rf "$build_dir"' EXIT
export CCACHE_DISABLE=1
SECONDS=0
meson setup "$build_dir" "$root" --buildtype=release -Dtests=false >/dev/null
ninja -C "$build_dir" -j 2 --quiet
printf 'configure and build: %d s (bar 360 s)\n' "$SECONDS"
[ "$SECONDS" -lt 360 ]
