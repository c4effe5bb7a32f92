# Sourced by the scripts beside it: where the cache is, and how to speak, to fail and to get Debian packages.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SCHEDC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/schedc}
python=$root/.venv/bin/python

say() { printf '%s\n' "$*" >&2; }

die() {
  say "error: $1"
  [ $# -lt 2 ] || say "remedy: $2"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    die "root is needed for: $*" "run that command as root, then try again"
  fi
}

# Install Debian packages; `why` is said first, since this changes the system.
apt_install() {
  local why=$1
  shift
  command -v apt-get >/dev/null || die "$why: not found" "install the equivalent of: $*"
  say "$why: installing $* with apt"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
