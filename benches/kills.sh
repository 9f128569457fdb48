#!/bin/sh
# Kills the program at random moments of a conversation and compares what its terminal had shown with what is on disk.
# usage: benches/kills.sh [KILLS]
set -eu
cd "$(dirname "$0")/.."
INGLE_KILLS="${1:-200}" cargo test --test ingle screen::kills -- --nocapture
