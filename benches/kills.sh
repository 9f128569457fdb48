#!/bin/sh
# Kills the history's writer at random moments and compares what it had told as stored with what is on disk.
# usage: benches/kills.sh [KILLS]
set -eu
cd "$(dirname "$0")/.."
INGLE_KILLS="${1:-200}" cargo test --test ingle faults::kill -- --nocapture
