# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2016
# What samples/quickstart.sh and tests/run.sh share: installing what is missing and building. To be sourced; needs nothing but a bare Debian 12.
# Packages are installed as root (directly, or by sudo); everything else is done as the user who called sudo, so that no build file belongs to root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

build_packages=(g++ meson ninja-build pkg-config libsystemd-dev libinih-dev libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev
    libre2-dev libexpected-dev doctest-dev)

# say TEXT: what is being done, with the seconds since the start.
say() { printf '== %4d s  %s\n' "$SECONDS" "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# The user who called sudo, if he can read this tree; else the one we are.
as_builder() {
    if [ "$(id -u)" = 0 ] && [ "${SUDO_UID:-0}" != 0 ] && sudo -H -u "#$SUDO_UID" test -r "$root/meson.build"; then
        sudo -H -u "#$SUDO_UID" -- "$@"
    else
        "$@"
    fi
}

is_installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        -o Acquire::Retries=3 "$@" </dev/null
}

# A package must not start its daemon here (cron and rsyslog are wanted as programs only). Debian asks this file; one that is there already is
# left alone, one that a killed run of ours left behind is taken over.
policy=/usr/sbin/policy-rc.d policy_mark='# for the installation by Banken only'
forbid_daemons() {
    if [ ! -e "$policy" ]; then
        as_root sh -c 'printf "#!/bin/sh\n%s\nexit 101\n" "$2" >"$1" && chmod 755 "$1"' sh "$policy" "$policy_mark"
    fi
}
allow_daemons() {
    if grep -qsxF "$policy_mark" "$policy"; then as_root rm -f "$policy"; fi
}

# install_all PACKAGE...: all in one go, else one by one to know which of them fails.
install_all() {
    local package refused=()
    if ! apt-cache show --no-all-versions "$@" >/dev/null 2>&1; then
        say "apt-get update"
        apt_get update || say "apt-get update failed; trying with the package lists that are there"
    fi
    if apt_get install --no-install-recommends "$@"; then return; fi
    say "that failed: refreshing the package lists and trying the packages one by one"
    apt_get update || true
    for package; do
        apt_get install --no-install-recommends "$package" || refused+=("$package")
    done
    if [ "${#refused[@]}" -gt 0 ]; then die "could not install: ${refused[*]}"; fi
}

# install_missing PACKAGE...
install_missing() {
    local package missing=()
    command -v dpkg-query >/dev/null || die "this script installs Debian packages, and dpkg-query is not here"
    for package; do is_installed "$package" || missing+=("$package"); done
    if [ "${#missing[@]}" = 0 ]; then
        say "all $# packages are installed"
        return
    fi
    say "installing ${missing[*]}"
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then die "installing needs root, or sudo; missing: ${missing[*]}"; fi
    (
        trap allow_daemons EXIT
        forbid_daemons
        install_all "${missing[@]}"
    ) || exit 1
}

can_build_in() {
    as_builder sh -c 'mkdir -p "$1" 2>/dev/null && for d in "$1" "$1"/*/; do [ ! -e "$d" ] || [ -w "$d" ] || exit 1; done' sh "$1"
}

# Sets build_root: $BUILD_DIR; else build/ in the tree; else, where that cannot be written, a new directory that build_is_temporary marks.
choose_build_root() {
    build_is_temporary=
    if [ -n "${BUILD_DIR:-}" ]; then
        can_build_in "$BUILD_DIR" || die "BUILD_DIR $BUILD_DIR cannot be written"
        build_root=$(cd "$BUILD_DIR" && pwd -P)
    elif can_build_in "$root/build"; then
        build_root=$root/build
    else
        build_root=$(as_builder mktemp -d "${TMPDIR:-/tmp}/banken-build.XXXXXX") || die "no directory to build in"
        build_is_temporary=yes
        say "$root/build cannot be written; building in $build_root"
    fi
}

# configure DIR [MESON OPTION]...: prepares DIR, anew if it was made for another tree.
configure() {
    local dir=$1
    shift
    if grep -qsF "\"source\": \"$root\"" "$dir/meson-info/meson-info.json"; then return; fi
    if [ -e "$dir/meson-private" ]; then as_builder rm -rf "$dir"; fi
    as_builder meson setup "$@" "$dir" "$root"
}

# compile DIR [TARGET]...: everything without TARGET.
compile() {
    local dir=$1
    shift
    as_builder ninja -C "$dir" -j "$(nproc)" "$@"
}
