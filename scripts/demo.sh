#!/bin/sh
# A partnership that never was, in a room of its own, served until Ctrl+C. PORT=... chooses where; `rm -rf demo` begins anew.
set -eu
cd "$(dirname "$0")/.."
comity=.venv/bin/comity

if [ ! -f demo/book/book.toml ]; then
    rm -rf demo
    mkdir demo
    echo 'demo: two years of records, half a minute'
    # Up to the last month, whatever today is; the day before the first of this month lies in it.
    last=$(.venv/bin/python -c 'import datetime as d; print((d.date.today().replace(day=1) - d.timedelta(1)).strftime("%Y-%m"))')
    $comity simulate demo/book.new --ends "$last" >/dev/null
    mv demo/book.new demo/book
fi
exec $comity serve --data demo/room --demo demo/book --port "${PORT:-8000}"
