#!/usr/bin/env bash
# Starts the stand-in for BigQuery, where none runs yet, and prints its address: `start.sh FOLDER`. What it needs of Python is
# put into FOLDER first. Ends with 3, and a word about why, where that cannot be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# Where there is no flock (macOS), two that start at the same moment may both install.
exec 9> "$folder/lock"
if command -v flock >/dev/null; then flock 9; fi

say() { printf 'BigQuery stand-in: %s\n' "$*" >&2; }
address() { cat "$folder/address" 2>/dev/null; }
is_up() { curl -sf --noproxy "*" -m 5 -o /dev/null "$(address)/standin"; }

# One that runs serves all, unless its sources have changed since.
if [ -s "$folder/address" ] && is_up; then
  if [ -z "$(find "$here" -name '*.py' -newer "$folder/address")" ]; then address; exit 0; fi
  curl -sf --noproxy "*" -X POST -o /dev/null "$(address)/standin/stop" || true
fi

python=${PYTHON:-python3}
if ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  say 'Python 3.10 or later with its venv is missing (Debian: apt-get install python3-venv)'
  exit 3
fi
wanted=$(cat "$here/requirements.txt"; "$python" --version)
if [ "$(cat "$folder/installed" 2>/dev/null)" != "$wanted" ]; then
  say 'installing the emulator, once'
  rm -rf "$folder/venv" "$folder/googlesql.cwasm"
  if ! { "$python" -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"; } >&2; then
    say 'the packages of tests/bigquery/standin/requirements.txt cannot be had'
    exit 3
  fi
  "$folder/venv/bin/python" "$here/googlesql.py" "$folder/googlesql.cwasm" >&2
  printf '%s' "$wanted" > "$folder/installed"
fi

mkdir -p "$folder/home"
rm -f "$folder/address"
HOME="$folder/home" "$folder/venv/bin/python" "$here/main.py" "$folder" > "$folder/log" 2>&1 < /dev/null 9>&- &
for _ in $(seq 600); do
  if [ -s "$folder/address" ]; then address; exit 0; fi
  kill -0 $! 2>/dev/null || break
  sleep 0.1
done
say "the server did not start:"
tail -20 "$folder/log" >&2
exit 1
