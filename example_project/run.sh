#!/usr/bin/env bash
# Builds trueup and shows it at work: runs an example on DuckDB, lets new data arrive, runs again, tests the result.
#
#   example_project/run.sh [streamify|wikipedia] [--release]
#
# The example is copied to target/example/ first, so the one in git stays as it is. The first build takes some minutes
# of compiling; `--release` makes a faster binary and takes longer.
set -euo pipefail

fail() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

root=$(cd "$(dirname "$0")/.." && pwd)
example=streamify
profile=debug
for argument in "$@"; do
  case "$argument" in
    streamify | wikipedia) example=$argument ;;
    --release) profile=release ;;
    *) fail "unknown argument '$argument': type run.sh [streamify|wikipedia] [--release]" ;;
  esac
done

command -v cargo >/dev/null || fail "cargo is missing: install Rust, see https://rustup.rs"
command -v cc >/dev/null || fail "a C compiler is missing: install gcc or clang (Debian: apt install gcc; macOS: xcode-select --install)"
"$root/.cargo/duckdb.sh" # Says by itself what it lacks.

cd "$root"
build=(cargo build --bin trueup --example generate)
if [ "$profile" = release ]; then build+=(--release); fi
"${build[@]}" || fail "the build failed, see above"
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
trueup=$target/$profile/trueup
generate=$target/$profile/examples/generate

# The loads in git are the first ones of a stream; these are the next.
case "$example" in
  streamify)
    arriving=6..8
    results=(daily_activity top_artists)
    ;;
  wikipedia)
    arriving=3..5
    results=(leaderboard accuracy)
    ;;
esac

project=$target/example/$example
rm -rf "$project"
mkdir -p "$project"
cp -R "$root/example_project/$example/." "$project"
rm -rf "$project/.trueup"
cd "$project"

title() { printf '\n\033[1m%s\033[0m\n' "$*"; }
type_in() { # Shows a command as one would type it in the project's folder, and runs it.
  printf '$ trueup %s\n' "$*"
  "$trueup" "$@"
}
show_results() {
  local model
  for model in "${results[@]}"; do type_in show "$model"; done
}
if [ ! -t 1 ]; then title() { printf '\n%s\n' "$*"; }; fi

title "1. The first run makes every table out of what lies in the lake"
type_in run

title "2. So this is what we know"
show_results

title "3. New data arrives, as data does: late, twice, and out of order"
"$generate" "$example" --out lake --batches "$arriving"

title "4. The second run reads the new files, and makes again only what they touch"
type_in run

title "5. Now we know this"
show_results

title "6. And it is right: the unit tests, and the assertions on the data"
type_in test

title "Go on from here"
cat <<END
The project lies in $project
Go there, change a model, let more data arrive, and try:
  export PATH="$target/$profile:\$PATH"
  cd $project
  trueup run --full-refresh
  trueup test
What it is about stands in example_project/$example/README.md
END
