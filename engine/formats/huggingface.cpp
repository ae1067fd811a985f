// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/huggingface.h"

#include <set>

#include "engine/core/mapped_file.h"
#include "engine/formats/byte_reader.h"
#include "engine/formats/cut.h"

namespace ts {
namespace {

/// Takes tensors out of the folder by name and remembers which were taken.
class Taker {
 public:
  Taker(const SafeTensorsFolder& folder, std::string place) : folder_(folder), place_(std::move(place)) {}

  bool has(const std::string& name) const { return folder_.tensors.contains(name); }

  /// Null when there is none of this name; an error when its type is none that holds weights.
  Result<const Tensor*> take(const std::string& name) {
    const auto it = folder_.tensors.find(name);
    if (it == folder_.tensors.end()) return nullptr;
    taken_.insert(name);
    if (!it->second.readable)
      return fail(ErrorKind::Unsupported, "expected tensor " + inQuotes(name) + " to hold F32, F16 or BF16 values, found " + inQuotes(it->second.dtype), place_);
    return &it->second.tensor;
  }
  std::vector<std::string> rest() const {
    std::vector<std::string> out;
    for (const auto& [name, tensor] : folder_.tensors)
      if (!taken_.contains(name)) out.push_back(name);
    return out;
  }

 private:
  const SafeTensorsFolder& folder_;
  std::string place_;
  std::set<std::string> taken_;
};

/// Where the family's body and head are: alone, in a causal model, or in a multi-modal one (two layouts).
struct Prefixes {
  std::string body, head;
};
Result<Prefixes> prefixesOf(const Family& family, const SafeTensorsFolder& folder, const std::string& place) {
  const std::string embedding = std::string(family.outer.front().huggingFace) + ".weight";
  for (const auto& [body, head] : {Prefixes{"model.", ""}, {"transformer.", ""}, {"", ""}, {"model.language_model.", ""},
                                   {"language_model.model.", "language_model."}, {"language_model.", ""}})
    if (folder.tensors.contains(body + embedding)) return Prefixes{body, head};
  return fail("expected tensor \"model." + embedding + "\" of a " + std::string(family.title) + " model", place);
}

}  // namespace

Result<std::map<std::string, Tensor, std::less<>>> huggingFaceTensors(const SafeTensorsFolder& folder, const ModelConfig& config,
                                                                      const std::string& place, std::vector<std::string>& unused) {
  const Family& family = *familyOf(config);
  TS_TRY(const Prefixes prefixes, prefixesOf(family, folder, place));
  Taker taker(folder, place);
  std::map<std::string, Tensor, std::less<>> out;
  for (const TensorNames& names : family.outer) {
    const bool head = names.canonical == "head";
    for (const std::string ending : {".weight", ".bias"}) {
      TS_TRY(const Tensor* tensor, taker.take((head ? prefixes.head : prefixes.body) + std::string(names.huggingFace) + ending));
      if (tensor != nullptr && !(head && ending == ".weight" && config.tiedEmbeddings)) out.emplace(std::string(names.canonical) + ending, *tensor);
    }
  }
  for (int layer = 0; layer < config.layerCount(); ++layer) {
    const std::string from = prefixes.body + std::string(family.layerPrefix) + std::to_string(layer) + ".";
    for (const TensorNames& names : family.layers) {
      const bool norm = names.canonical.ends_with("_norm");
      for (const std::string ending : {".weight", ".bias"}) {
        const std::string name = from + std::string(names.huggingFace) + ending;
        TS_TRY(const Tensor* found, taker.take(name));
        if (found == nullptr) continue;
        const Tensor tensor = family.conv1d && !norm && ending == ".weight" ? transposed(*found) : *found;
        TS_CHECK(putCut(names.canonical, ending, tensor, config, layer, name, place, out));
      }
    }
  }
  unused = taker.rest();
  return out;
}

Result<std::vector<int>> huggingFaceStopIds(const std::filesystem::path& folder, const JsonFields& config) {
  const auto idsOf = [](const JsonFields& in) -> Result<std::vector<int>> {
    std::vector<int> out;
    const auto* value = in.find("eos_token_id");
    if (value == nullptr) return out;
    constexpr std::int64_t kMost = std::int64_t{1} << 24;
    if (!value->is_array()) {
      TS_TRY(const auto id, in.integer("eos_token_id", -1, kMost));
      if (id >= 0) out.push_back(static_cast<int>(id));
      return out;
    }
    TS_TRY(const auto ids, in.numbers("eos_token_id", 0.0, static_cast<double>(kMost)));
    for (const double id : ids) out.push_back(static_cast<int>(id));
    return out;
  };
  std::error_code ignored;
  if (const auto path = folder / "generation_config.json"; std::filesystem::exists(path, ignored)) {
    TS_TRY(const JsonFields generation, readJsonObject(path));
    TS_TRY(auto ids, idsOf(generation));
    if (!ids.empty()) return ids;
  }
  TS_TRY(auto ids, idsOf(config));
  if (!ids.empty() || !config.has("text_config")) return ids;
  TS_TRY(const JsonFields text, config.child("text_config"));
  return idsOf(text);
}

Result<std::string> huggingFaceChatTemplate(const std::filesystem::path& folder) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  std::error_code ignored;
  if (const auto path = folder / "chat_template.jinja"; std::filesystem::exists(path, ignored)) return readTextFile(path, kMost);
  const auto path = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(path, ignored)) return std::string();
  TS_TRY(const JsonFields in, readJsonObject(path));
  const auto* value = in.find("chat_template");
  if (value == nullptr) return std::string();
  if (!value->is_array()) return in.text("chat_template");
  for (const auto& item : *value)  // several by name: the default one
    if (item.is_object() && item.value("name", nlohmann::json()) == "default" && item.contains("template") && item["template"].is_string())
      return item["template"].get<std::string>();
  return std::string();
}

}  // namespace ts
