#!/usr/bin/env bash
# Compiles every example, runs it on a stage, and looks at what it printed. A machine without its tools leaves it out; CI does not.
set -euo pipefail
cd "$(dirname "$0")"

expected='leased key a of pool default
the provider answered 200
the lease is SETTLED, the verdict OK'

check() {
  local example="$1" tool="$2" start=$SECONDS printed
  if ! command -v "$tool" > /dev/null; then
    echo "examples/$example: needs $tool"
    [ "${CI:-}" = true ] && return 1
    return 0
  fi
  printed="$(./on-stage.sh "$example/run.sh")"
  if [ "$printed" != "$expected" ]; then
    diff <(echo "$expected") <(echo "$printed") || true
    echo "examples/$example: printed something else"
    return 1
  fi
  echo "examples/$example: ok ($((SECONDS - start)) s)"
}

check java mvn
check rust cargo
