#!/bin/sh
# Installs what a command of the Makefile needs, and says what it could not.
#   install.sh venv EXTRA   Python packages into .venv; EXTRA is "" or "[test]"
#   install.sh servers      PostgreSQL, MariaDB, Prometheus, Alertmanager, promtool, amtool, iptables, logrotate and vim, as Debian's packages
set -eu
cd "$(dirname "$0")/.."

say() { echo "tocsin: $*" >&2; }

apt_install() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "cannot install $* here (not root, or not Debian): install it by hand; what needs it is left out"
        return 1
    fi
    say "installing $*"
    # A package's own service must not start: the tests and \`tocsin up\` start what they need themselves.
    policy=/usr/sbin/policy-rc.d
    made=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=yes
    fi
    status=0
    { DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" ||
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; }; } >/dev/null || status=$?
    [ -z "$made" ] || rm -f "$policy"
    return "$status"
}

case "$1" in
venv)
    python="${PYTHON:-python3}"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
    if [ ! -x .venv/bin/pip ]; then
        "$python" -m venv .venv 2>/dev/null || { rm -rf .venv; apt_install python3-venv && "$python" -m venv .venv; }
    fi
    say "installing Python packages into .venv"
    .venv/bin/pip install -q --disable-pip-version-check -c tests/constraints.txt -e ".$2"
    ;;
servers)
    [ -d /usr/lib/postgresql ] && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || apt_install postgresql || true
    command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null || apt_install mariadb-server || true
    command -v promtool >/dev/null && command -v prometheus >/dev/null || apt_install prometheus || true
    command -v amtool >/dev/null && command -v prometheus-alertmanager >/dev/null || apt_install prometheus-alertmanager || true
    command -v iptables >/dev/null || apt_install iptables || true
    command -v logrotate >/dev/null || apt_install logrotate || true
    command -v vim >/dev/null || command -v vim.tiny >/dev/null || apt_install vim-tiny || true
    id postgres >/dev/null 2>&1 || [ "$(id -u)" != 0 ] || useradd --system postgres
    ;;
*)
    say "usage: install.sh venv EXTRA | servers"
    exit 2
    ;;
esac
