// SPDX-License-Identifier: GPL-3.0-or-later
#include <sqlite3.h>

#include "app/cli/shell.h"
#include "engine/core/cpu.h"
#include "engine/core/version.h"
#include "engine/kernels/dnnl.h"
#include "engine/kernels/isa.h"

namespace ts::cli {

Json versions() {
  const CpuInfo& cpu = cpuInfo();
  return {{"version", engineVersion()}, {"onednn", dnnlVersion()}, {"isa", kernelIsa()}, {"available_isas", availableIsas()},
          {"cpu", cpu.model}, {"cpu_extensions", cpu.isa}, {"cores", cpu.physicalCores}, {"sqlite", sqlite3_libversion()}};
}

}  // namespace ts::cli
