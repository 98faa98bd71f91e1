#!/bin/sh
# Lays out the file system of the image in the folder named: the running Node with the libraries that it is linked to, the built
# service with its production packages, certificates of authorities, a user without rights, and an empty /data that is its own.
# Runs in the folder of the package, after `npm run build`.
set -eu
root=${1:?usage: rootfs.sh FOLDER}
node=$(node -p 'process.execPath')

mkdir -p "$root/usr/bin" "$root/app" "$root/data" "$root/tmp" "$root/etc/ssl/certs"
cp "$node" "$root/usr/bin/node"
for library in $(ldd "$node" | grep -o '/[^ ]*'); do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
cp -r dist dashboard proto package.json node_modules "$root/app/"
rm -rf "$root/app/node_modules/.cache" "$root/app/node_modules/.bin"
for bundle in /etc/ssl/certs/ca-certificates.crt; do
  if [ -f "$bundle" ]; then cp -L "$bundle" "$root$bundle"; fi
done
echo 'keylease:x:65532:65532:keylease:/data:/sbin/nologin' > "$root/etc/passwd"
echo 'keylease:x:65532:' > "$root/etc/group"
chown 65532:65532 "$root/data"
chmod 0700 "$root/data"
chmod 1777 "$root/tmp"
