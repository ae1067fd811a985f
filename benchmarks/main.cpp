// SPDX-License-Identifier: GPL-3.0-or-later
#include <benchmark/benchmark.h>

#include "engine/core/bandwidth.h"
#include "engine/core/cpu.h"
#include "engine/kernels/isa.h"
#include "engine/weights/ahead.h"

// Figures only compare with the machine's own limits, so those are printed with them.
int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  ts::ThreadPool one(1), all(0);
  benchmark::AddCustomContext("cpu", ts::cpuInfo().model + ", " + ts::cpuInfo().isa);
  benchmark::AddCustomContext("kernels", ts::kernelIsa());
  benchmark::AddCustomContext("one_row_asks", ts::settleAhead().asks ? "yes" : "no");
  benchmark::AddCustomContext("read_bandwidth_gb_s_1_thread", std::to_string(ts::measureReadBandwidth(one)));
  benchmark::AddCustomContext("read_bandwidth_gb_s_" + std::to_string(all.size()) + "_threads", std::to_string(ts::measureReadBandwidth(all)));
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
