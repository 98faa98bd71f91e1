#!/usr/bin/env bash
# Generates keyleasev1/ from proto/. An argument names another folder to write to, as check.sh does to see whether it is fresh.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
out="${1:-$here}"
module=github.com/keylease/keylease/clients/go
package="$module/keyleasev1"

cd "$here/../.."
export PATH="$PWD/node_modules/.bin:$PATH"

options="\"module=$module\""
for file in key key_lease_service lease pool_admin_service; do options+=", \"Mkeylease/v1/$file.proto=$package\""; done

rm -rf "$out/keyleasev1"
buf generate --template "{
  \"version\": \"v2\",
  \"inputs\": [{ \"directory\": \"proto\" }],
  \"plugins\": [
    { \"local\": [\"go\", \"run\", \"google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12\"], \"out\": \"$out\", \"opt\": [$options] },
    { \"local\": [\"go\", \"run\", \"google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2\"], \"out\": \"$out\", \"opt\": [$options] }
  ]
}"
