// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/schedule/host.h"

#include <sys/utsname.h>

#include "engine/core/cpu.h"

namespace ts {

HostRecord thisHost() {
  const CpuInfo& cpu = cpuInfo();
  HostRecord host{.cpu = cpu.model,
                  .isa = cpu.isa,
                  .cores = cpu.physicalCores,
                  .memoryBytes = static_cast<std::int64_t>(cpu.memoryBytes)};
  utsname system{};
  if (uname(&system) == 0) {
    host.name = system.nodename;
    host.kernel = std::string(system.sysname) + " " + system.release;
  }
  return host;
}

}  // namespace ts
