#!/bin/sh
# Make .venv in the checkout and install what the lock files name.
# Usage: scripts/bootstrap.sh run|dev     Needs only a python3 (3.11 or newer) on PATH.
set -eu
cd "$(dirname "$0")/.."
wanted=${1:-run}
lock=requirements/$wanted.txt
stamp=.venv/.optria-$wanted

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }
suits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        path=$(command -v "$name" 2>/dev/null) || continue
        if suits "$path"; then printf '%s' "$path"; return; fi
    done
    fail "no Python 3.11 to 3.14 was found; install one (Debian: apt-get install python3) or name it: make PYTHON=/path/to/python3"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1; then sudo -n "$@"; else return 1; fi
}

# Debian and Ubuntu ship python3 without the module that makes environments.
install_venv() {
    version=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    say "setup: this Python cannot make environments; installing $version"
    command -v apt-get >/dev/null 2>&1 && as_root apt-get update -qq >&2 &&
        { as_root apt-get install -y -qq "$version" >&2 || as_root apt-get install -y -qq python3-venv >&2; } ||
        fail "this Python has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv) and run make again"
}

make_environment() {
    python=$(find_python) || exit 1
    "$python" -c 'import venv, ensurepip' 2>/dev/null || install_venv "$python"
    say "setup: making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv || fail "could not make .venv in $PWD; is the folder writable, is the disk full?"
}

[ -f "$lock" ] || fail "there is no $lock"
[ -w . ] || [ -d .venv ] || fail "$PWD is not writable for $(id -un); clone into a folder of your own or run as its owner"
if [ -x .venv/bin/python ] && ! suits .venv/bin/python; then
    say "setup: .venv no longer works, making it anew"
    rm -rf .venv || fail ".venv belongs to somebody else; remove it and run make again"
fi
[ -x .venv/bin/python ] || make_environment

stamp_of() { cat "requirements/$1.txt" pyproject.toml | cksum; pwd; }
if [ -x .venv/bin/optria ] && [ -f "$stamp" ] && [ "$(stamp_of "$wanted")" = "$(cat "$stamp")" ]; then exit 0; fi
[ -w .venv ] || fail ".venv is not writable for $(id -un); remove it and run make again"

# A home that cannot be written only costs the download cache.
[ -w "${HOME:-/}" ] || export PIP_NO_CACHE_DIR=1
pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input "$@" --quiet; }

say "setup: installing $lock (once; a few minutes on a slow line)"
pip install --require-hashes -r "$lock" ||
    fail "the packages could not be installed; is the package index reachable (proxy: PIP_PROXY, mirror: PIP_INDEX_URL)?"
pip install --no-deps --no-build-isolation --editable . || fail "the program could not be installed into .venv"
stamp_of "$wanted" > "$stamp"
# The developer's lock holds everything of the runner's.
if [ "$wanted" = dev ]; then stamp_of run > .venv/.optria-run; fi
say "setup: done"
