#!/bin/sh
# Puts the newest servers, PostgreSQL 18 and MySQL 9, into .cache/newest: a small Debian unstable for chroot, beside the system.
# The packages come from the mirror that apt uses already and are unpacked rather than installed, so that no service starts
# and nothing of this machine changes. What could not be had, the tests that need it name.
set -u
cache=$(cd "$(dirname "$0")/.." && pwd)/.cache
root=$cache/newest
# The shell and coreutils are for whoever looks around in there; servers need libraries only.
packages="base-files dash coreutils postgresql-18 mysql-server-core"

[ ! -e "$root/complete" ] || exit 0
say() { echo "newest: $*; PostgreSQL 18 and MySQL 9 are left out"; exit 0; }
command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || say "not Debian"
[ "$(id -u)" = 0 ] || say "chroot needs root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt fetches as a user of its own
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' | head -n 1)
[ -n "$mirror" ] || say "apt knows no mirror of Debian"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror unstable main" >"$work/sources.list"
# With an empty status apt fetches every library too, as if nothing were installed.
private="-o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$work/lists
    -o Dir::Cache=$work/cache -o Dir::State::status=/dev/null -o Debug::NoLocking=1 -o Acquire::Retries=3"
# shellcheck disable=SC2086 # lists of options and of names
apt-get $private -qq update && apt-get $private -qq -y --no-install-recommends --download-only install $packages >/dev/null ||
    say "$packages could not be fetched"

rm -rf "$root" "$root.new"
mkdir -p "$root.new"
# base-files brings the links from /bin and /lib that the others expect: it must be first.
for package in "$work"/cache/archives/base-files_*.deb "$work"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root.new" --keep-directory-symlink || say "$package could not be unpacked"
done
cd "$root.new" || exit 0
# Without the packages' own scripts: the users of the servers, the devices, a place for temporary files and shared memory.
printf 'root:x:0:0:root:/:/bin/sh\npostgres:x:901:901::/tmp:/bin/sh\nmysql:x:902:902::/tmp:/bin/sh\n' >etc/passwd
printf 'root:x:0:\npostgres:x:901:\nmysql:x:902:\n' >etc/group
echo "127.0.0.1 localhost" >etc/hosts
mkdir -p dev/shm tmp && chmod 1777 dev/shm tmp
while read -r name minor; do
    [ -e "dev/$name" ] || mknod -m 666 "dev/$name" c 1 "$minor" || say "devices cannot be made here"
done <<DEVICES
null 3
zero 5
random 8
urandom 9
DEVICES
chroot . /usr/sbin/mysqld --no-defaults --version >/dev/null && chroot . /usr/lib/postgresql/18/bin/postgres --version >/dev/null ||
    say "what was unpacked does not run here"
touch complete
mv "$root.new" "$root"
