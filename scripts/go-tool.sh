#!/bin/sh
# go-tool.sh NAME PACKAGE@VERSION: builds a program where tests and checks look for it, once, and prints its path. Needs Go.
set -eu
name=$1
folder=$(cd "$(dirname "$0")/.." && pwd)/node_modules/.cache/keylease/bin
if [ ! -x "$folder/$name" ]; then
  mkdir -p "$folder"
  GOBIN=$folder go install "$2"
fi
echo "$folder/$name"
