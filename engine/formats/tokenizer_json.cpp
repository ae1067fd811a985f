// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tokenizer_json.h"

#include <algorithm>
#include <map>

#include "engine/formats/bpe.h"
#include "engine/formats/json_fields.h"
#include "engine/formats/unigram.h"

namespace ts {
using nlohmann::json;

namespace {

// Pieces by id from all sources; holes stay empty.
class PieceList {
 public:
  explicit PieceList(std::string_view where) : where_(where) {}
  Result<int> put(const std::string& piece, const json* id) {
    if (!id || !id->is_number_unsigned() || id->get<std::uint64_t>() > 0x7FFFFFFF)
      return fail("the id of the piece \"" + piece.substr(0, 40) + "\" is not a whole number", where_);
    entries_.emplace_back(id->get<int>(), piece);
    highest_ = std::max(highest_, id->get<int>());
    return id->get<int>();
  }
  /// The list by id. An id far beyond their count is a broken file, not a vocabulary to make room for.
  Result<std::vector<std::string>> finish() && {
    if (entries_.empty()) return fail("the vocabulary is empty", where_);
    if (static_cast<std::size_t>(highest_) > entries_.size() * 4 + 4096)
      return fail("the vocabulary has " + std::to_string(entries_.size()) + " pieces, but one has the id " + std::to_string(highest_), where_);
    std::vector<std::string> pieces(static_cast<std::size_t>(highest_) + 1);
    for (auto& [id, piece] : entries_) pieces[static_cast<std::size_t>(id)] = std::move(piece);
    return pieces;
  }

