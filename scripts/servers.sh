#!/bin/sh
# Make sure that the tests find the servers they need: the system's, or Debian's packages unpacked into .venv/servers.
# Unpacked, not installed: an installed one would be started as a service of the machine.
# Usage: scripts/servers.sh [pgbouncer] [nats-server] [libfaketime]
set -eu
cd "$(dirname "$0")/.."
here="$(pwd)/.venv/servers"

say() { printf '%s\n' "$*" >&2; }
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1; then sudo -n "$@" 2>/dev/null; else return 1; fi
}
libraries() { find "$here/usr/lib" -type d 2>/dev/null | tr '\n' ':'; }
runs() { [ -x "$1" ] && LD_LIBRARY_PATH="$(libraries)" "$1" --version >/dev/null 2>&1; }
found() {
    case $1 in
        lib*) [ -n "$(find /usr/lib "$here" -name "$1.so*" 2>/dev/null | head -n 1)" ] ;;
        *) runs "$(command -v "$1" || true)" || runs "/usr/sbin/$1" || runs "$here/usr/sbin/$1" || runs "$here/usr/bin/$1" ;;
    esac
}
# The libraries that a small machine may not have; what every Debian has is left out.
needed() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$1" |
        grep -E "^($1|libevent-2|libc-ares|libcares|libevent-core|libevent-openssl)" | sort -u
}
fetch() {
    mkdir -p "$here/packages/$1" && cd "$here/packages/$1"
    apt-get download -qq $(needed "$1") >&2 && for package in ./*.deb; do dpkg -x "$package" "$here"; done
}

missing=""
for name in "$@"; do found "$name" || missing="$missing $name"; done
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1; then
    say "test: fetching$missing (once)"
    for name in $missing; do
        apt-cache show "$name" >/dev/null 2>&1 || as_root apt-get update -qq >&2 || true
        (fetch "$name") || true
    done
fi
for name in $missing; do
    found "$name" || { say "test: $name is needed; install it (Debian: apt-get install $name) and run this again"; exit 1; }
done
