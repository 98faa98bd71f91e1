#!/bin/sh
# Everything that must hold for the Python client, one step after the other; the first that fails ends it. Needs Python 3.11, Node and npm ci.
# KEYLEASE_PYTHON_VENV names a virtual environment to keep and use again; left out, one is made in a temporary folder.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
venv=${KEYLEASE_PYTHON_VENV:-$work/venv}
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

step() {
  name=$1
  shift
  start=$(date +%s)
  if "$@"; then
    echo "ok    $name ($(($(date +%s) - start)) s)"
  else
    echo "FAIL  $name ($(($(date +%s) - start)) s)"
    exit 1
  fi
}

install() {
  [ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --editable '.[httpx,httpx2,test]'
}

generated_is_fresh() {
  ./generate.sh "$work/generated" && diff -r --exclude __pycache__ src/keylease/v1 "$work/generated/keylease/v1"
}

builds() {
  python -m pip wheel --quiet --no-deps --wheel-dir "$work/wheel" . &&
    python -m zipfile -l "$work"/wheel/*.whl | grep -q 'keylease/py.typed' &&
    python -m zipfile -l "$work"/wheel/*.whl | grep -q 'keylease/v1/key_lease_service_pb2.pyi'
}

step 'install' install
PATH=$venv/bin:$PATH
step 'generated code is what proto/ says' generated_is_fresh
step 'format' ruff format --check --quiet .
step 'lint' ruff check --quiet .
step 'types' mypy
step 'the package builds' builds
step 'tests' pytest -q -p no:cacheprovider "$@"
