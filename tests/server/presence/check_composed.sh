#!/bin/sh
# Usage: check_composed.sh COMPOSE_DOCUMENTS XMLLINT XSD_FOLDER WORK_FOLDER DOCUMENT...
# What is composed of valid documents is valid.
set -eu
compose=$1 xmllint=$2 xsd=$3 work=$4
shift 4

rm -rf "$work"
mkdir -p "$work/valid" "$work/composed"
for document in "$@"; do
  grep -q '<presence[ >]\|:presence[ >]' "$document" || continue
  if "$xmllint" --nonet --noout --schema "$xsd/all.xsd" "$document" 2>/dev/null; then
    cp "$document" "$work/valid"
  fi
done
# The check is of something.
[ "$(ls "$work/valid" | wc -l)" -ge 10 ]
"$compose" "$work/composed" "$work"/valid/*
"$xmllint" --nonet --noout --schema "$xsd/all.xsd" "$work"/composed/*.xml 2>"$work/report" ||
  { grep -v ' validates$' "$work/report" >&2; exit 1; }

# It can fail: an id twice is refused.
sed 's/<tuple id="[^"]*"/<tuple id="same"/g; s/<\/tuple>/<\/tuple><tuple id="same"><status\/><\/tuple>/' \
  "$work/composed/composed1.xml" >"$work/twins.broken"
if "$xmllint" --nonet --noout --schema "$xsd/all.xsd" "$work/twins.broken" 2>/dev/null; then
  echo "the schema took an id twice" >&2
  exit 1
fi
