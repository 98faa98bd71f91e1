#!/usr/bin/env bash
# What CI runs for the Go client: fresh generated code, format, vet, a tidy module, every test under the race detector.
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v go > /dev/null; then
  echo "clients/go: left out, needs Go 1.26 (https://go.dev/dl)"
  [ "${CI:-}" != true ]
  exit
fi

fresh="$(mktemp -d)"
trap 'rm -rf "$fresh"' EXIT
./generate.sh "$fresh"
diff -r keyleasev1 "$fresh/keyleasev1" || { echo "clients/go: run clients/go/generate.sh"; exit 1; }

unformatted="$(gofmt -l .)"
[ -z "$unformatted" ] || { echo "clients/go: run gofmt -w $unformatted"; exit 1; }
go mod tidy -diff
go vet ./...
go test -race -count=1 -timeout 5m ./...
