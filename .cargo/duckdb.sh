#!/usr/bin/env bash
# Puts the DuckDB library that trueup links to into `.duckdb/` of the project. Does nothing where it is there already.
#
# In this order: a library named by DUCKDB_LIBRARY; the one in DuckDB's own npm package, checked against a pinned
# hash; the download of DuckDB's release. Where none can be had it says what else to type, and ends with 1.
set -euo pipefail
version=1.5.6
package_version=1.5.6-r.1
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/.duckdb

case "$(uname -s)" in
  Darwin) library=libduckdb.dylib ;;
  *) library=libduckdb.so ;;
esac
if [ -f "$folder/$library" ] && [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ]; then exit 0; fi

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 release=linux-amd64 ;;
  Linux-aarch64) platform=linux-arm64 release=linux-arm64 ;;
  Darwin-arm64) platform=darwin-arm64 release=osx-universal ;;
  Darwin-x86_64) platform=darwin-x64 release=osx-universal ;;
  *) platform='' release='' ;;
esac
# sha256 of the library in the npm package. A platform without a line here takes DuckDB's own release.
case "$platform" in
  linux-x64) pinned=3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633 ;;
  *) pinned='' ;;
esac

say() { printf 'duckdb.sh: %s\n' "$*" >&2; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

keep() { # a library file: moved into place in one step, so that two builds at once do not see half of it
  mkdir -p "$folder"
  cp "$1" "$folder/$library.$$"
  mv "$folder/$library.$$" "$folder/$library"
  printf '%s\n' "$version" > "$folder/version"
  say "DuckDB $version is in .duckdb/ ($2)"
  exit 0
}

if [ -n "${DUCKDB_LIBRARY:-}" ]; then
  [ -f "$DUCKDB_LIBRARY" ] || { say "DUCKDB_LIBRARY names no file: $DUCKDB_LIBRARY"; exit 1; }
  keep "$DUCKDB_LIBRARY" "copied from DUCKDB_LIBRARY"
fi

missing=''
if [ -n "$pinned" ]; then
  if ! command -v npm >/dev/null; then
    missing='npm is not installed'
  elif (cd "$scratch" && npm pack --silent "@duckdb/node-bindings-$platform@$package_version" >/dev/null 2>npm.log && tar xzf ./*.tgz); then
    if [ "$(sha256 "$scratch/package/$library")" = "$pinned" ]; then
      keep "$scratch/package/$library" "from the npm package @duckdb/node-bindings-$platform"
    fi
    say "the library in @duckdb/node-bindings-$platform@$package_version does not have the pinned hash; it is not used"
    exit 1
  else
    missing="npm could not fetch @duckdb/node-bindings-$platform@$package_version"
  fi
fi

if [ -n "$release" ] && command -v curl >/dev/null && command -v unzip >/dev/null; then
  if (cd "$scratch" && curl -fsSL -o duckdb.zip "https://github.com/duckdb/duckdb/releases/download/v$version/libduckdb-$release.zip" \
      && unzip -q duckdb.zip "$library"); then
    keep "$scratch/$library" "from DuckDB's release"
  fi
fi

say "no DuckDB $version library for $(uname -s) $(uname -m): ${missing:-none is published for it}; install npm, or set DUCKDB_LIBRARY to a libduckdb of that version, or compile it with 'cargo build --features bundled' (an hour of CPU)"
exit 1
