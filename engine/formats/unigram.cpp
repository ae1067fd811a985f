// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/unigram.h"

#include <algorithm>
#include <array>
#include <limits>

#include "engine/formats/tokenizer_tables.h"
#include "engine/formats/tokenizer_utf8.h"

namespace ts {

namespace {

class Unigram final : public TokenModel {
 public:
  Unigram(const Vocabulary& vocabulary, std::vector<float> scores, const std::vector<bool>& usable, int unknown, bool byteFallback)
      : scores_(std::move(scores)), unknown_(unknown) {
    float lowest = std::numeric_limits<float>::max();
    for (int id = 0; id < vocabulary.size(); ++id) {
      if (!usable[static_cast<std::size_t>(id)]) continue;
      trie_.insert(vocabulary[id], id);
      lowest = std::min(lowest, scores_[static_cast<std::size_t>(id)]);
    }
    unknownScore_ = static_cast<double>(lowest) - 10.0;  // sentencepiece's kUnkPenalty
    for (int b = 0; b < 256; ++b)
      byteIds_[static_cast<std::size_t>(b)] = byteFallback ? vocabulary.find(pieceOfByte(static_cast<unsigned char>(b))) : -1;
  }

  void encode(std::string_view word, std::vector<int>& out) const override {
    constexpr int kUnreached = -2;
    struct Best {
      double score = 0;
      std::size_t begin = 0;
      int id = kUnreached;  // -1: an unknown character
    };
    std::vector<Best> best(word.size() + 1);
    best[0].id = -1;
    for (std::size_t i = 0; i < word.size();) {
      const std::size_t n = std::max<std::size_t>(utf8Length(word.substr(i)), 1);
      const double score = best[i].score;
      bool single = false;
      const auto offer = [&](std::size_t length, double s, int id) {
        Best& to = best[i + length];
        if (to.id == kUnreached || s > to.score) to = {s, i, id};
      };
      trie_.prefixes(word.substr(i), [&](std::size_t length, int id) {
        single |= length == n;
        offer(length, score + static_cast<double>(scores_[static_cast<std::size_t>(id)]), id);
      });
      if (!single) offer(n, score + unknownScore_, -1);
      i += n;
    }
    const std::size_t first = out.size();
    bool unknownBefore = false;
    for (std::size_t end = word.size(); end > 0; end = best[end].begin) {
      const Best& b = best[end];
      const bool unknown = b.id < 0;
      if (!unknown) {
        out.push_back(b.id);
      } else if (!byBytes(word.substr(b.begin, end - b.begin), out) && !unknownBefore && unknown_ >= 0) {
        out.push_back(unknown_);
      }
      unknownBefore = unknown;
    }
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
  }

 private:
  // Appends the byte pieces, last first, as the path is walked backwards.
  bool byBytes(std::string_view text, std::vector<int>& out) const {
    if (std::any_of(text.begin(), text.end(), [this](char c) { return byteIds_[static_cast<unsigned char>(c)] < 0; })) return false;
    for (auto c = text.rbegin(); c != text.rend(); ++c) out.push_back(byteIds_[static_cast<unsigned char>(*c)]);
    return true;
  }

  ByteTrie trie_;
  std::vector<float> scores_;
  std::array<int, 256> byteIds_{};
  double unknownScore_ = 0;
  int unknown_;
};

}  // namespace

std::unique_ptr<TokenModel> makeUnigram(const Vocabulary& vocabulary, std::vector<float> scores,
                                        const std::vector<bool>& usable, int unknown, bool byteFallback) {
  return std::make_unique<Unigram>(vocabulary, std::move(scores), usable, unknown, byteFallback);
}

}  // namespace ts
