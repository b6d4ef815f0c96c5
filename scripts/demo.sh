#!/bin/sh
# A partnership that never was, and its review in three forms. Made anew each time.
set -eu
cd "$(dirname "$0")/.."
comity=.venv/bin/comity

rm -rf demo # it holds nothing that this does not write
$comity simulate demo
$comity review demo --format html --output demo/review.html
$comity review demo --format xlsx --output demo/review.xlsx
pdf=demo/review.pdf
$comity review demo --format pdf --output "$pdf" || pdf='(no PDF: see .venv/bin/comity doctor)'

printf '\nThe book        demo/book.toml and the tables beside it\nThe review      demo/review.html  %s  demo/review.xlsx\n' "$pdf"
printf 'In a terminal   .venv/bin/comity review demo\n'
