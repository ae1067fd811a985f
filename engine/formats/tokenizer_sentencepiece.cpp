// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tokenizer_sentencepiece.h"

#include <sentencepiece_processor.h>

#include "engine/formats/tokenizer_json.h"

namespace ts {
using nlohmann::json;

namespace {

class SentencePieceModel final : public TokenModel {
 public:
  explicit SentencePieceModel(std::shared_ptr<const sentencepiece::SentencePieceProcessor> processor) : processor_(std::move(processor)) {}
  void encode(std::string_view text, std::vector<int>& out) const override {
    std::vector<int> ids;
    if (processor_->Encode({text.data(), text.size()}, &ids).ok()) out.insert(out.end(), ids.begin(), ids.end());
  }

 private:
  std::shared_ptr<const sentencepiece::SentencePieceProcessor> processor_;
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> tokenizerOfSentencePiece(std::string_view model, std::string_view config,
                                                                  std::string_view addedTokens, std::string_view where) {
  auto processor = std::make_shared<sentencepiece::SentencePieceProcessor>();
  if (const auto status = processor->LoadFromSerializedProto({model.data(), model.size()}); !status.ok())
    return fail("not a SentencePiece model: " + status.ToString(), std::string(where));
  const int n = processor->GetPieceSize();
  if (n <= 0) return fail("the SentencePiece model has no pieces", std::string(where));

  TokenizerParts parts;
  std::vector<std::string> pieces;
  for (int id = 0; id < n; ++id) {
    pieces.push_back(processor->IdToPiece(id));
    if (processor->IsControl(id) && !pieces.back().empty()) {
      AddedToken token;
      token.id = id;
      token.content = pieces.back();
      token.special = true;
      parts.added.push_back(std::move(token));
    }
  }
  if (!addedTokens.empty()) {
    TS_TRY(const json list, parseJson(addedTokens, "added_tokens.json beside " + std::string(where)));
    for (const auto& [content, id] : list.items()) {
      if (!id.is_number_unsigned() || id.get<std::size_t>() > static_cast<std::size_t>(n) + 100'000)
        return fail("the id of the added token \"" + content + "\" does not follow the vocabulary", std::string(where));
      AddedToken token;
      token.id = id.get<int>();
      token.content = content;
      if (token.id >= static_cast<int>(pieces.size())) pieces.resize(static_cast<std::size_t>(token.id) + 1);
      pieces[static_cast<std::size_t>(token.id)] = content;
      parts.added.push_back(std::move(token));
    }
  }
  parts.vocabulary = std::make_shared<const Vocabulary>(std::move(pieces));
  parts.model = std::make_shared<SentencePieceModel>(processor);
  parts.spelling = Spelling::Metaspace;
  parts.kind = "SentencePiece";
  parts.bos = processor->bos_id();
  parts.eos = processor->eos_id();
  std::vector<int> probe;  // does the model's normalizer add a space before the text?
  parts.spacePrefix = processor->Encode("a", &probe).ok() && !probe.empty() &&
                      (*parts.vocabulary)[probe.front()].starts_with(std::string(kMetaspace));
  bool addBos = true, addEos = false;
  if (!config.empty()) {
    TS_TRY(const json root, parseJson(config, "tokenizer_config.json beside " + std::string(where)));
    TS_TRY(addBos, boolMember(root, "add_bos_token", true, where));
    TS_TRY(addEos, boolMember(root, "add_eos_token", false, where));
  }
  if (addBos && parts.bos >= 0) parts.before.push_back(parts.bos);
  if (addEos && parts.eos >= 0) parts.after.push_back(parts.eos);
  return makeTokenizer(std::move(parts));
}

}  // namespace ts
