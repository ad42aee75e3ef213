#!/bin/sh
# Installs what the tests of containers, of the image and of compose.yaml need, as far as this machine allows; what stays missing, the tests name.
# Nothing is started: a test starts its own engine, with its own socket and data folder.
set -u
cache=$(cd "$(dirname "$0")/.." && pwd)/.cache

missing() { ! command -v "$1" >/dev/null 2>&1; }
has_compose() { docker compose version >/dev/null 2>&1 || [ -x "$cache/bin/docker-compose" ]; }

if missing dockerd || missing docker || missing busybox || missing haproxy; then
    if missing apt-get || [ "$(id -u)" != 0 ]; then
        echo "docker: install docker.io, busybox-static and haproxy to test with an engine (needs root and apt-get)"
    else
        packages="busybox-static haproxy"
        ! missing dockerd || packages="$packages docker.io"
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update
        # From Debian 13 on, the client is a package of its own.
        ! missing docker || ! apt-cache show docker-cli >/dev/null 2>&1 || packages="$packages docker-cli"
        policy=/usr/sbin/policy-rc.d # the package's own service must not start
        [ -e "$policy" ] && policy= || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; }
        # shellcheck disable=SC2086 # a list of words
        apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages >/dev/null || echo "docker: $packages could not be installed"
        [ -z "$policy" ] || rm -f "$policy"
    fi
fi

# Compose v2 is not in Debian 12. The one of Debian's unstable suite is a single program that asks little of the system:
# it is fetched from the mirror that apt uses already, and unpacked rather than installed.
if ! has_compose && ! missing apt-get; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work" # apt fetches as a user of its own
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' | head -n 1)
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$cache/bin"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror unstable main" >"$work/sources.list"
    private="-o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache"
    # shellcheck disable=SC2086 # a list of options
    if [ -n "$mirror" ] && cd "$work" && apt-get $private -qq update && apt-get $private -qq download docker-compose 2>/dev/null; then
        dpkg -x docker-compose_*.deb unpacked
        cp "$(find unpacked -type f -name docker-compose -perm -u+x | head -n 1)" "$cache/bin/docker-compose"
    fi
    has_compose || echo "docker: no compose v2 to be had here; compose.yaml is checked without it"
fi
exit 0
