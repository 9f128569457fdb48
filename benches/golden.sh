#!/usr/bin/env bash
# Prints how ingle compares with what other programs answer, as tables: architectures (whole, in chunks of 7, token by token,
# exact), quantized models by instruction set, types, vocabularies, templates.
#   INGLE_GOLDEN=FOLDER benches/golden.sh [archs|end_to_end|quants|token_ids|renderings ...]
# Without INGLE_GOLDEN only the few files that the repository holds are compared.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
for part in "${@:-archs end_to_end quants token_ids renderings}"; do
  for name in $part; do
    printf '\n## %s\n\n' "$name"
    # Tables and counts; what the test harness itself says is left out.
    cargo test --quiet --test ingle -- --nocapture --test-threads 1 "golden::$name::" 2>&1 \
      | grep -E '^\||^[0-9]+ passed|golden/|differ|FAIL|panicked' || status=1
  done
done
exit $status
