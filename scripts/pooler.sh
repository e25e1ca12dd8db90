#!/bin/sh
# Make sure that the pooled test run finds a PgBouncer: the system's, or Debian's packages unpacked into .venv/pooler.
# Unpacked, not installed: an installed one would be started as a service of the machine.
set -eu
cd "$(dirname "$0")/.."
here="$(pwd)/.venv/pooler"

say() { printf '%s\n' "$*" >&2; }
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1; then sudo -n "$@" 2>/dev/null; else return 1; fi
}
runs() { LD_LIBRARY_PATH="$(find "$here/usr/lib" -type d 2>/dev/null | tr '\n' ':')" "$1" --version >/dev/null 2>&1; }
found() { for program in "$(command -v pgbouncer || true)" /usr/sbin/pgbouncer "$here/usr/sbin/pgbouncer"; do
    if [ -x "$program" ] && runs "$program"; then return 0; fi
done; return 1; }
fetch() {
    mkdir -p "$here/packages" && cd "$here/packages"
    needed=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances pgbouncer | grep -E '^(pgbouncer|libevent-2|libc-ares|libevent-core|libevent-openssl)' | sort -u)
    apt-get download -qq $needed >&2 && for package in ./*.deb; do dpkg -x "$package" "$here"; done
}

if found; then exit 0; fi
if command -v apt-get >/dev/null 2>&1; then
    say "test: no PgBouncer here; fetching one (once)"
    apt-cache show pgbouncer >/dev/null 2>&1 || as_root apt-get update -qq >&2 || true
    (fetch) || true
fi
if found; then exit 0; fi
say "test: the pooled run needs PgBouncer; install it (Debian: apt-get install pgbouncer) and run make test-pooled again"
exit 1
