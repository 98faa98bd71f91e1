#!/bin/sh
# Generates src/keylease/v1 (or the folder that is named) from proto/. Needs the Python of the extra "test" first on the PATH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/src}
google=$(python -c 'from pathlib import Path; from google.rpc import status_pb2; print(Path(status_pb2.__file__).parents[2])')
mkdir -p "$out/keylease/v1"
rm -f "$out"/keylease/v1/*
# The package of the messages is the package of the code, so that the imports which protoc writes are right as they are.
for services in 'key lease' 'key_lease_service pool_admin_service'; do
  set --
  for name in $services; do set -- "$@" "keylease/v1/$name.proto"; done
  case $services in *service*) grpc="--grpc_python_out=$out --mypy_grpc_out=quiet:$out" ;; *) grpc= ;; esac
  # shellcheck disable=SC2086
  python -m grpc_tools.protoc -I "$here/../../proto" -I "$google" --python_out="$out" --mypy_out="quiet:$out" $grpc "$@"
done
echo '"""The messages and services of keylease on the wire, generated from proto/ by generate.sh."""' >"$out/keylease/v1/__init__.py"
