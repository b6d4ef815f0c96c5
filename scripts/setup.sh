#!/bin/sh
# Makes .venv from requirements.lock, with the project in place. Run again, it does nothing.
# PYTHON=... chooses which Python; SYSTEM=no leaves the system's packages alone.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
stop() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# A name may stand for nothing that runs (the shims of version managers do), so each is tried.
python=
for name in "${PYTHON:-python3.11}" python3.11 python3.12 python3.13 python3 python; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
        python=$name
        break
    fi
done
[ -n "$python" ] || stop 'Python 3.11, 3.12 or 3.13 is needed: apt install python3 python3-venv, or brew install python@3.13'

# What .venv was made of, and where: it does not survive being moved.
made_of=$(cat requirements.lock pyproject.toml | cksum; pwd)
if [ -x .venv/bin/comity ] && [ "$(cat .venv/made-of 2>/dev/null)" = "$made_of" ]; then
    exit 0
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || [ "$(tail -n 1 .venv/made-of 2>/dev/null || true)" != "$(pwd)" ]; then
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        stop "$python has no venv module: apt install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
rm -f .venv/made-of
say 'installing what requirements.lock names; a minute or two'
# Half of what is installed is never imported: the rest is compiled when it is.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .

# Nice to have: PDF wants pango, the browser tests want Chromium. Neither keeps anything else from working.
pdf() { .venv/bin/python -W ignore -c 'import weasyprint' >/dev/null 2>&1; }
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null

root=
may_install() { # whether the system's packages can be added without asking anyone for a password
    [ "${SYSTEM:-yes}" != no ] || return 1
    if ! command -v apt-get; then
        command -v brew
    elif [ "$(id -u)" = 0 ]; then
        root=env
    elif sudo -n true; then
        root='sudo -n env'
    else
        return 1
    fi
} >/dev/null 2>&1
install() { # what apt calls it, what brew calls it
    if [ -n "$root" ]; then
        [ -n "${updated:-}" ] || $root apt-get -qq -o Acquire::Retries=0 -o Acquire::http::Timeout=20 update
        updated=yes
        # shellcheck disable=SC2086 # a list of packages
        $root DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::http::Timeout=20 --no-install-recommends install $1
    else
        brew install --quiet "$2"
    fi
} >/dev/null 2>&1

if ! pdf && may_install; then
    say 'installing pango, for PDF'
    install 'libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core' pango || true
fi
pdf || say 'no pango here, so no review as PDF; all else works (comity doctor says what to install)'

if ! browser && may_install; then
    say 'installing Chromium, for the browser tests'
    install chromium chromium || true
fi
browser || say 'no Chromium here, so no browser tests; all else works'

printf '%s\n' "$made_of" >.venv/made-of
# A room is not served as root, and its account reads neither a home of root's nor a Python that lies in one.
closed() {
    .venv/bin/python - <<'CHECK'
import os, pathlib, sys
for path in (pathlib.Path.cwd(), pathlib.Path(os.path.realpath(sys.executable))):
    for folder in (path, *path.parents):
        if not folder.stat().st_mode & 1:
            sys.exit(print(folder))
CHECK
}
if [ "$(id -u)" = 0 ] && shut=$(closed) && [ -n "$shut" ]; then
    say "only root can read $shut: an account of its own cannot serve a room from here"
    say 'for that, copy this folder to /opt/comity and run there: PYTHON=/usr/bin/python3 make setup'
fi
say 'ready: .venv/bin/comity'
