// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "app/cli/shell.h"
#include "engine/core/ledger.h"
#include "engine/evaluation/evaluate.h"

namespace ts::cli {

Json jsonOf(const MemoryUse& memory);
std::string memoryText(const MemoryUse& memory);  ///< "31.5 MB weights, 0.52 MB key/value, ..."

Json jsonOf(const Metric& metric);
Json jsonOf(const KlStatistics& kl);
Json jsonOf(const BenchResult::Spread& spread);

std::string spreadText(const BenchResult::Spread& spread);  ///< "812.4  (93.7 %: 801.2 to 820.7)", with the true confidence

}  // namespace ts::cli
