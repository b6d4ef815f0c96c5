#!/bin/sh
# A partnership that never was, in a room of its own, served until Ctrl+C. PORT=... chooses where; `rm -rf demo` begins anew.
set -eu
cd "$(dirname "$0")/.."
comity=.venv/bin/comity

if [ ! -f demo/book/book.toml ]; then
    rm -rf demo
    mkdir demo
    echo 'demo: two years of records, half a minute'
    # Whatever today is: records up to the month before last, and last month as files that each side imports.
    $comity simulate demo/book.new --next-month >/dev/null
    mv demo/book.new demo/book
fi
exec $comity serve --data demo/room --demo demo/book --port "${PORT:-8000}"
