#!/bin/sh
# Fetches the exporters that ours is compared with, those of PostgreSQL, MySQL and the host, into .cache/bin: Debian's newest.
# They are single programs that ask little of the system: taken from the mirror that apt uses already, and unpacked rather
# than installed, so that no service starts. What could not be had, the tests that need it name.
set -u
cache=$(cd "$(dirname "$0")/.." && pwd)/.cache

missing() { ! command -v "$1" >/dev/null 2>&1; }

wanted=""
for name in prometheus-postgres-exporter prometheus-mysqld-exporter prometheus-node-exporter; do
    [ -x "$cache/bin/$name" ] || wanted="$wanted $name"
done
[ -n "$wanted" ] || exit 0
if missing apt-get || missing dpkg; then
    echo "peers: not Debian: put$wanted into .cache/bin to compare with them"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt fetches as a user of its own
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' | head -n 1)
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$cache/bin"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror unstable main" >"$work/sources.list"
private="-o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache"
# shellcheck disable=SC2086 # lists of options and of names
if [ -n "$mirror" ] && cd "$work" && apt-get $private -qq update && apt-get $private -qq download $wanted 2>/dev/null; then
    for name in $wanted; do
        dpkg -x "$name"_*.deb unpacked && cp "unpacked/usr/bin/$name" "$cache/bin/$name"
    done
fi
for name in $wanted; do
    [ -x "$cache/bin/$name" ] || echo "peers: $name is not to be had here; the comparison with it is left out"
done
exit 0
