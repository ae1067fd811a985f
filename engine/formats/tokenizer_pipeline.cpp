// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tokenizer_pipeline.h"

#include <algorithm>
#include <unordered_map>

#include "engine/formats/tokenizer_utf8.h"

namespace ts {

namespace {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
};

// Words repeat: within one call their ids are remembered (Zipf's law makes this most of the speed on long texts).
class WordCache {
 public:
  explicit WordCache(const TokenModel& model) : model_(model) {}
  void encode(std::string_view word, std::vector<int>& out) {
    constexpr std::size_t kLongest = 40, kMost = 100'000;
    if (word.size() > kLongest) return model_.encode(word, out);
    const auto known = ids_.find(word);
    if (known != ids_.end()) {
      out.insert(out.end(), known->second.begin(), known->second.end());
      return;
    }
    const auto first = static_cast<std::ptrdiff_t>(out.size());
    model_.encode(word, out);
    if (ids_.size() < kMost) ids_.emplace(word, std::vector<int>(out.begin() + first, out.end()));
  }

 private:
  const TokenModel& model_;
  std::unordered_map<std::string, std::vector<int>, TextHash, std::equal_to<>> ids_;
};

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerParts parts) : parts_(std::move(parts)) {
    const int n = parts_.vocabulary->size();
    if (parts_.special.empty()) {
      parts_.special.resize(static_cast<std::size_t>(n));
      for (const AddedToken& a : parts_.added) parts_.special[static_cast<std::size_t>(a.id)] = a.special;
    }
    std::vector<bool> verbatim(static_cast<std::size_t>(n));
    for (const AddedToken& a : parts_.added) {
      verbatim[static_cast<std::size_t>(a.id)] = true;
      if (!a.normalized) {
        raw_.add(a);
        continue;
      }
      AddedToken token = a;
      token.content = normalize(a.content);
      normalized_.add(std::move(token));
    }
    bytes_.reserve(static_cast<std::size_t>(n));
    for (int id = 0; id < n; ++id) bytes_.push_back(verbatim[static_cast<std::size_t>(id)] ? (*parts_.vocabulary)[id] : bytesOf(id));
  }

  using Tokenizer::encode;
  std::vector<int> encode(std::string_view text, EncodeOptions options) const override {
    std::vector<int> out;
    if (options.addSpecial) out = parts_.before;
    std::string repaired;
    if (!isUtf8(text)) text = repaired = repairUtf8(text);
    WordCache cache(*parts_.model);
    std::vector<AddedTokens::Piece> pieces, inner;
    raw_.split(text, options.parseSpecial, pieces);
    for (const auto& piece : pieces) {
      if (piece.id >= 0) {
        out.push_back(piece.id);
        continue;
      }
      const std::string normal = normalize(std::string(piece.text));
      inner.clear();
      normalized_.split(normal, options.parseSpecial, inner);
      for (const auto& stretch : inner) {
        if (stretch.id >= 0)
          out.push_back(stretch.id);
        else
          encodeStretch(stretch.text, piece.text.data() == text.data() && stretch.text.data() == normal.data(), cache, out);
      }
    }
    if (options.addSpecial) out.insert(out.end(), parts_.after.begin(), parts_.after.end());
    return out;
  }

  std::string decode(std::span<const int> ids, bool skipSpecial) const override {
    std::string out;
    bool afterBos = false;
    for (const int id : ids) {
      if (id < 0 || id >= vocabularySize()) continue;
      const bool special = isSpecial(id);
      if (!(special && skipSpecial)) {
        std::string_view bytes = bytes_[static_cast<std::size_t>(id)];
        if (afterBos && parts_.spacePrefix && !special && bytes.starts_with(' ')) bytes.remove_prefix(1);
        out += bytes;
      }
      afterBos = id == parts_.bos;
    }
    return out;
  }

  std::string kind() const override { return parts_.kind; }
  int vocabularySize() const override { return parts_.vocabulary->size(); }
  std::string_view piece(int id) const override {
    return id < 0 || id >= vocabularySize() ? std::string_view() : std::string_view((*parts_.vocabulary)[id]);
  }
  int bos() const override { return parts_.bos; }
  int eos() const override { return parts_.eos; }
  bool addsBos() const override {
    return std::find(parts_.before.begin(), parts_.before.end(), parts_.bos) != parts_.before.end();
  }
  bool isSpecial(int id) const override {
    return id >= 0 && id < vocabularySize() && parts_.special[static_cast<std::size_t>(id)];
  }

 private:
  std::string normalize(std::string text) const {
    for (const Normalizer& n : parts_.normalizers) text = n(std::move(text));
    return text;
  }

  void encodeStretch(std::string_view text, bool atStart, WordCache& cache, std::vector<int>& out) const {
    Words words;
    words.items.push_back(text);
    words.atStart = atStart;
    for (const SplitStep& step : parts_.splits) step(words);
    for (const std::string_view word : words.items)
      if (!word.empty()) cache.encode(word, out);
  }

  std::string bytesOf(int id) const {
    const std::string& piece = (*parts_.vocabulary)[id];
    if (parts_.spelling == Spelling::Metaspace) {
      if (const int byte = byteOfPiece(piece); byte >= 0) return std::string(1, static_cast<char>(byte));
      static const Normalizer spaces = replaceText(std::string(kMetaspace), " ");
      return spaces(piece);
    }
    std::string bytes;
    for (std::string_view rest = piece; !rest.empty();) {
      const std::size_t n = utf8Length(rest);
      const int byte = n > 0 ? byteOfCharacter(utf8Decode(rest)) : -1;
      if (byte < 0) return piece;  // spelled as it is: an added token the file does not list as such
      bytes += static_cast<char>(byte);
      rest.remove_prefix(n);
    }
    return bytes;
  }

  TokenizerParts parts_;
  AddedTokens raw_, normalized_;
  std::vector<std::string> bytes_;
};

}  // namespace

std::shared_ptr<const Tokenizer> makeTokenizer(TokenizerParts parts) {
  return std::make_shared<PipelineTokenizer>(std::move(parts));
}

}  // namespace ts