 private:
  std::string where_;
  std::vector<std::pair<int, std::string>> entries_;
  int highest_ = -1;
};

Result<MergeList> readMerges(const json& model, std::string_view where) {
  const json* list = member(model, "merges");
  if (!list || !list->is_array()) return fail("the BPE model has no array \"merges\"", std::string(where));
  MergeList merges;
  merges.reserve(list->size());
  for (const json& m : *list) {
    if (m.is_string()) {
      const std::string& text = m.get_ref<const std::string&>();
      const std::size_t space = text.find(' ', 1);
      if (text.starts_with("#version")) continue;
      if (space != std::string::npos && space + 1 < text.size()) {
        merges.emplace_back(text.substr(0, space), text.substr(space + 1));
        continue;
      }
    } else if (m.is_array() && m.size() == 2 && m[0].is_string() && m[1].is_string()) {
      merges.emplace_back(m[0].get<std::string>(), m[1].get<std::string>());
      continue;
    }
    return fail("merge " + std::to_string(merges.size()) + " is neither \"a b\" nor [\"a\", \"b\"]", std::string(where));
  }
  return merges;
}

Result<AddedToken> readAdded(const json& node, std::string_view where) {
  AddedToken token;
  TS_TRY(token.content, textMember(node, "content", "", where));
  TS_TRY(token.special, boolMember(node, "special", false, where));
  TS_TRY(token.normalized, boolMember(node, "normalized", !token.special, where));
  TS_TRY(token.leftStrip, boolMember(node, "lstrip", false, where));
  TS_TRY(token.rightStrip, boolMember(node, "rstrip", false, where));
  TS_TRY(token.singleWord, boolMember(node, "single_word", false, where));
  return token;
}

// The ids a post-processor puts around one sequence. Only those the templates of causal models use have any.
void readPostProcessor(const json& node, const Vocabulary& vocabulary, TokenizerParts& parts, int depth = 0) {
  const json* type = member(node, "type");
  if (!type || depth > 8) return;
  if (*type == "Sequence") {
    if (const json* list = member(node, "processors"); list && list->is_array())
      for (const json& p : *list) readPostProcessor(p, vocabulary, parts, depth + 1);
  } else if (*type == "TemplateProcessing") {
    const json* single = member(node, "single");
    if (!single || !single->is_array()) return;
    bool seen = false;
    for (const json& item : *single) {
      if (member(item, "Sequence")) seen = true;
      const json* special = member(item, "SpecialToken");
      const json* id = special ? member(*special, "id") : nullptr;
      if (!id || !id->is_string()) continue;
      if (const int token = vocabulary.find(id->get_ref<const std::string&>()); token >= 0) (seen ? parts.after : parts.before).push_back(token);
    }
  }
}

int tokenOfConfig(const json& config, const char* name, const Vocabulary& vocabulary) {
  const json* token = member(config, name);
  if (token && token->is_object()) token = member(*token, "content");
  return token && token->is_string() ? vocabulary.find(token->get_ref<const std::string&>()) : -1;
}

// BOS and EOS, and whether they are added, from tokenizer_config.json. Llama's classes build their own post-processor
// from add_bos_token, whatever the file says; others follow the file.
void readConfig(const json& config, TokenizerParts& parts) {
  parts.bos = tokenOfConfig(config, "bos_token", *parts.vocabulary);
  parts.eos = tokenOfConfig(config, "eos_token", *parts.vocabulary);
  const json* bos = member(config, "add_bos_token");
  const json* eos = member(config, "add_eos_token");
  if (bos && bos->is_boolean() && parts.bos >= 0) {
    std::erase(parts.before, parts.bos);
    if (bos->get<bool>()) parts.before.insert(parts.before.begin(), parts.bos);
  }
  if (eos && eos->is_boolean() && parts.eos >= 0) {
    std::erase(parts.after, parts.eos);
    if (eos->get<bool>()) parts.after.push_back(parts.eos);
  }
}

Result<void> readBpe(const json& model, bool byteLevel, std::string_view where, TokenizerParts& parts) {
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    TS_TRY(const std::string text, textMember(model, affix, "", where));
    if (!text.empty()) return fail(ErrorKind::Unsupported, std::string("BPE with ") + affix + " \"" + text + "\" is not supported", std::string(where));
  }
  BpeOptions options;
  options.byteLevel = byteLevel;
  TS_TRY(options.byteFallback, boolMember(model, "byte_fallback", false, where));
  TS_TRY(options.ignoreMerges, boolMember(model, "ignore_merges", false, where));
  TS_TRY(options.fuseUnknown, boolMember(model, "fuse_unk", false, where));
  TS_TRY(const std::string unknown, textMember(model, "unk_token", "", where));
  if (!unknown.empty()) options.unknown = parts.vocabulary->find(unknown);
  TS_TRY(const MergeList merges, readMerges(model, where));
  TS_TRY(parts.model, makeBpe(*parts.vocabulary, merges, options, true, where));
  parts.kind = byteLevel ? "byte-level BPE" : "SentencePiece BPE";
  return {};
}

Result<void> readUnigram(const json& model, std::vector<float> scores, std::string_view where, TokenizerParts& parts) {
  TS_TRY(const bool byteFallback, boolMember(model, "byte_fallback", false, where));
  int unknown = -1;
  if (const json* id = member(model, "unk_id"); id && id->is_number_unsigned() && id->get<std::size_t>() < scores.size())
    unknown = id->get<int>();
  scores.resize(static_cast<std::size_t>(parts.vocabulary->size()));
  std::vector<bool> usable(scores.size(), true);
  for (std::size_t i = 0; i < usable.size(); ++i)
    usable[i] = static_cast<int>(i) != unknown && !(*parts.vocabulary)[static_cast<int>(i)].empty();
  parts.model = makeUnigram(*parts.vocabulary, std::move(scores), usable, unknown, byteFallback);
  parts.kind = "Unigram";
  return {};
}

}  // namespace

const json* member(const json& node, const char* name) {
  if (!node.is_object()) return nullptr;
  const auto it = node.find(name);
  return it == node.end() || it->is_null() ? nullptr : &*it;
}

Result<bool> boolMember(const json& node, const char* name, bool fallback, std::string_view where) {
  const json* m = member(node, name);
  if (!m) return fallback;
  if (!m->is_boolean()) return fail(std::string("\"") + name + "\" must be true or false", std::string(where));
  return m->get<bool>();
}

