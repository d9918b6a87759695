#!/bin/sh
# Runs beckon-audio ($1) as a user would.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

expect() { # what, wanted, got
  [ "$2" = "$3" ] || { echo "$1: wanted $2, got $3" >&2; exit 1; }
}

"$1" speech "$folder/a.wav" --seconds 3 --seed 4
expect "size of 3 s" 288044 "$(stat -c %s "$folder/a.wav")"

printf '{"sample_rate":48000,"frame_samples":960,"lost":[1],"concealed":[2,3]}' > "$folder/a.json"
out=$("$1" compare "$folder/a.wav" "$folder/a.wav" --skip "$folder/a.json" --max-lag 0.5)
case $out in
  '{"windows":3,"median":'*'"masked_frames":3,"masked_windows":0,"silent_windows":0}') ;;
  *) echo "unexpected: $out" >&2; exit 1 ;;
esac

code=0; "$1" compare "$folder/none.wav" "$folder/a.wav" 2> "$folder/said" || code=$?
expect "exit code for a missing file" 5 "$code"
grep -q 'none.wav: file cannot be opened' "$folder/said"
code=0; "$1" speech 2> "$folder/said" || code=$?
expect "exit code for wrong usage" 2 "$code"
