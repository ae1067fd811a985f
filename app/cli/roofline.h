// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>

#include "app/cli/shell.h"
#include "engine/evaluation/evaluate.h"

namespace ts::cli {

/// Where one kind of operation lies under the machine's roof (Williams et al., 2009): what memory and arithmetic together
/// allow at its intensity, and what it came to. Memory is that beyond the caches: what they hold passes the roof.
struct RooflinePoint {
  double gigabytesPerSecond = 0, gops = 0;
  double intensity = 0;  ///< operations a byte read from memory
  double roofGops = 0;   ///< min(intensity x bandwidth, arithmetic)
  double ofRoof() const { return gops / roofGops; }
  bool placed() const { return roofGops > 0; }  ///< kinds without bytes or operations of their own have no place
};
RooflinePoint pointOf(const std::string& operation, const Cost& cost, const BenchResult& result);

/// Every operation's bytes, operations, nanoseconds and calls, with its point.
Json operationsOf(const std::map<std::string, Cost>& costs, const BenchResult& result);
/// The same without points, layer by layer.
Json layersOf(const BenchResult& result);
void printOperations(const BenchResult& result);
void printLayers(const BenchResult& result);

}  // namespace ts::cli
