// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/roofline.h"

#include <algorithm>
#include <iostream>

#include "app/cli/text.h"

namespace ts::cli {
namespace {

/// What the arithmetic units give an operation: products of weights may go by bytes, several for an exact one.
double peakFor(const std::string& operation, const BenchResult& result) {
  const int digits = operation == name(Operation::Linear) ? result.linearDigits : operation == name(Operation::Head) ? result.headDigits : 0;
  return digits > 0 && result.arithmetic.byteGops > 0 ? result.arithmetic.byteGops / digits : result.arithmetic.floatGops;
}

Json jsonOf(const Cost& cost) {
  return {{"bytes", cost.bytes}, {"operations", cost.operations}, {"nanoseconds", cost.nanoseconds}, {"calls", cost.calls}};
}

}  // namespace

RooflinePoint pointOf(const std::string& operation, const Cost& cost, const BenchResult& result) {
  RooflinePoint point;
  if (cost.nanoseconds == 0) return point;
  const auto nanoseconds = static_cast<double>(cost.nanoseconds);
  point.gigabytesPerSecond = static_cast<double>(cost.bytes) / nanoseconds;
  point.gops = static_cast<double>(cost.operations) / nanoseconds;
  if (cost.bytes == 0 || cost.operations == 0 || result.readBandwidthGBs <= 0) return point;
  point.intensity = static_cast<double>(cost.operations) / static_cast<double>(cost.bytes);
  point.roofGops = std::min(point.intensity * result.readBandwidthGBs, peakFor(operation, result));
  return point;
}

Json operationsOf(const std::map<std::string, Cost>& costs, const BenchResult& result) {
  Json operations = Json::object();
  for (const auto& [name, cost] : costs) {
    Json& one = operations[name] = jsonOf(cost);
    const RooflinePoint point = pointOf(name, cost, result);
    one["gb_per_s"] = point.gigabytesPerSecond;
    one["gops"] = point.gops;
    if (point.placed()) one["roofline"] = {{"operations_per_byte", point.intensity}, {"roof_gops", point.roofGops}, {"of_roof", point.ofRoof()}};
  }
  return operations;
}

Json layersOf(const BenchResult& result) {
  Json layers = Json::array();
  for (const auto& layer : result.layers) {
    Json& one = layers.emplace_back(Json::object());
    for (const auto& [name, cost] : layer) one[name] = jsonOf(cost);
  }
  return layers;
}

namespace {
void printTable(const char* title, const std::map<std::string, Cost>& costs, const BenchResult& result) {
  if (costs.empty()) return;
  std::cout << "\n" << title << "\n\n";
  Table table({"operation", "time", "read", "GB/s", "GOP/s", "of the roof", "calls"});
  for (const auto& [name, cost] : costs) {
    const RooflinePoint point = pointOf(name, cost, result);
    table.add({name, numberText(static_cast<double>(cost.nanoseconds) * 1e-6) + " ms", bytesText(static_cast<double>(cost.bytes)), numberText(point.gigabytesPerSecond, 3),
               numberText(point.gops, 3), point.placed() ? numberText(100 * point.ofRoof(), 3) + " %" : "–", countText(static_cast<std::int64_t>(cost.calls))});
  }
  table.print(std::cout);
}
}  // namespace

void printOperations(const BenchResult& result) {
  printTable("One prefill by kind of operation", result.prefillOperations, result);
  printTable("One decode repetition by kind of operation", result.operations, result);
}

void printLayers(const BenchResult& result) {
  if (result.layers.empty()) return;
  std::cout << "\nOne decode repetition by layer\n\n";
  Table table({"layer", "products", "attention", "other", "read", "GB/s"});
  for (std::size_t i = 0; i < result.layers.size(); ++i) {
    Cost all, products, attention;
    for (const auto& [operation, cost] : result.layers[i]) {
      all.add(cost);
      if (operation == name(Operation::Linear)) products = cost;
      if (operation == name(Operation::Attention)) attention = cost;
    }
    const auto milliseconds = [](std::uint64_t nanoseconds) { return numberText(static_cast<double>(nanoseconds) * 1e-6, 3) + " ms"; };
    table.add({std::to_string(i), milliseconds(products.nanoseconds), milliseconds(attention.nanoseconds),
               milliseconds(all.nanoseconds - products.nanoseconds - attention.nanoseconds), bytesText(static_cast<double>(all.bytes)),
               all.nanoseconds > 0 ? numberText(static_cast<double>(all.bytes) / static_cast<double>(all.nanoseconds), 3) : "–"});
  }
  table.print(std::cout);
}

}  // namespace ts::cli
