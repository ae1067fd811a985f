// SPDX-License-Identifier: GPL-3.0-or-later
#include <iostream>

#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "engine/core/model_path.h"
#include "engine/formats/checkpoint.h"
#include "engine/formats/tokenizer.h"
#include "engine/session/plan.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string model;
};

/// Bytes that one token's key and value rows take in all layers, two bytes a value.
std::uint64_t kvBytesPerToken(const ModelConfig& config) {
  return 4ull * static_cast<std::uint64_t>(config.layerCount()) * static_cast<std::uint64_t>(config.kvHeads) *
         static_cast<std::uint64_t>(config.headDim);
}

Json formatsOf(const Checkpoint& checkpoint) {
  std::map<std::string, std::pair<std::int64_t, std::uint64_t>> byType;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    auto& [count, bytes] = byType[std::string(info(tensor.type).name)];
    ++count;
    bytes += tensor.bytes();
  }
  Json formats = Json::object();
  for (const auto& [type, use] : byType) formats[type] = {{"tensors", use.first}, {"bytes", use.second}};
  return formats;
}

Json tokenizerOf(const Checkpoint& checkpoint) {
  if (!checkpoint.tokenizer) return nullptr;
  const Tokenizer& t = *checkpoint.tokenizer;
  return {{"kind", t.kind()}, {"vocabulary", t.vocabularySize()}, {"bos", t.bos()}, {"eos", t.eos()}, {"adds_bos", t.addsBos()}};
}

void print(const Json& j) {
  Facts facts;
  facts.add("model", j["name"]);
  facts.add("architecture", j["architecture"]);
  facts.add("parameters", countText(j["parameters"]));
  facts.add("layers", countText(j["layers"]) + ", hidden " + countText(j["hidden"]) + ", MLP " + countText(j["intermediate"]));
  facts.add("heads", countText(j["heads"]) + " query, " + countText(j["kv_heads"]) + " key/value, of " + countText(j["head_dim"]));
  facts.add("vocabulary", countText(j["vocabulary"]) + (j["tied_embeddings"].get<bool>() ? ", embedding shared with the head" : ""));
  facts.add("context", countText(j["context_length"]) + " tokens; " + bytesText(j["kv_bytes_per_token"].get<double>()) + " of key/value cache a token in f16");
  std::string formats;
  for (const auto& [type, use] : j["formats"].items())
    formats += (formats.empty() ? "" : ", ") + type + " (" + countText(use["tensors"]) + " tensors, " + bytesText(use["bytes"].get<double>()) + ")";
  facts.add("format", j["format"].get<std::string>() + ": " + formats);
  facts.add("file", bytesText(j["file_bytes"].get<double>()) + "  " + j["path"].get<std::string>());
  const Json& t = j["tokenizer"];
  facts.add("tokenizer", t.is_null() ? "none" : t["kind"].get<std::string>() + ", " + countText(t["vocabulary"]) + " tokens" + (t["adds_bos"].get<bool>() ? ", adds BOS" : ""));
  facts.add("chat template", j["chat_template"].get<bool>() ? "yes" : "none");
  std::string offers;
  for (const auto& offer : j["offers"]) offers += (offers.empty() ? "" : ", ") + offer.get<std::string>();
  facts.add("offers", offers);
  facts.add("fingerprint", j["fingerprint"]);
  facts.print(std::cout);
}

Result<Json> run(Shell& shell, const Flags& flags) {
  TS_TRY(const std::filesystem::path path, modelPath(flags.model));
  TS_TRY(const Checkpoint checkpoint, openCheckpoint(path, shell.stop.get_token()));
  const ModelConfig& c = checkpoint.config;
  const Json j{{"name", c.name}, {"architecture", c.architecture}, {"parameters", checkpoint.parameterCount()},
               {"layers", c.layerCount()}, {"hidden", c.hidden}, {"intermediate", c.intermediate}, {"heads", c.heads},
               {"kv_heads", c.kvHeads}, {"head_dim", c.headDim}, {"vocabulary", c.vocabulary}, {"context_length", c.contextLength},
               {"tied_embeddings", c.tiedEmbeddings}, {"kv_bytes_per_token", kvBytesPerToken(c)},
               {"format", checkpoint.container}, {"weight_format", checkpoint.weightFormat}, {"formats", formatsOf(checkpoint)},
               {"tokenizer", tokenizerOf(checkpoint)}, {"stop_ids", checkpoint.stopIds},
               {"chat_template", !checkpoint.chatTemplate.empty()},
               {"offers", modelOffers(c, checkpoint.tokenizer != nullptr)}, {"metadata", checkpoint.metadata},
               {"file_bytes", checkpoint.fileBytes}, {"fingerprint", checkpoint.fingerprint}, {"path", checkpoint.path.string()}};
  if (!shell.json) print(j);
  return j;
}

}  // namespace

void addInfo(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "info", "What a model is: architecture, parameters, formats, tokenizer, bytes", flags, &run);
  verb.positional("MODEL", flags->model, "The model");
}

}  // namespace ts::cli
