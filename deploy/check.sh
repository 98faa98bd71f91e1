#!/usr/bin/env bash
# Shows that what deploy/ holds works, without an engine for images or a cluster: the file system of the image runs the service in a
# chroot as the user of the image, and the chart renders to what it should. Needs root, npm and Go.
set -euo pipefail
export PATH="$(cd "$(dirname "$0")/.." && pwd)/node_modules/.bin:$PATH"
cd "$(dirname "$0")/.."
work=$(mktemp -d)
cleanup() {
  if [ -n "${server:-}" ]; then kill "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

echo '== image'
mkdir "$work/build"
cp -r package.json package-lock.json tsconfig*.json src dashboard proto "$work/build/"
cp deploy/docker/rootfs.sh "$work/build/"
tsc -p tsconfig.build.json --outDir "$work/build/dist"
(cd "$work/build" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error && sh rootfs.sh "$work/rootfs")
sed 's|^store:.*|store: { kind: file, path: /data }|; s|127.0.0.1:50051|127.0.0.1:0|; s|127.0.0.1:9464|127.0.0.1:0|' config/example.yaml > "$work/rootfs/keylease.yaml"
chroot --userspec=65532:65532 "$work/rootfs" /usr/bin/node /app/dist/main.js serve --config /keylease.yaml > "$work/log" 2>&1 &
server=$!
address() { sed -n "s/.*\"$1\":\[\{0,1\}\"\([^\"]*\)\".*/\1/p" "$work/log" | head -1; }
for _ in $(seq 100); do
  if [ -n "$(address listen)" ]; then break; fi
  sleep 0.1
done
chroot --userspec=65532:65532 "$work/rootfs" /usr/bin/node /app/dist/main.js --server "$(address listen)" lease | grep '^key '
chroot --userspec=65532:65532 "$work/rootfs" /usr/bin/node -e "fetch('http://$(address ops)/readyz').then((r) => process.exit(r.ok ? 0 : 1))"
kill "$server"
wait "$server"
server=''
echo "image: $(du -sm "$work/rootfs" | cut -f1) MiB, of which the service and its packages $(du -sm "$work/rootfs/app" | cut -f1) MiB"

echo '== chart'
helm=$(scripts/helm.sh)
"$helm" lint --strict --quiet deploy/helm/keylease
render() { "$helm" template pool deploy/helm/keylease --kube-version 1.33.0 "$@"; }
mkdir -p "$work/run/keys" "$work/run/ops" "$work/run/tls"
echo sk-not-a-key > "$work/run/keys/team-a"
echo a-token-of-at-least-sixteen-characters > "$work/run/ops/token"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=keylease \
  -keyout "$work/run/tls/tls.key" -out "$work/run/tls/tls.crt" 2>"$work/openssl.log"
cp "$work/run/tls/tls.crt" "$work/run/tls/ca.crt"
render | sed -n '/keylease.yaml: |/,/^---/p' | sed "1d;/^---/d;s/^    //;s|/run/keylease|$work/run|" > "$work/keylease.yaml"
node src/main.ts config check "$work/keylease.yaml"
render --set replicas=3,config.store.kind=redis,serviceMonitor.enabled=true | grep -q 'kind: PodDisruptionBudget'
if render --set replicas=2 > "$work/refused" 2>&1; then
  echo 'the chart renders two replicas over a file store, which is one process only' >&2
  exit 1
fi
grep -q 'replicas: more than one needs' "$work/refused"
echo 'chart: renders; its configuration has no mistakes; two replicas over a file store are refused'
