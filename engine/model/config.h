// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ts {

/// An architecture is data: these fields say what the one forward pass (model/forward.h) does. A new family is a new
/// filling-in of this struct (formats/architectures.cpp), not a class.
enum class NormKind { Rms, RmsPlusOne, Layer };  ///< RmsPlusOne: Gemma's weight is stored minus one
enum class NormPlacement {
  Pre,         ///< Llama: norm, sublayer, add
  Post,        ///< OLMo 2: sublayer, norm, add
  PreAndPost,  ///< Gemma 3: norm, sublayer, norm, add
};
enum class QkNorm { None, PerHead, Whole };  ///< PerHead: Qwen3, Gemma 3 (over head_dim); Whole: OLMo 2 (over all heads)
enum class Gate { Silu, GeluTanh, Gelu };

struct RopeScaling {
  enum class Kind { None, Linear, Llama3, Yarn, LongRope };
  Kind kind = Kind::None;
  double factor = 1.0;
  double lowFrequencyFactor = 1.0, highFrequencyFactor = 4.0;  ///< Llama 3
  double betaFast = 32.0, betaSlow = 1.0;                      ///< YaRN
  bool truncate = true;                                        ///< YaRN: whole dimensions bound the ramp
  double attentionFactor = 0.0;                                ///< multiplies cos and sin; 0: from the kind's formula
  std::int64_t originalContext = 0;
  std::vector<double> shortFactors, longFactors;  ///< LongRoPE, rotaryDims / 2 each
};

struct Rope {
  double theta = 10000.0;
  int dims = 0;              ///< rotated dimensions of a head (partial rotary), even
  bool interleaved = false;  ///< pairs (2i, 2i+1) as in GGUF's llama; else (i, i + dims/2) as in Hugging Face
  RopeScaling scaling;
};

struct LayerConfig {
  std::int64_t slidingWindow = 0;  ///< a row sees the last `slidingWindow` positions, itself included; 0: all
  int rope = -1;                   ///< index into ModelConfig::ropes; -1: none
  // A layer that structured pruning made smaller than the others; 0 and empty: as the model says.
  int heads = 0, kvHeads = 0, intermediate = 0;
  std::vector<int> queryToKv;      ///< key/value head of each query head, not descending; empty: equal groups
};

struct ModelConfig {
  std::string architecture;  ///< "llama", "mistral", "qwen2", "qwen3", "gemma3", "phi3", "olmo2", "gpt2"
  std::string name;          ///< general.name or the folder's name
  int hidden = 0;
  int heads = 0, kvHeads = 0, headDim = 0;
  int intermediate = 0;
  int vocabulary = 0;
  std::int64_t contextLength = 0;
  NormKind norm = NormKind::Rms;
  float normEpsilon = 1e-5f;
  NormPlacement placement = NormPlacement::Pre;
  QkNorm qkNorm = QkNorm::None;
  Gate gate = Gate::Silu;
  bool gatedMlp = true;           ///< down(gate(x) * up(x)); else down(gate(up(x)))
  bool learnedPositions = false;  ///< GPT-2
  std::vector<Rope> ropes;
  std::vector<LayerConfig> layers;
  float embeddingScale = 1.0f;    ///< Gemma: sqrt(hidden)
  float attentionScale = 0.0f;    ///< 0: 1 / sqrt(headDim)
  float attentionSoftcap = 0.0f, logitSoftcap = 0.0f;  ///< 0: none
  bool tiedEmbeddings = false;

  int layerCount() const { return static_cast<int>(layers.size()); }
  int headsOf(const LayerConfig& layer) const { return layer.heads > 0 ? layer.heads : heads; }
  int kvHeadsOf(const LayerConfig& layer) const { return layer.kvHeads > 0 ? layer.kvHeads : kvHeads; }
  int intermediateOf(const LayerConfig& layer) const { return layer.intermediate > 0 ? layer.intermediate : intermediate; }
};

/// Inverse frequencies and the factor on cos and sin, as Hugging Face transformers computes them
/// (modeling_rope_utils.py), for a sequence that will reach `contextLength` positions.
struct RopeTable {
  std::vector<double> inverseFrequencies;  ///< dims / 2
  double attentionFactor = 1.0;
};
RopeTable ropeTable(const Rope& rope, std::int64_t contextLength);

}  // namespace ts
