#!/bin/sh
# Installs Debian packages when root, and says what to install otherwise.
set -e
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "something is missing: please install the Debian packages: $*  (apt-get install $*)" >&2
    exit 1
fi
echo "installing $*" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@" >/dev/null
