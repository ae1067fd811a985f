// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>

namespace ts {

/// What this process may compute with. Read once from the operating system; unknown sizes are 0.
struct CpuInfo {
  std::string model;         ///< "AMD EPYC 9454P 48-Core Processor"
  std::string isa;           ///< the vector extensions that matter here, "AVX2 FMA F16C" or "AVX-512 VNNI BF16 ..."
  int logicalCpus = 1;       ///< allowed by affinity
  int physicalCores = 1;     ///< distinct cores among those, capped by the control group's quota
  std::size_t l1Bytes = 0;   ///< data cache of one core
  std::size_t l2Bytes = 0;   ///< of one core
  std::size_t lastLevelBytes = 0;
  std::size_t memoryBytes = 0;  ///< of the machine
};
const CpuInfo& cpuInfo();

}  // namespace ts
