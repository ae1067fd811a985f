// SPDX-License-Identifier: GPL-3.0-or-later
// The tokenizer.ggml.* metadata of a GGUF file. What the names mean: ggml-org/llama.cpp, src/llama-vocab.cpp; where a model's own
// tokenizer normalizes (Qwen2: NFC) and llama.cpp does not, the model's own way is taken.
#include <algorithm>
#include <map>

#include "engine/formats/bpe.h"
#include "engine/formats/tokenizer_load.h"
#include "engine/formats/tokenizer_pipeline.h"
#include "engine/formats/unigram.h"

namespace ts {

namespace {

enum TokenKind { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };

class Metadata {
 public:
  explicit Metadata(const GgufFile& file) : file_(file) {}
  std::string where() const { return file_.path.string(); }

  std::string text(std::string_view key) const {
    const auto* v = value<std::string>(key);
    return v ? *v : std::string();
  }
  bool flag(std::string_view key, bool fallback) const {
    const auto* v = value<bool>(key);
    return v ? *v : fallback;
  }
  int id(std::string_view key, std::int64_t vocabulary) const {
    const auto* v = value<std::int64_t>(key);
    return v && *v >= 0 && *v < vocabulary ? static_cast<int>(*v) : -1;
  }
  template <class T>
  const std::vector<T>* list(std::string_view key) const {
    const auto* v = value<std::shared_ptr<const GgufArray>>(key);
    return v && *v ? std::get_if<std::vector<T>>(&(*v)->items) : nullptr;
  }

