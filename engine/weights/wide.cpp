// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/wide.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <sstream>
#include <tuple>

#include "engine/kernels/dnnl.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/product.h"
#include "engine/weights/measured.h"

namespace ts {
namespace {

constexpr std::int64_t kSlicePanels = 4;  // 64 outputs at a time: 64 x 2048 floats are half a second-level cache
constexpr double kWorthIt = 1.15;         // others than tiles sum in another order, so they must be clearly faster
constexpr const char* kNames[] = {"f32", "f16", "bf16", "s8", "u6", "u5", "u4", "u3", "u2", "table4"};
constexpr std::size_t kElements = std::size(kNames);
constexpr std::int64_t kWidths[] = {32, 64, 256};

struct Choices {
  std::mutex mutex;
  std::array<bool, kElements> known{};
  std::array<KernelChoice, kElements> of;
  int generation = 0;  // of the instruction set that they were measured with
};
Choices& choices() {
  static Choices all;
  return all;
}

std::optional<KernelChoice> kept(const char* format) {
  const std::optional<std::string> words = measuredBefore(format);
  KernelChoice choice{.format = format};
  int path = 0;
  if (!words || !(std::istringstream(*words) >> path >> choice.switchOver >> choice.tilesGops >> choice.floatsGops >> choice.dnnlGops >> choice.dnnlImplementation)) return std::nullopt;
  if (path < 0 || path > static_cast<int>(WidePath::OneDnn)) return std::nullopt;
  choice.path = static_cast<WidePath>(path);
  return choice;
}

void keep(const KernelChoice& choice) {
  std::ostringstream words;
  words << static_cast<int>(choice.path) << ' ' << choice.switchOver << ' ' << choice.tilesGops << ' ' << choice.floatsGops << ' ' << choice.dnnlGops << ' '
        << choice.dnnlImplementation;
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
  const Needs digitsNeed = needsOfDigits(v), floatsNeed = needsOfFloats(v);
  Buffer<float> prepared(std::max(digits ? preparedDigits(widest, v.padded, 3, digitsNeed) : 0, preparedFloats(widest, v.padded, floatsNeed))),
      scratch(std::max({digits ? productScratchFloats(widest, v, 3) : 0, productScratchFloats(widest, v, 0), dnnlScratchFloats(matrix)}));
  KernelChoice choice;
  choice.format = kNames[element];
  choice.dnnlImplementation = dnnlImplementation(widest, kSlicePanels * kPanel, v.cols);
  const bool mayDnnl = !choice.dnnlImplementation.starts_with("ref");
  for (std::size_t w = std::size(kWidths); w-- > 0;) {
    const std::int64_t rows = kWidths[w];
    const ConstRows from(in.data(), rows, v.cols, v.cols);
    const Rows to{out.data(), rows, v.rows, v.rows};
    const auto multiply = [&](const auto& tiles) {
      fill(tiles, from, {0, pieces(tiles)});
      multiplyPanels(v, panels, tiles, to, scratch.data());
    };
    const auto byDigits = [&] { multiply(layDigits(from, v.padded, 3, digitsNeed, prepared.data())); };
    const auto byFloats = [&] { multiply(layFloats(from, v.padded, floatsNeed, prepared.data())); };
    const auto byDnnl = [&] { multiplyByDnnl(matrix, panels, from, to, scratch.data()); };
    double tiles = 0, floats = 0, dnnl = 0;  // seconds
    if (digits) std::tie(tiles, floats, dnnl) = std::tuple_cat(usualSeconds(byDigits, byFloats, byDnnl));
    else std::tie(tiles, dnnl) = std::tuple_cat(usualSeconds(byFloats, byDnnl));
    if (rows == widest) {
      const double giga = 2.0 * static_cast<double>(rows * outputs * v.cols) / 1e9;
      choice.tilesGops = giga / tiles, choice.floatsGops = digits ? giga / floats : 0, choice.dnnlGops = giga / dnnl;
      choice.path = digits && (!mayDnnl || floats <= dnnl) ? WidePath::Floats : WidePath::OneDnn;
      if (choice.path == WidePath::OneDnn && !mayDnnl) break;
    }
    if (tiles < kWorthIt * (choice.path == WidePath::Floats ? floats : dnnl)) break;
    choice.switchOver = rows;
  }
  if (choice.switchOver == 0) choice.path = WidePath::Tiles;
  omp_set_num_threads(team);
  return choice;
}

/// Measured if nobody has.
const KernelChoice& choiceOf(std::size_t e) {
  Choices& c = choices();
  const std::lock_guard lock(c.mutex);
  if (const int now = kernels::isaGeneration(); c.generation != now) c.generation = now, c.known = {};
  if (!c.known[e]) {
    if (const std::optional<KernelChoice> before = kept(kNames[e])) c.of[e] = *before;
    else keep(c.of[e] = measure(e));
    c.known[e] = true;
  }
  return c.of[e];
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

std::string KernelChoice::pathName() const {
  return path == WidePath::OneDnn ? dnnlImplementation : path == WidePath::Floats ? "floats" : "tiles";
}

std::string forcedWide() {
  if (const char* forced = std::getenv("TRADESPACE_WIDE"); forced && *forced) {
    const std::string_view word = forced;
    if (word == "onednn" || (word == "floats" && kernelIsa() != "scalar")) return forced;
    return "tiles";
  }
  return kernelIsa() == "scalar" ? "tiles" : "";  // the plain reference, whatever its speed
}

WidePath widePath(const PackedMatrix& matrix, std::int64_t rows) {
  const Element e = matrix.view().element;
  if (const std::string forced = forcedWide(); !forced.empty()) {
    if (forced == "floats" && exactByDigits(e)) return WidePath::Floats;
    return forced == "onednn" ? WidePath::OneDnn : WidePath::Tiles;
  }
  const KernelChoice& choice = choiceOf(static_cast<std::size_t>(e));
  return choice.switchOver > 0 && rows >= choice.switchOver ? choice.path : WidePath::Tiles;
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
