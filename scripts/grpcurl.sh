#!/bin/sh
# Builds grpcurl, which test/e2e/grpcurl.test.ts calls the server with, where that test looks for it. Needs Go.
set -eu
version=${GRPCURL_VERSION:-v1.9.4}
folder=$(cd "$(dirname "$0")/.." && pwd)/node_modules/.cache/keylease/bin
if [ -x "$folder/grpcurl" ]; then
  echo "$folder/grpcurl"
  exit 0
fi
mkdir -p "$folder"
GOBIN=$folder go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$version"
echo "$folder/grpcurl"
