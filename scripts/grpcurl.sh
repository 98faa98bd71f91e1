#!/bin/sh
# Builds grpcurl, which test/e2e/grpcurl.test.ts calls the server with, where that test looks for it. Needs Go.
exec "$(dirname "$0")/go-tool.sh" grpcurl "github.com/fullstorydev/grpcurl/cmd/grpcurl@${GRPCURL_VERSION:-v1.9.4}"
