# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the scripts beside it: where the project is, and how many jobs this machine carries.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${TRADESPACE_BUILD:-$root/build}

say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }

# One job a core, but at least 1.3 GiB of free memory each: the compiler is killed otherwise.
jobs_for() {
  local each_mib=$1 cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo 2>/dev/null || echo 4096)
  local fit=$((memory / each_mib))
  [ "$fit" -lt 1 ] && fit=1
  [ "$cores" -lt "$fit" ] && echo "$cores" || echo "$fit"
}
