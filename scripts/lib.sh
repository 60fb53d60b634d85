# shellcheck shell=bash
# Shared parts of the scripts: messages, package installation, configuring a build folder and
# counting test results. Sourced by demo, test, fuzz, bars and .ci/run; it has no effect by itself.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What a build needs on Debian 12 and Ubuntu 24.04. A package that the system does not offer is
# fetched by Meson from its pinned upstream commit (subprojects/*.wrap).
# shellcheck disable=SC2034  # used by the scripts that source this file
build_packages=(g++ meson ninja-build pkg-config ccache python3
    libcli11-dev libfmt-dev libspdlog-dev nlohmann-json3-dev libtomlplusplus-dev libhwy-dev
    libsimdjson-dev libutf8proc-dev zlib1g-dev libeigen3-dev)
# shellcheck disable=SC2034
test_packages=(doctest-dev python3-numpy)

say() { printf '== %s\n' "$*"; }
fail() {
    printf '%s: error: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

# Prints the words to put before a command that needs root; fails when there is no way to get it.
# A password is asked for only where a person sits at a terminal.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        echo env
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        echo sudo -n
    elif command -v sudo >/dev/null && [ -t 0 ]; then
        echo sudo
    else
        return 1
    fi
}

# install_packages NAME...: installs those that are missing and says so; silent when none is.
install_packages() {
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        say "no apt-get here: building with the tools and packages that are installed"
        return 0
    fi
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local become
    become=$(as_root) || fail "packages are missing and this user may not install them; run as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    # Word splitting of $become is wanted: it holds a command and its options.
    # shellcheck disable=SC2086
    $become env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 update ||
        say "the package lists could not be refreshed; going on with those at hand"
    local offered=()
    for package in "${missing[@]}"; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            offered+=("$package")
        else
            say "this system does not offer $package; its pinned upstream version is built instead"
        fi
    done
    [ ${#offered[@]} -gt 0 ] || return 0
    # shellcheck disable=SC2086
    $become env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Use-Pty=0 --no-install-recommends install "${offered[@]}" >/dev/null
}

# configure DIR OPTION...: makes or refreshes a build folder; Meson's words are shown on failure only.
configure() {
    local dir=$1 mode=()
    shift
    [ ! -f "$dir/build.ninja" ] || mode=(--reconfigure)
    mkdir -p "$dir"
    local log=$dir/configure.log
    say "configuring ${dir#"$root"/} ($*)"
    if ! meson setup "${mode[@]}" "$dir" "$root" "$@" >"$log" 2>&1; then
        # A folder left behind by another version of Meson can only be made anew.
        if [ ${#mode[@]} -eq 0 ] || ! meson setup --wipe "$dir" "$root" "$@" >"$log" 2>&1; then
            tail -n 40 "$log" >&2
            fail "meson could not configure '$dir'"
        fi
    fi
}

# count_results LOG: adds up one of Meson's logs (a JSON object a line) into three numbers,
# 'passed failed skipped'. A test that timed out or crashed has failed.
count_results() {
    python3 - "$1" <<'PY'
import json, sys
counts = {"OK": 0, "EXPECTEDFAIL": 0, "SKIP": 0}
failed = 0
for line in open(sys.argv[1], encoding="utf-8"):
    if line.strip():
        result = json.loads(line)["result"]
        if result in counts:
            counts[result] += 1
        else:
            failed += 1
print(counts["OK"] + counts["EXPECTEDFAIL"], failed, counts["SKIP"])
PY
}

# print_counts PASSED FAILED SKIPPED: the line that people and CI look for.
print_counts() { printf '%d passed, %d failed, %d skipped\n' "$1" "$2" "$3"; }
