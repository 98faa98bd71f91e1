#!/usr/bin/env bash
# Builds and runs the example: KEYLEASE is the server's host:port, PROVIDER the URL to call. Arguments go to cargo: --features https
set -euo pipefail
cd "$(dirname "$0")"
exec cargo run --quiet --locked "$@" -- "${KEYLEASE:-127.0.0.1:50051}" "${PROVIDER:?is the URL to call}"
