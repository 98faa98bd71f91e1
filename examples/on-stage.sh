#!/usr/bin/env bash
# Runs a command against a keylease server and a stand-in provider of its own: KEYLEASE names the server, PROVIDER the URL to call.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
export PATH="$root/node_modules/.bin:$PATH"

coproc STAGE { exec node "$root/clients/stage.ts"; }
stage_pid=$STAGE_PID
stage_input=${STAGE[1]}
# The stage ends when its standard input does.
trap 'exec {stage_input}>&-; wait "$stage_pid" || true' EXIT
read -r addresses <&"${STAGE[0]}"
address() { node -p 'JSON.parse(process.argv[1])[process.argv[2]]' "$addresses" "$1"; }

KEYLEASE="$(address grpc)"
PROVIDER="$(address provider)/v1/messages"
export KEYLEASE PROVIDER
"$@"
