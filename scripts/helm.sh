#!/bin/sh
# Builds helm, with which deploy/check.sh renders the chart. Needs Go.
set -eu
version=${HELM_VERSION:-v3.22.0}
folder=$(cd "$(dirname "$0")/.." && pwd)/node_modules/.cache/keylease/bin
if [ -x "$folder/helm" ]; then
  echo "$folder/helm"
  exit 0
fi
mkdir -p "$folder"
GOBIN=$folder go install "helm.sh/helm/v3/cmd/helm@$version"
echo "$folder/helm"
