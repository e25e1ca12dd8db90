#!/bin/sh
# Make sure that the browser tests find a Chromium: the system's, or the distribution's, or Playwright's own.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
system_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
playwright_browser() {
    .venv/bin/python -c '
from pathlib import Path
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    raise SystemExit(not Path(playwright.chromium.executable_path).exists())' 2>/dev/null
}
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null 2>&1; then sudo -n "$@" 2>/dev/null; else return 1; fi
}

if system_browser >/dev/null || playwright_browser; then exit 0; fi
say "test: no Chromium here; fetching one (once)"
if command -v apt-get >/dev/null 2>&1 && apt-cache show chromium >/dev/null 2>&1 || as_root apt-get update -qq >&2; then
    as_root apt-get install -y -qq chromium >&2 || true
fi
if system_browser >/dev/null; then exit 0; fi
.venv/bin/python -m playwright install --with-deps chromium >&2 2>&1 || .venv/bin/python -m playwright install chromium >&2 || true
if playwright_browser; then exit 0; fi
say "test: the browser tests need Chromium; install it (Debian: apt-get install chromium) and run make test again"
exit 1