Result<std::string> textMember(const json& node, const char* name, std::string fallback, std::string_view where) {
  const json* m = member(node, name);
  if (!m) return fallback;
  if (!m->is_string()) return fail(std::string("\"") + name + "\" must be a text", std::string(where));
  return m->get<std::string>();
}

Result<json> parseJson(std::string_view text, std::string_view where) {
  TS_CHECK(checkJsonDepth(text, where));
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    return fail(std::string("not valid JSON: ") + error.what(), std::string(where) + " @ " + std::to_string(error.byte));
  } catch (const json::exception&) {  // a number that no double can hold
    return fail("expected JSON with ordinary numbers", std::string(where));
  }
}

Result<std::shared_ptr<const Tokenizer>> tokenizerOfJson(std::string_view text, std::string_view configText, std::string_view where) {
  TS_TRY(const json root, parseJson(text, where));
  const json* model = member(root, "model");
  if (!model || !model->is_object()) return fail("tokenizer.json has no object \"model\"", std::string(where));
  TS_TRY(std::string type, textMember(*model, "type", "", where));
  const json* vocabulary = member(*model, "vocab");
  if (type.empty() && member(*model, "merges")) type = "BPE";  // files written before tokenizers 0.9
  if (type != "BPE" && type != "Unigram")
    return fail(ErrorKind::Unsupported, "the tokenizer model \"" + type + "\" is not supported; supported: BPE, Unigram", std::string(where));

  PieceList list(where);
  std::vector<float> scores;
  if (type == "BPE") {
    if (!vocabulary || !vocabulary->is_object()) return fail("the BPE model has no object \"vocab\"", std::string(where));
    for (const auto& [piece, id] : vocabulary->items()) TS_CHECK(list.put(piece, &id));
  } else {
    if (!vocabulary || !vocabulary->is_array()) return fail("the Unigram model has no array \"vocab\"", std::string(where));
    for (const json& entry : *vocabulary) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
        return fail("vocabulary entry " + std::to_string(scores.size()) + " is not [\"piece\", score]", std::string(where));
      const json id = scores.size();
      TS_CHECK(list.put(entry[0].get<std::string>(), &id));
      scores.push_back(entry[1].get<float>());
    }
  }

  TokenizerParts parts;
  if (const json* added = member(root, "added_tokens"); added && added->is_array()) {
    for (const json& node : *added) {
      TS_TRY(AddedToken token, readAdded(node, where));
      TS_TRY(token.id, list.put(token.content, member(node, "id")));
      parts.added.push_back(std::move(token));
    }
  }
  TS_TRY(std::vector<std::string> pieces, std::move(list).finish());
  parts.vocabulary = std::make_shared<const Vocabulary>(std::move(pieces));

  if (const json* normalizer = member(root, "normalizer")) TS_CHECK(readNormalizer(*normalizer, where, parts.normalizers));
  SplitChain chain;
  if (const json* splitter = member(root, "pre_tokenizer")) TS_CHECK(readPreTokenizer(*splitter, where, chain));
  parts.splits = std::move(chain.steps);
  parts.spelling = chain.byteLevel ? Spelling::Bytes : Spelling::Metaspace;
  parts.spacePrefix = chain.spacePrefix;
  if (const json* normalizer = member(root, "normalizer"); normalizer && normalizer->dump().find("\"Prepend\"") != std::string::npos)
    parts.spacePrefix = true;

  TS_CHECK(type == "BPE" ? readBpe(*model, chain.byteLevel, where, parts) : readUnigram(*model, std::move(scores), where, parts));

  if (const json* post = member(root, "post_processor")) readPostProcessor(*post, *parts.vocabulary, parts);
  if (!configText.empty()) {
    TS_TRY(const json config, parseJson(configText, "tokenizer_config.json beside " + std::string(where)));
    readConfig(config, parts);
  }
  if (parts.bos < 0 && !parts.before.empty()) parts.bos = parts.before.front();
  return makeTokenizer(std::move(parts));
}

}  // namespace ts
