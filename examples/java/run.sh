#!/usr/bin/env bash
# Builds and runs the example: KEYLEASE is the server's host:port, PROVIDER the URL to call.
set -euo pipefail
cd "$(dirname "$0")"
mvn --batch-mode --quiet compile dependency:build-classpath >&2
exec java -cp "target/classes:$(cat target/classpath)" com.example.keylease.Main "${KEYLEASE:-127.0.0.1:50051}" "${PROVIDER:?is the URL to call}"
