// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"
#include "engine/formats/tokenizer_pipeline.h"

namespace ts {

/// The parts of a tokenizer.json that make up a chain; each appends its steps. Errors name the type found and those
/// that are supported. `where` is the file.
Result<void> readNormalizer(const nlohmann::json& node, std::string_view where, std::vector<Normalizer>& out, int depth = 0);
struct SplitChain {
  std::vector<SplitStep> steps;
  bool byteLevel = false;    ///< words are spelled in GPT-2's characters
  bool spacePrefix = false;  ///< a Metaspace step adds one
};
Result<void> readPreTokenizer(const nlohmann::json& node, std::string_view where, SplitChain& out, int depth = 0);

/// A tokenizer from the text of a tokenizer.json and, if there is one, of its tokenizer_config.json (for BOS and EOS).
Result<std::shared_ptr<const Tokenizer>> tokenizerOfJson(std::string_view json, std::string_view config, std::string_view where);

/// Typed members of an object, with a fallback where they are absent or null; errors name the member.
Result<bool> boolMember(const nlohmann::json& node, const char* name, bool fallback, std::string_view where);
Result<std::string> textMember(const nlohmann::json& node, const char* name, std::string fallback, std::string_view where);
const nlohmann::json* member(const nlohmann::json& node, const char* name);  ///< null: absent or JSON null
Result<nlohmann::json> parseJson(std::string_view text, std::string_view where);

}  // namespace ts
