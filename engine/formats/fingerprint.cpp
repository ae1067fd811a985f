// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/fingerprint.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>

namespace ts {
namespace {

class Hash {
 public:
  Hash() : state_(XXH3_createState(), &XXH3_freeState) { XXH3_128bits_reset(state_.get()); }
  void bytes(const void* data, std::size_t size) { XXH3_128bits_update(state_.get(), data, size); }
  void text(std::string_view value) {
    number(static_cast<std::int64_t>(value.size()));
    bytes(value.data(), value.size());
  }
  void number(std::int64_t value) { bytes(&value, sizeof value); }
  void real(double value) { bytes(&value, sizeof value); }
  void reals(const std::vector<double>& values) {
    number(static_cast<std::int64_t>(values.size()));
    bytes(values.data(), values.size() * sizeof(double));
  }
  std::string hex() const {
    const XXH128_hash_t digest = XXH3_128bits_digest(state_.get());
    char text[33];
    std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(digest.high64), static_cast<unsigned long long>(digest.low64));
    return text;
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

void addConfig(const ModelConfig& c, Hash& hash) {
  hash.text(c.architecture);
  for (const std::int64_t v : {static_cast<std::int64_t>(c.hidden), static_cast<std::int64_t>(c.heads), static_cast<std::int64_t>(c.kvHeads),
                               static_cast<std::int64_t>(c.headDim), static_cast<std::int64_t>(c.intermediate), static_cast<std::int64_t>(c.vocabulary),
                               c.contextLength, static_cast<std::int64_t>(c.norm), static_cast<std::int64_t>(c.placement), static_cast<std::int64_t>(c.qkNorm),
                               static_cast<std::int64_t>(c.gate), static_cast<std::int64_t>(c.gatedMlp), static_cast<std::int64_t>(c.learnedPositions),
                               static_cast<std::int64_t>(c.tiedEmbeddings)})
    hash.number(v);
  for (const float v : {c.normEpsilon, c.embeddingScale, c.attentionScale, c.attentionSoftcap, c.logitSoftcap}) hash.real(v);
  hash.number(static_cast<std::int64_t>(c.ropes.size()));
  for (const Rope& rope : c.ropes) {
    const RopeScaling& s = rope.scaling;
    for (const double v : {rope.theta, s.factor, s.lowFrequencyFactor, s.highFrequencyFactor, s.betaFast, s.betaSlow, s.attentionFactor}) hash.real(v);
    for (const std::int64_t v : {static_cast<std::int64_t>(rope.dims), static_cast<std::int64_t>(rope.interleaved), static_cast<std::int64_t>(s.kind),
                                 s.originalContext, static_cast<std::int64_t>(s.truncate)})
      hash.number(v);
    hash.reals(s.shortFactors);
    hash.reals(s.longFactors);
  }
  for (const LayerConfig& layer : c.layers) {
    hash.number(layer.slidingWindow);
    hash.number(layer.rope);
    for (const int v : {layer.heads, layer.kvHeads, layer.intermediate}) hash.number(v);
    for (const int v : layer.queryToKv) hash.number(v);
  }
}

}  // namespace

Result<std::string> Fingerprint::hex() {
  constexpr std::size_t kChunk = std::size_t{32} << 20;
  Hash hash;
  addConfig(config_, hash);
  for (const auto& [name, tensor] : tensors_) {
    hash.text(name);
    hash.text(info(tensor.type).name);
    hash.number(tensor.rows);
    hash.number(tensor.cols);
    for (std::size_t at = 0; at < tensor.bytes(); at += kChunk) {
      if (stop_.stop_requested()) return fail(ErrorKind::Cancelled, "stopped while reading the model");
      hash.bytes(tensor.data + at, std::min(kChunk, tensor.bytes() - at));
    }
  }
  return hash.hex();
}

}  // namespace ts
