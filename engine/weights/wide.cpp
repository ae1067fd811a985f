// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/wide.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <sstream>

#include "engine/kernels/dnnl.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/product.h"
#include "engine/weights/measured.h"

namespace ts {
namespace {

constexpr std::int64_t kSlicePanels = 4;  // 64 outputs at a time: 64 x 2048 floats are half a second-level cache
constexpr double kWorthIt = 1.15;         // oneDNN sums in another order, so it must be clearly faster
constexpr const char* kNames[] = {"f32", "f16", "bf16", "s8", "u6", "u5", "u4", "u3", "u2", "table4"};
constexpr std::size_t kElements = std::size(kNames);
constexpr std::int64_t kWidths[] = {32, 64, 256};

struct Choices {
  std::mutex mutex;
  std::array<bool, kElements> known{};
  std::array<KernelChoice, kElements> of;
  std::string isa;  // what they were measured with
};
Choices& choices() {
  static Choices all;
  return all;
}

std::optional<KernelChoice> kept(const char* format) {
  const std::optional<std::string> words = measuredBefore(format);
  KernelChoice choice{.format = format};
  if (!words || !(std::istringstream(*words) >> choice.switchOver >> choice.tilesGops >> choice.dnnlGops >> choice.dnnlImplementation)) return std::nullopt;
  return choice;
}

void keep(const KernelChoice& choice) {
  std::ostringstream words;
  words << choice.switchOver << ' ' << choice.tilesGops << ' ' << choice.dnnlGops << ' ' << choice.dnnlImplementation;
  keepMeasured(choice.format, words.str());
}

/// On a shape of its own, so that the choice does not depend on which matrix comes first.
KernelChoice measure(std::size_t element) {
  constexpr std::int64_t outputs = 512, inputs = 1024;
  static constexpr std::int8_t table[16] = {};
  ThreadPool alone(1);
  const Element e = static_cast<Element>(element);
  const PackedLayout layout{.element = e, .scaleKind = isFloat(e) ? ScaleKind::None : ScaleKind::F16, .table = table};
  const PackedMatrix matrix(
      layout, outputs, inputs, [](std::int64_t, PackedRow&) {}, alone);
  const PanelView& v = matrix.view();
  const Range panels{0, v.panels};
  const std::int64_t widest = kWidths[std::size(kWidths) - 1];
  Buffer<float> in(static_cast<std::size_t>(widest * v.cols), 0.01f), out(static_cast<std::size_t>(widest * v.rows));
  // The OpenMP team of this thread must be of one while oneDNN is timed on it.
  const int team = omp_get_max_threads();
  omp_set_num_threads(1);
  const bool digits = exactByDigits(e);
  const Needs needs = digits ? needsOfDigits(v) : needsOfFloats(v);
  Buffer<float> prepared(digits ? preparedDigits(widest, v.padded, 3, needs) : preparedFloats(widest, v.padded, needs)),
      scratch(std::max(productScratchFloats(widest, v, digits ? 3 : 0), dnnlScratchFloats(matrix)));
  KernelChoice choice;
  choice.format = kNames[element];
  choice.dnnlImplementation = dnnlImplementation(widest, kSlicePanels * kPanel, v.cols);
  for (std::size_t w = std::size(kWidths); w-- > 0;) {
    const std::int64_t rows = kWidths[w];
    const ConstRows from(in.data(), rows, v.cols, v.cols);
    const Rows to{out.data(), rows, v.rows, v.rows};
    const double operations = 2.0 * static_cast<double>(rows * outputs * v.cols);
    const auto [tilesSeconds, dnnlSeconds] = bestSeconds(
        [] {},
        [&] {
          const auto multiply = [&](const auto& tiles) {
            fill(tiles, from, {0, pieces(tiles)});
            multiplyPanels(v, panels, tiles, to, scratch.data());
          };
          digits ? multiply(layDigits(from, v.padded, 3, needs, prepared.data()))
                 : multiply(layFloats(from, v.padded, needs, prepared.data()));
        },
        [&] { multiplyByDnnl(matrix, panels, from, to, scratch.data()); });
    const double tiles = operations / tilesSeconds / 1e9, dnnl = operations / dnnlSeconds / 1e9;
    if (rows == widest) choice.tilesGops = tiles, choice.dnnlGops = dnnl;
    if (dnnl < kWorthIt * tiles || choice.dnnlImplementation.starts_with("ref")) break;
    choice.switchOver = rows;
  }
  omp_set_num_threads(team);
  return choice;
}

/// Rows from which the format takes oneDNN; measured if nobody has.
std::int64_t choiceOf(std::size_t e) {
  Choices& c = choices();
  const std::lock_guard lock(c.mutex);
  if (c.isa != kernelIsa()) c.isa = kernelIsa(), c.known = {};
  if (!c.known[e]) {
    if (const std::optional<KernelChoice> before = kept(kNames[e])) c.of[e] = *before;
    else keep(c.of[e] = measure(e));
    c.known[e] = true;
  }
  return c.of[e].switchOver;
}

}  // namespace

std::vector<KernelChoice> kernelChoices() {
  Choices& c = choices();
  const std::lock_guard lock(c.mutex);
  std::vector<KernelChoice> list;
  for (std::size_t e = 0; e < kElements; ++e)
    if (c.known[e]) list.push_back(c.of[e]);
  return list;
}

std::vector<KernelChoice> allKernelChoices() {
  for (std::size_t e = 0; e < kElements; ++e) choiceOf(e);
  return kernelChoices();
}

std::string forcedWide() {
  if (const char* forced = std::getenv("TRADESPACE_WIDE"); forced && *forced)
    return std::string_view(forced) == "onednn" ? "onednn" : "tiles";
  return kernelIsa() == "scalar" ? "tiles" : "";  // the plain reference, whatever its speed
}

bool takesDnnl(const PackedMatrix& matrix, std::int64_t rows) {
  if (const char* forced = std::getenv("TRADESPACE_WIDE"); forced && *forced) return std::string_view(forced) == "onednn";
  if (kernelIsa() == "scalar") return false;
  const std::int64_t switchOver = choiceOf(static_cast<std::size_t>(matrix.view().element));
  return switchOver > 0 && rows >= switchOver;
}

std::size_t dnnlScratchFloats(const PackedMatrix& matrix) {
  return static_cast<std::size_t>(kSlicePanels * kPanel * matrix.cols() + kPanel * kBlock);
}

void multiplyByDnnl(const PackedMatrix& matrix, Range panels, ConstRows in, Rows out, float* scratch) {
  const PanelView& v = matrix.view();
  float* columns = scratch + kSlicePanels * kPanel * v.cols;
  for (std::int64_t first = panels.begin; first < panels.end; first += kSlicePanels) {
    const std::int64_t last = std::min(first + kSlicePanels, panels.end), n0 = first * kPanel,
                       n1 = std::min(last * kPanel, v.rows);
    for (std::int64_t panel = first; panel < last; ++panel)
      for (std::int64_t b = 0; b < v.padded / kBlock; ++b) {
        unpackPanel(v, panel, b, 1, columns);
        const std::int64_t ks = std::min<std::int64_t>(kBlock, v.cols - b * kBlock);
        for (std::int64_t lane = 0; lane < std::min<std::int64_t>(kPanel, v.rows - panel * kPanel); ++lane) {
          float* row = scratch + ((panel - first) * kPanel + lane) * v.cols + b * kBlock;
          for (std::int64_t k = 0; k < ks; ++k) row[k] = columns[k * kPanel + lane];
        }
      }
    dnnlMultiply(in.data, in.stride, scratch, out.data + n0, out.stride, in.count, n1 - n0, v.cols);
  }
}

}  // namespace ts
