// SPDX-License-Identifier: GPL-3.0-or-later
// Follows transformers' modeling_rope_utils.py, which computes in float32; so do we, up to the last place of its pow.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "engine/model/config.h"

namespace ts {
namespace {

using Frequencies = std::vector<float>;

Frequencies plain(const Rope& rope) {
  Frequencies out(static_cast<std::size_t>(rope.dims / 2));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(rope.dims);
    out[i] = 1.0f / static_cast<float>(std::pow(rope.theta, static_cast<double>(exponent)));
  }
  return out;
}

void llama3(const RopeScaling& s, Frequencies& frequencies) {
  const auto context = static_cast<float>(s.originalContext);
  const float factor = static_cast<float>(s.factor);
  const float low = static_cast<float>(s.lowFrequencyFactor), high = static_cast<float>(s.highFrequencyFactor);
  for (float& f : frequencies) {
    const float wavelength = static_cast<float>(2.0 * std::numbers::pi) / f;
    if (wavelength < context / high) continue;
    if (wavelength > context / low) {
      f = f / factor;
    } else {
      const float smooth = (context / wavelength - low) / (high - low);
      f = (1.0f - smooth) * f / factor + smooth * f;
    }
  }
}

/// YaRN (arXiv 2309.00071): fast dimensions keep their frequency, slow ones are interpolated, a ramp between.
void yarn(const Rope& rope, Frequencies& frequencies) {
  const RopeScaling& s = rope.scaling;
  const auto dimensionOf = [&](double rotations) {
    return rope.dims * std::log(static_cast<double>(s.originalContext) / (rotations * 2.0 * std::numbers::pi)) / (2.0 * std::log(rope.theta));
  };
  double low = dimensionOf(s.betaFast), high = dimensionOf(s.betaSlow);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rope.dims - 1));
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const float ramp = std::clamp((static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0f, 1.0f);
    const float keep = 1.0f - ramp;
    const float interpolated = 1.0f / (static_cast<float>(s.factor) * (1.0f / frequencies[i]));
    frequencies[i] = interpolated * (1.0f - keep) + frequencies[i] * keep;
  }
}

void longRope(const RopeScaling& s, std::int64_t contextLength, Frequencies& frequencies) {
  const auto& factors = contextLength > s.originalContext ? s.longFactors : s.shortFactors;
  assert(factors.size() == frequencies.size());
  for (std::size_t i = 0; i < frequencies.size(); ++i) frequencies[i] = 1.0f / (static_cast<float>(factors[i]) * (1.0f / frequencies[i]));
}

double attentionFactor(const RopeScaling& s) {
  if (s.kind != RopeScaling::Kind::Yarn && s.kind != RopeScaling::Kind::LongRope) return 1.0;
  if (s.attentionFactor > 0.0) return s.attentionFactor;
  if (s.factor <= 1.0) return 1.0;
  if (s.kind == RopeScaling::Kind::Yarn) return 0.1 * std::log(s.factor) + 1.0;
  return std::sqrt(1.0 + std::log(s.factor) / std::log(static_cast<double>(s.originalContext)));
}

}  // namespace

RopeTable ropeTable(const Rope& rope, std::int64_t contextLength) {
  assert(rope.dims > 0 && rope.dims % 2 == 0);
  Frequencies frequencies = plain(rope);
  switch (rope.scaling.kind) {
    case RopeScaling::Kind::None: break;
    case RopeScaling::Kind::Linear:
      for (float& f : frequencies) f /= static_cast<float>(rope.scaling.factor);
      break;
    case RopeScaling::Kind::Llama3: llama3(rope.scaling, frequencies); break;
    case RopeScaling::Kind::Yarn: yarn(rope, frequencies); break;
    case RopeScaling::Kind::LongRope: longRope(rope.scaling, contextLength, frequencies); break;
  }
  return {std::vector<double>(frequencies.begin(), frequencies.end()), attentionFactor(rope.scaling)};
}

}  // namespace ts
