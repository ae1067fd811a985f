// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "engine/model/config.h"

namespace ts {

/// A tensor's name in each world, without ".weight"/".bias". `canonical` is checkpoint.h's, or one of the fused ones,
/// which are cut into views: "qkv" (q, k and v below each other), "gate_up".
struct TensorNames {
  std::string_view canonical, huggingFace, gguf;
};

/// A family of models: what Hugging Face and GGUF call it and what its configuration files do not say. Reading,
/// naming and export go by these tables; a new family is a new table.
struct Family {
  std::string_view id;           ///< ModelConfig::architecture
  std::string_view title;        ///< "Gemma 3"
  std::initializer_list<std::string_view> modelTypes;  ///< Hugging Face's model_type
  std::string_view ggufName;     ///< GGUF's general.architecture
  std::span<const TensorNames> outer;   ///< names of the whole model
  std::span<const TensorNames> layers;  ///< names in each layer
  std::string_view layerPrefix;  ///< "layers." of Hugging Face
  std::string_view defaults;     ///< JSON: what transformers assumes where config.json is silent
  NormKind norm = NormKind::Rms;
  NormPlacement placement = NormPlacement::Pre;
  QkNorm qkNorm = QkNorm::None;
  bool gatedMlp = true;
  bool learnedPositions = false;
  bool conv1d = false;           ///< Hugging Face stores linear weights [inputs, outputs]
  bool ggufInterleaved = false;  ///< GGUF permutes the rows of q and k so that rotated pairs are neighbours
};

std::span<const Family> families();
const Family* familyOfModelType(std::string_view modelType);   ///< null if none here
const Family* familyOfGguf(std::string_view architecture);     ///< null if none here
const Family* familyOf(const ModelConfig& config);
std::string supportedFamilies();  ///< "Llama, Mistral, ..." for messages

}  // namespace ts
