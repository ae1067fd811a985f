// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/core/mapped_file.h"
#include "engine/formats/export_metadata.h"
#include "engine/formats/json_fields.h"
#include "engine/formats/tokenizer.h"
#include "engine/formats/tokenizer_split.h"

namespace ts {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

enum TokenKind : std::int64_t { Normal = 1, Control = 3, UserDefined = 4, Unused = 5 };

/// The steps of a pre_tokenizer in a row, Sequences unfolded.
void unfold(const Json& node, std::vector<Json>& out, int depth = 0) {
  if (!node.is_object() || depth > 8) return;
  if (node.value("type", "") != "Sequence") return out.push_back(node);
  for (const char* list : {"pretokenizers", "normalizers"})
    if (node.contains(list))
      for (const Json& child : node[list]) unfold(child, out, depth + 1);
}

std::string typeOf(const Json& node) { return node.value("type", ""); }

/// tokenizer.ggml.pre for a byte-level BPE's way of splitting text; none where GGUF has no word for it.
std::optional<std::string> ggufPre(const Json& tokenizer) {
  std::vector<Json> normalizers, steps;
  if (tokenizer.contains("normalizer")) unfold(tokenizer["normalizer"], normalizers);
  if (tokenizer.contains("pre_tokenizer")) unfold(tokenizer["pre_tokenizer"], steps);
  const bool nfc = normalizers.size() == 1 && typeOf(normalizers[0]) == "NFC";
  if (!normalizers.empty() && !nfc) return std::nullopt;
  if (steps.empty() || typeOf(steps.back()) != "ByteLevel" || steps.back().value("add_prefix_space", true)) return std::nullopt;
  const bool gpt2 = steps.back().value("use_regex", true);
  if (steps.size() == 1) return gpt2 && !nfc ? std::optional<std::string>("gpt-2") : std::nullopt;
  if (steps.size() != 2) return std::nullopt;
  const Json& first = steps.front();
  if (typeOf(first) == "Digits") return gpt2 && !nfc && first.value("individual_digits", false) ? std::optional<std::string>("smollm") : std::nullopt;
  if (gpt2 || typeOf(first) != "Split" || first.value("behavior", "") != "Isolated" || first.value("invert", false)) return std::nullopt;
  const Json expression = first.value("pattern", Json::object()).value("Regex", Json());
  if (!expression.is_string()) return std::nullopt;
  const auto regex = expression.get<std::string>();
  const bool ignoreMerges = tokenizer["model"].value("ignore_merges", false);
  if (regex == pattern::kLlama3 && !nfc) return ignoreMerges ? "llama-bpe" : "dbrx";
  if (regex == pattern::kQwen2 && !ignoreMerges) return nfc ? "qwen2" : "stablelm2";
  if (regex == pattern::kTekken && !nfc && ignoreMerges) return "tekken";
  if (regex == pattern::kGpt4o && !nfc && !ignoreMerges) return "gpt-4o";
  return std::nullopt;
}

template <class T>
GgufValue listOf(std::vector<T> items) {
  return std::make_shared<const GgufArray>(GgufArray{std::move(items)});
}

/// Tokens by id with their kinds, and merges as "a b".
void putByteLevel(const Json& json, int vocabulary, const std::string& pre, GgufFile& out) {
  const auto size = static_cast<std::size_t>(vocabulary);
  std::vector<std::string> tokens(size);
  std::vector<std::int64_t> kinds(size, Unused);
  const auto put = [&](const std::string& piece, const Json& id, std::int64_t kind) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= size) return;
    tokens[id.get<std::size_t>()] = piece;
    kinds[id.get<std::size_t>()] = kind;
  };
  for (const auto& [piece, id] : json["model"]["vocab"].items()) put(piece, id, Normal);
  if (json.contains("added_tokens"))
    for (const Json& token : json["added_tokens"]) put(token.value("content", ""), token.value("id", Json()), token.value("special", false) ? Control : UserDefined);
  for (std::size_t i = 0; i < size; ++i)
    if (kinds[i] == Unused && tokens[i].empty()) tokens[i] = "[PAD" + std::to_string(i) + "]";  // llama.cpp wants each piece once
  std::vector<std::string> merges;
  for (const Json& merge : json["model"]["merges"]) {
    if (merge.is_string()) merges.push_back(merge.get<std::string>());
    if (merge.is_array() && merge.size() == 2) merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  out.metadata["tokenizer.ggml.model"] = std::string("gpt2");
  out.metadata["tokenizer.ggml.pre"] = pre;
  out.metadata["tokenizer.ggml.tokens"] = listOf(std::move(tokens));
  out.metadata["tokenizer.ggml.token_type"] = listOf(std::move(kinds));
  out.metadata["tokenizer.ggml.merges"] = listOf(std::move(merges));
}

}  // namespace

Result<void> putTokenizer(const Checkpoint& source, GgufFile& out) {
  if (!source.chatTemplate.empty()) out.metadata["tokenizer.chat_template"] = source.chatTemplate;
  const Tokenizer* tokenizer = source.tokenizer.get();
  if (tokenizer == nullptr) {
    if (!source.stopIds.empty()) out.metadata["tokenizer.ggml.eos_token_id"] = std::int64_t{source.stopIds.front()};
    return {};
  }
  if (tokenizer->bos() >= 0) out.metadata["tokenizer.ggml.bos_token_id"] = std::int64_t{tokenizer->bos()};
  const int eos = tokenizer->eos() >= 0 || source.stopIds.empty() ? tokenizer->eos() : source.stopIds.front();
  if (eos >= 0) out.metadata["tokenizer.ggml.eos_token_id"] = std::int64_t{eos};
  for (const int id : source.stopIds)
    if (id != eos) out.metadata["tokenizer.ggml.eot_token_id"] = std::int64_t{id};
  out.metadata["tokenizer.ggml.add_bos_token"] = tokenizer->addsBos();
  out.metadata["tokenizer.ggml.model"] = std::string("no_vocab");

  std::error_code ignored;
  const fs::path path = source.path / "tokenizer.json";
  if (!fs::exists(path, ignored))
    return fail(ErrorKind::Unsupported, "expected tokenizer.json: a tokenizer.model alone cannot be put into a GGUF file here", source.path.string());
  TS_TRY(const std::string text, readTextFile(path));
  out.metadata[std::string(kTokenizerJsonKey)] = text;
  if (const fs::path config = source.path / "tokenizer_config.json"; fs::exists(config, ignored)) {
    TS_TRY(std::string configText, readTextFile(config));
    out.metadata[std::string(kTokenizerConfigKey)] = std::move(configText);
  }
  try {  // the tokenizer was built from this very text, so its shape is known; a surprise only costs the second form
    const Json json = Json::parse(text);
    if (typeOf(json.at("model")) == "BPE")
      if (const auto pre = ggufPre(json)) putByteLevel(json, source.config.vocabulary, *pre, out);
  } catch (const Json::exception&) {
    out.metadata["tokenizer.ggml.model"] = std::string("no_vocab");
  }
  return {};
}

}  // namespace ts
