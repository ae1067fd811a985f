// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>

#include "engine/formats/byte_reader.h"
#include "engine/formats/huggingface.h"

namespace ts {
namespace {

constexpr double kMostFactor = 1e6;
constexpr std::int64_t kMostContext = std::int64_t{1} << 40;

Result<std::int64_t> originalContext(const JsonFields& parameters, const JsonFields& config) {
  // The configuration's own key goes first: Phi-3 keeps it outside of the rope parameters.
  if (config.has("original_max_position_embeddings")) return config.integer("original_max_position_embeddings", 2, kMostContext);
  if (parameters.has("original_max_position_embeddings")) return parameters.integer("original_max_position_embeddings", 2, kMostContext);
  return config.integer("max_position_embeddings", 2, kMostContext);
}

/// The factor that YaRN and LongRoPE may leave out: how much longer the context became.
Result<double> stretch(const JsonFields& parameters, const JsonFields& config, std::int64_t original) {
  TS_TRY(const auto longest, config.integer("max_position_embeddings", 1, kMostContext));
  return parameters.number("factor", 1e-6, kMostFactor, static_cast<double>(longest) / static_cast<double>(original));
}

/// DeepSeek's pair of factors says the attention factor in another way.
Result<double> yarnAttentionFactor(const JsonFields& parameters, double factor) {
  if (parameters.has("attention_factor")) return parameters.number("attention_factor", 1e-6, kMostFactor);
  TS_TRY(const double all, parameters.number("mscale_all_dim", 0.0, kMostFactor, 0.0));
  TS_TRY(const double one, parameters.number("mscale", 0.0, kMostFactor, 0.0));
  if (all == 0.0 || one == 0.0 || factor <= 1.0) return 0.0;
  return (0.1 * one * std::log(factor) + 1.0) / (0.1 * all * std::log(factor) + 1.0);
}

Result<void> readScaling(const std::string& type, const JsonFields& parameters, const JsonFields& config, Rope& rope) {
  RopeScaling& s = rope.scaling;
  if (type == "linear") {
    s.kind = RopeScaling::Kind::Linear;
    TS_TRY(s.factor, parameters.number("factor", 1e-6, kMostFactor));
    return {};
  }
  TS_TRY(s.originalContext, originalContext(parameters, config));
  if (type == "llama3") {
    s.kind = RopeScaling::Kind::Llama3;
    TS_TRY(s.factor, parameters.number("factor", 1e-6, kMostFactor));
    TS_TRY(s.lowFrequencyFactor, parameters.number("low_freq_factor", 1e-6, kMostFactor));
    TS_TRY(s.highFrequencyFactor, parameters.number("high_freq_factor", 1e-6, kMostFactor));
    if (s.highFrequencyFactor <= s.lowFrequencyFactor) return fail("expected \"high_freq_factor\" above \"low_freq_factor\"", parameters.place());
    return {};
  }
  TS_TRY(s.factor, stretch(parameters, config, s.originalContext));
  if (type == "yarn") {
    s.kind = RopeScaling::Kind::Yarn;
    if (rope.theta <= 1.0) return fail("expected \"rope_theta\" above 1 for YaRN", parameters.place());
    TS_TRY(s.attentionFactor, yarnAttentionFactor(parameters, s.factor));
    TS_TRY(s.betaFast, parameters.number("beta_fast", 0.0, kMostFactor, 32.0));
    TS_TRY(s.betaSlow, parameters.number("beta_slow", 0.0, kMostFactor, 1.0));
    if (s.betaFast == 0.0) s.betaFast = 32.0;  // transformers: "or 32"
    if (s.betaSlow == 0.0) s.betaSlow = 1.0;
    TS_TRY(s.truncate, parameters.truth("truncate", true));
    return {};
  }
  s.kind = RopeScaling::Kind::LongRope;
  TS_TRY(s.attentionFactor, parameters.number("attention_factor", 1e-6, kMostFactor, 0.0));
  TS_TRY(s.shortFactors, parameters.numbers("short_factor", 1e-6, kMostFactor));
  TS_TRY(s.longFactors, parameters.numbers("long_factor", 1e-6, kMostFactor));
  const auto expected = static_cast<std::size_t>(rope.dims / 2);
  if (s.shortFactors.size() != expected || s.longFactors.size() != expected)
    return fail("expected " + std::to_string(expected) + " numbers (half the rotated dimensions of a head) in \"short_factor\" and \"long_factor\"",
                parameters.place());
  return {};
}

}  // namespace

Result<Rope> huggingFaceRope(const JsonFields& parameters, const JsonFields& config, int headDim, double defaultTheta) {
  Rope rope;
  TS_TRY(const double outerTheta, config.number("rope_theta", 1e-3, 1e15, defaultTheta));
  TS_TRY(rope.theta, parameters.number("rope_theta", 1e-3, 1e15, outerTheta));
  TS_TRY(const double outerPart, config.number("partial_rotary_factor", 0.0, 1.0, 1.0));
  TS_TRY(const double part, parameters.number("partial_rotary_factor", 0.0, 1.0, outerPart));
  rope.dims = static_cast<int>(headDim * part);
  if (rope.dims < 2 || rope.dims % 2 != 0)
    return fail("expected an even number of rotated dimensions of a head, found " + std::to_string(rope.dims), parameters.place());
  TS_TRY(std::string type, parameters.text("type", "default"));
  TS_TRY(type, parameters.text("rope_type", type));
  // Phi-3's first releases called LongRoPE "su", and "yarn" by mistake.
  TS_TRY(const std::string modelType, config.text("model_type", ""));
  if (type == "su" || (type == "yarn" && modelType == "phi3")) type = "longrope";
  if (type == "default") return rope;
  if (type != "linear" && type != "llama3" && type != "yarn" && type != "longrope")
    return fail(ErrorKind::Unsupported, "expected rope scaling of type linear, llama3, yarn or longrope, found " + inQuotes(type), parameters.place());
  TS_CHECK(readScaling(type, parameters, config, rope));
  return rope;
}

}  // namespace ts
