# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the scripts beside it: where the project is, and how many jobs this machine carries.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${TRADESPACE_BUILD:-$root/build}

say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }

# A machine without HOME (a bare container, cron) has one in its list of users.
export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}

# Every value that this process's control group and those above it (version 2) hold in the file $1.
cgroup_values() {
  local top=${CGROUP_ROOT:-/sys/fs/cgroup} at
  at=$top$(sed -n 's/^0:://p' "${CGROUP_OF:-/proc/self/cgroup}" 2>/dev/null || true)
  at=${at%/}
  while [ "${#at}" -ge "${#top}" ]; do
    if [ -r "$at/$1" ]; then cat "$at/$1"; fi
    at=${at%/*}
  done
}

# One job a core, but at least $1 MiB of free memory each (the compiler is killed otherwise), within the limits of a container.
jobs_for() {
  {
    echo "$(nproc)"
    cgroup_values cpu.max | awk '$1 != "max" {print int($1 / $2 + 0.5)}'
    awk -v each="$1" '/^MemAvailable:/ {print int($2 / 1024 / each)}' /proc/meminfo 2>/dev/null || echo 2
    cgroup_values memory.max | awk -v each="$1" '$1 != "max" {print int($1 / 1048576 / each)}'
  } | awk 'NR == 1 || $1 < least {least = $1} END {print least < 1 ? 1 : least}'
}
