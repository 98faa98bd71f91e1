#!/bin/sh
# Builds helm, with which deploy/check.sh renders the chart. Needs Go.
exec "$(dirname "$0")/go-tool.sh" helm "helm.sh/helm/v3/cmd/helm@${HELM_VERSION:-v3.22.0}"
