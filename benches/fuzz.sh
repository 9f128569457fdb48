#!/bin/sh
# Feeds damaged input to everything that reads what others wrote. Another FROM tries other inputs.
# usage: benches/fuzz.sh [INPUTS [FROM]]
set -eu
cd "$(dirname "$0")/.."
INGLE_FUZZ="${1:-100000}" INGLE_FUZZ_FROM="${2:-0}" cargo test --test ingle fuzz:: -- --nocapture
