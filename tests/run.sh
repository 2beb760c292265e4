#!/usr/bin/env bash
# Sets up what is missing and runs all tests: formatting, lints, and every trial. Arguments go to the test runner.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo >/dev/null || { echo "run.sh: cargo is missing: install Rust 1.95 or later, see https://rustup.rs" >&2; exit 1; }
command -v cc >/dev/null || { echo "run.sh: a C compiler is missing: install gcc or clang (Debian: apt-get install build-essential)" >&2; exit 1; }
.cargo/duckdb.sh
command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ||
  echo "run.sh: NO POSTGRESQL SERVER IS INSTALLED, ITS TESTS ARE PASSED OVER (Debian: apt-get install postgresql)" >&2
python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && command -v curl >/dev/null ||
  echo "run.sh: NO PYTHON OF 3.10 OR LATER, ITS VENV, OR NO CURL: THE TESTS OF BIGQUERY ARE PASSED OVER (Debian: apt-get install python3-venv curl)" >&2

if [ $# -eq 0 ]; then
  if cargo fmt --version >/dev/null 2>&1; then cargo fmt --check; else echo "run.sh: no rustfmt, formatting is not checked" >&2; fi
  if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --quiet --all-targets --features aws -- -D warnings
    cargo clippy --quiet -- -D warnings
  else
    echo "run.sh: no clippy, lints are not checked" >&2
  fi
fi
cargo test --features aws --lib --bins --tests -- "$@"
