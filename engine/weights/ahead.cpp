// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/ahead.h"

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "engine/kernels/ahead.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/product.h"
#include "engine/weights/measured.h"
#include "engine/weights/packed.h"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace ts {
namespace {

constexpr char kName[] = "ahead";
constexpr double kWorthIt = 1.03;  // a processor left alone must be clearly faster: asking is seldom wrong

/// Takes what lies there out of all caches, where that can be done.
#if defined(__x86_64__) || defined(__i386__)
constexpr bool kForgets = true;
void forget(const std::byte* data, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 64) _mm_clflush(data + i);
  _mm_mfence();
}
#else
constexpr bool kForgets = false;
void forget(const std::byte*, std::size_t) {}
#endif

/// One row of bytes with codes of 8 bits, of which a core computes least for each line.
AheadChoice measure() {
  if (kernelIsa() == "scalar") return {.asks = false};  // plain loops, which never do
  if (!kForgets) return {};
  constexpr std::int64_t outputs = 2048, inputs = 4096;
  ThreadPool alone(1);
  const PackedMatrix matrix(
      {.element = Element::S8, .scaleKind = ScaleKind::F16}, outputs, inputs, [](std::int64_t, PackedRow&) {}, alone);
  const PanelView& v = matrix.view();
  const std::size_t bytes = matrix.bytes();
  const Buffer<float> in(static_cast<std::size_t>(inputs), 0.01f);
  Buffer<float> out(static_cast<std::size_t>(outputs));
  const Needs needs = needsOfDigits(v);
  Buffer<float> prepared(preparedDigits(1, v.padded, 1, needs)), scratch(productScratchFloats(1, v, 1));
  const ConstRows from(in.data(), 1, inputs, inputs);
  const DigitTiles tiles = layDigits(from, v.padded, 1, needs, prepared.data());
  fill(tiles, from, {0, 1});
  const auto multiply = [&](bool asks) {
    kernels::rowAsksForLines = asks;
    multiplyPanels(v, {0, v.panels}, tiles, Rows{out.data(), 1, outputs, outputs}, scratch.data());
  };
  const auto [asked, left] = bestSeconds([&] { forget(v.data, bytes); }, [&] { multiply(true); }, [&] { multiply(false); });
  const double size = static_cast<double>(bytes) / 1e9;
  return {.asks = asked < kWorthIt * left, .askedGBs = size / asked, .aloneGBs = size / left};
}

std::optional<AheadChoice> kept() {
  const std::optional<std::string> words = measuredBefore(kName);
  AheadChoice choice;
  if (!words || !(std::istringstream(*words) >> choice.asks >> choice.askedGBs >> choice.aloneGBs)) return std::nullopt;
  return choice;
}

}  // namespace

AheadChoice settleAhead() {
  static std::mutex mutex;
  static std::optional<AheadChoice> choice;
  static std::string isa;  // it was measured with
  const std::lock_guard lock(mutex);
  if (!choice || isa != kernelIsa()) {
    isa = kernelIsa();
    choice = kept();
    if (!choice) {
      choice = measure();
      std::ostringstream words;
      words << choice->asks << ' ' << choice->askedGBs << ' ' << choice->aloneGBs;
      keepMeasured(kName, words.str());
    }
  }
  AheadChoice inForce = *choice;
  if (const char* forced = std::getenv("TRADESPACE_AHEAD")) {
    const std::string_view word = forced;
    if (word == "ask" || word == "alone") inForce.asks = word == "ask", inForce.forced = true;
  }
  kernels::rowAsksForLines = inForce.asks;
  return inForce;
}

}  // namespace ts
