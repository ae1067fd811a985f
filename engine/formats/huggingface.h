// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/families.h"
#include "engine/formats/json_fields.h"
#include "engine/formats/safetensors.h"
#include "engine/model/config.h"

namespace ts {

/// config.json as transformers reads it: `rope_parameters` (transformers 5) or `rope_theta`/`rope_scaling` before,
/// `layer_types` or patterns, a multi-modal file's "text_config", and the family's defaults for what is not said.
/// Errors: an architecture that nothing here runs (with those that are), values out of range (with file and key).
Result<ModelConfig> huggingFaceConfig(const JsonFields& file);

/// Rotary embeddings from `rope_scaling`/`rope_parameters` (flat; `parameters` may be empty) and the configuration
/// around them.
Result<Rope> huggingFaceRope(const JsonFields& parameters, const JsonFields& config, int headDim, double defaultTheta);

/// A folder's tensors by canonical name (checkpoint.h): renamed, fused projections cut into views, Conv1D transposed
/// into copies. `unused` receives the names of what the family has no place for (buffers, a vision tower).
Result<std::map<std::string, Tensor, std::less<>>> huggingFaceTensors(const SafeTensorsFolder& folder, const ModelConfig& config,
                                                                      const std::string& place, std::vector<std::string>& unused);

/// End-of-sequence ids: generation_config.json's, else config.json's.
Result<std::vector<int>> huggingFaceStopIds(const std::filesystem::path& folder, const JsonFields& config);

/// The chat template (Jinja): chat_template.jinja, else tokenizer_config.json's; empty if there is none.
Result<std::string> huggingFaceChatTemplate(const std::filesystem::path& folder);

}  // namespace ts