 private:
  template <class T>
  const T* value(std::string_view key) const {
    const auto it = file_.metadata.find("tokenizer.ggml." + std::string(key));
    return it == file_.metadata.end() ? nullptr : std::get_if<T>(&it->second);
  }
  const GgufFile& file_;
};

// What tokenizer.ggml.pre stands for.
struct Pre {
  std::vector<std::string_view> patterns;  // applied in order, each to the words the one before made
  bool ignoreMerges = false;
  bool addsBos = false;
  bool nfc = false;
  bool prefixSpace = false;
};

const std::map<std::string_view, Pre>& knownPres() {
  using namespace pattern;
  static const Pre gpt2{{kGpt2}}, digits{{R"(\p{N})", kGpt2}}, llama3{{kLlama3}}, llama3Bos{{kLlama3}, true, true};
  static const Pre falcon{{R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, R"([0-9][0-9][0-9])"}};
  static const Pre plain{{R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, R"(\p{N}+)", R"([0-9][0-9][0-9])"}};
  static const Pre deepseekCoder{{"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", "[一-龥ࠀ-一가-퟿]+", R"(\p{N})"}};
  static const Pre deepseek3{{R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+",
                              R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"}};
  static const std::map<std::string_view, Pre> known = {
      {"default", plain},
      {"gpt-2", gpt2}, {"phi-2", gpt2}, {"mpt", gpt2}, {"olmo", gpt2}, {"jais", gpt2}, {"trillion", gpt2},
      {"granite-docling", gpt2}, {"gigachat", gpt2}, {"jina-es", gpt2}, {"jina-de", gpt2}, {"jina-v2-es", gpt2},
      {"jina-v2-de", gpt2}, {"roberta-bpe", gpt2}, {"exaone4", gpt2},
      {"smollm", digits}, {"starcoder", digits}, {"refact", digits}, {"command-r", digits}, {"codeshell", digits},
      {"exaone", digits}, {"minerva-7b", digits},
      {"llama3", llama3Bos}, {"llama-v3", llama3Bos}, {"llama-bpe", llama3Bos}, {"falcon3", llama3Bos}, {"falcon-h1", llama3Bos},
      {"dbrx", llama3}, {"smaug-bpe", llama3}, {"chatglm-bpe", llama3}, {"glm4", llama3}, {"lfm2", llama3Bos},
      {"qwen2", {{kQwen2}, false, false, true}}, {"deepseek-r1-qwen", {{kQwen2}, false, false, true}}, {"stablelm2", {{kQwen2}}},
      {"megrez", {{kQwen2}}}, {"hunyuan", {{kQwen2}}},
      {"tekken", {{kTekken}, true, true}}, {"gpt-4o", {{kGpt4o}}}, {"llama4", {{kGpt4o}}},
      {"falcon", falcon}, {"deepseek-coder", deepseekCoder}, {"deepseek-v3", deepseek3},
  };
  return known;
}

Result<void> fillByteLevel(const Metadata& meta, TokenizerParts& parts) {
  const auto* lines = meta.list<std::string>("merges");
  if (!lines) return fail("a byte-level BPE tokenizer needs the metadata array tokenizer.ggml.merges", meta.where());
  MergeList merges;
  merges.reserve(lines->size());
  for (const std::string& line : *lines) {
    const std::size_t space = line.find(' ', 1);
    if (space == std::string::npos)
      return fail("tokenizer.ggml.merges[" + std::to_string(merges.size()) + "] is not two pieces with a space between", meta.where());
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  const std::string name = meta.text("pre").empty() ? "default" : meta.text("pre");
  const auto known = knownPres().find(name);
  if (known == knownPres().end()) {
    std::string names;
    for (const auto& [n, pre] : knownPres()) names += (names.empty() ? "" : ", ") + std::string(n);
    return fail(ErrorKind::Unsupported, "tokenizer.ggml.pre is \"" + name + "\", a way of splitting text that is not supported; supported: " + names, meta.where());
  }
  const Pre& pre = known->second;
  if (pre.nfc) parts.normalizers.push_back(normalizeUnicode(UnicodeForm::C));
  if (meta.flag("add_space_prefix", false)) parts.splits.push_back(prefixSpace());
  for (const std::string_view p : pre.patterns) parts.splits.push_back(splitByPattern(Regex::known(p), SplitBehavior::Isolated));
  BpeOptions options;
  options.byteLevel = true;
  options.ignoreMerges = pre.ignoreMerges;
  TS_TRY(parts.model, makeBpe(*parts.vocabulary, merges, options, false, meta.where()));
  if (meta.flag("add_bos_token", pre.addsBos) && parts.bos >= 0) parts.before.push_back(parts.bos);
  if (meta.flag("add_eos_token", false) && parts.eos >= 0) parts.after.push_back(parts.eos);
  parts.spelling = Spelling::Bytes;
  parts.kind = "byte-level BPE";
  return {};
}

Result<std::vector<float>> readScores(const Metadata& meta, std::size_t count) {
  const auto* scores = meta.list<double>("scores");
  if (!scores || scores->size() != count)
    return fail("a SentencePiece tokenizer needs the metadata array tokenizer.ggml.scores with " + std::to_string(count) + " numbers", meta.where());
  return std::vector<float>(scores->begin(), scores->end());
}

Result<void> fillSentencePiece(const Metadata& meta, bool unigram, const std::vector<int>& kinds, TokenizerParts& parts) {
  TS_TRY(std::vector<float> scores, readScores(meta, kinds.size()));
  int unknown = meta.id("unknown_token_id", static_cast<std::int64_t>(kinds.size()));
  std::vector<bool> usable(kinds.size());
  bool bytes = false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    usable[i] = kinds[i] == Normal || kinds[i] == UserDefined || (!unigram && kinds[i] == Unused);
    bytes |= kinds[i] == Byte;
    if (unknown < 0 && kinds[i] == Unknown) unknown = static_cast<int>(i);
  }
  if (const auto* blob = meta.list<std::int64_t>("precompiled_charsmap"); unigram && blob && !blob->empty()) {
    std::string raw;
    for (const std::int64_t b : *blob) raw += static_cast<char>(b);
    TS_TRY(Normalizer map, precompiledCharsmap(std::move(raw), meta.where()));
    parts.normalizers.push_back(std::move(map));
  }
  if (meta.flag("remove_extra_whitespaces", false)) parts.normalizers.push_back(collapseSpaces());
  parts.spacePrefix = meta.flag("add_space_prefix", true);
  if (parts.spacePrefix) parts.normalizers.push_back(prepend(" "));
  parts.normalizers.push_back(replaceText(" ", std::string(kMetaspace)));
  parts.model = unigram ? makeUnigram(*parts.vocabulary, std::move(scores), usable, unknown, bytes)
                        : makeScoredBpe(*parts.vocabulary, std::move(scores), usable, unknown);
  if (meta.flag("add_bos_token", !unigram) && parts.bos >= 0) parts.before.push_back(parts.bos);
  if (meta.flag("add_eos_token", unigram) && parts.eos >= 0) parts.after.push_back(parts.eos);
  parts.spelling = Spelling::Metaspace;
  parts.kind = unigram ? "Unigram" : "SentencePiece BPE";
  return {};
}

// Phi-3's special tokens swallow the white space after them (its tokenizer.json says so; GGUF has no field for it).
bool swallowsSpace(const GgufFile& file, const std::string& piece) {
  const auto it = file.metadata.find("general.architecture");
  const auto* architecture = it == file.metadata.end() ? nullptr : std::get_if<std::string>(&it->second);
  return architecture && *architecture == "phi3" && piece != "<unk>" && piece != "<s>" && piece != "<|endoftext|>";
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> tokenizerOfGguf(const GgufFile& file) {
  const Metadata meta(file);
  const std::string model = meta.text("model");
  if (model.empty() || model == "none" || model == "no_vocab") return std::shared_ptr<const Tokenizer>();
  if (model != "gpt2" && model != "llama" && model != "t5")
    return fail(ErrorKind::Unsupported,
                "tokenizer.ggml.model is \"" + model + "\", which is not supported; supported: gpt2 (byte-level BPE), llama "
                "(SentencePiece BPE), t5 (Unigram)",
                meta.where());
  const auto* pieces = meta.list<std::string>("tokens");
  if (!pieces || pieces->empty()) return fail("the metadata array tokenizer.ggml.tokens is missing or empty", meta.where());
  const auto n = static_cast<std::int64_t>(pieces->size());
  std::vector<int> kinds(pieces->size(), Normal);
  if (const auto* types = meta.list<std::int64_t>("token_type")) {
    if (types->size() != pieces->size())
      return fail("tokenizer.ggml.token_type has " + std::to_string(types->size()) + " entries for " + std::to_string(n) + " tokens", meta.where());
    std::transform(types->begin(), types->end(), kinds.begin(), [](std::int64_t t) { return static_cast<int>(t); });
  }

  TokenizerParts parts;
  parts.vocabulary = std::make_shared<const Vocabulary>(*pieces);
  parts.bos = meta.id("bos_token_id", n);
  parts.eos = meta.id("eos_token_id", n);
  parts.special.resize(pieces->size());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const bool special = kinds[i] == Control || kinds[i] == Unknown;
    parts.special[i] = special;
    if (!special && kinds[i] != UserDefined) continue;
    AddedToken token;
    token.id = static_cast<int>(i);
    token.content = (*pieces)[i];
    token.special = special;
    token.rightStrip = swallowsSpace(file, token.content);
    parts.added.push_back(std::move(token));
  }
  TS_CHECK(model == "gpt2" ? fillByteLevel(meta, parts) : fillSentencePiece(meta, model == "t5", kinds, parts));
  return makeTokenizer(std::move(parts));
}

}  // namespace ts
