// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/bpe.h"

#include <array>
#include <unordered_map>

#include "engine/formats/bpe_merge.h"
#include "engine/formats/tokenizer_tables.h"
#include "engine/formats/tokenizer_utf8.h"

namespace ts {

namespace {

std::array<int, 256> bytePieces(const Vocabulary& vocabulary) {
  std::array<int, 256> ids{};
  for (int b = 0; b < 256; ++b) ids[static_cast<std::size_t>(b)] = vocabulary.find(pieceOfByte(static_cast<unsigned char>(b)));
  return ids;
}

std::vector<MergeSymbol>& scratch() {
  thread_local std::vector<MergeSymbol> symbols;
  symbols.clear();
  return symbols;
}

void append(std::vector<MergeSymbol>& symbols, int id, std::size_t begin, std::size_t length) {
  const int n = static_cast<int>(symbols.size());
  if (n > 0) symbols.back().next = n;
  symbols.push_back({id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(length), n - 1, -1});
}

class Bpe final : public TokenModel {
 public:
  Bpe(const Vocabulary& vocabulary, BpeOptions options) : vocabulary_(vocabulary), options_(options) {
    for (int b = 0; b < 256; ++b) {
      std::string spelled;
      utf8Append(spelled, byteLevelCharacter(static_cast<unsigned char>(b)));
      levelIds_[static_cast<std::size_t>(b)] = vocabulary.find(spelled);
    }
    fallbackIds_ = bytePieces(vocabulary);
  }

  Result<void> load(const MergeList& merges, bool strict, std::string_view where) {
    pairs_ = FlatTable(merges.size());
    merged_.reserve(merges.size());
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      const auto& [left, right] = merges[rank];
      const int a = vocabulary_.find(left), b = vocabulary_.find(right), c = vocabulary_.find(left + right);
      merged_.push_back(c);
      if (a >= 0 && b >= 0 && c >= 0) {
        pairs_.insert(key(a, b), static_cast<std::uint32_t>(rank));
      } else if (strict) {
        return fail("merge " + std::to_string(rank) + " joins \"" + left + "\" and \"" + right +
                        "\", but the vocabulary lacks one of them or the result",
                    std::string(where));
      }
    }
    return {};
  }

  void encode(std::string_view word, std::vector<int>& out) const override {
    if (options_.ignoreMerges) {
      const int whole = vocabulary_.find(options_.byteLevel ? spellBytes(word) : std::string(word));
      if (whole >= 0) {
        out.push_back(whole);
        return;
      }
    }
    auto& symbols = scratch();
    options_.byteLevel ? spellAsBytes(word, symbols) : spellAsCharacters(word, symbols);
    mergeSymbols(symbols, [this](const MergeSymbol& a, const MergeSymbol& b, Merge& merge) {
      if (a.id < 0 || b.id < 0) return false;
      const std::uint32_t rank = pairs_.find(key(a.id, b.id));
      if (rank == FlatTable::kNone) return false;
      merge = {static_cast<double>(rank), merged_[rank]};
      return true;
    });
    for (const MergeSymbol& s : symbols)
      if (s.length > 0 && s.id >= 0) out.push_back(s.id);
  }

 private:
  static std::uint64_t key(int a, int b) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) << 32 | static_cast<std::uint32_t>(b);
  }
  void addUnknown(std::vector<MergeSymbol>& symbols, std::size_t begin, std::size_t length) const {
    const bool fuse = options_.fuseUnknown && !symbols.empty() && symbols.back().id == options_.unknown;
    if (fuse)
      symbols.back().length += static_cast<std::uint32_t>(length);
    else
      append(symbols, options_.unknown, begin, length);
  }
  void spellAsBytes(std::string_view word, std::vector<MergeSymbol>& symbols) const {
    for (std::size_t i = 0; i < word.size(); ++i) {
      const int id = levelIds_[static_cast<unsigned char>(word[i])];
      id >= 0 ? append(symbols, id, i, 1) : addUnknown(symbols, i, 1);
    }
  }
  void spellAsCharacters(std::string_view word, std::vector<MergeSymbol>& symbols) const {
    for (std::size_t i = 0; i < word.size();) {
      const std::size_t n = std::max<std::size_t>(utf8Length(word.substr(i)), 1);
      if (const int id = vocabulary_.find(word.substr(i, n)); id >= 0) {
        append(symbols, id, i, n);
      } else if (options_.byteFallback && haveBytes(word.substr(i, n))) {
        for (std::size_t k = i; k < i + n; ++k) append(symbols, fallbackIds_[static_cast<unsigned char>(word[k])], k, 1);
      } else {
        addUnknown(symbols, i, n);
      }
      i += n;
    }
  }
  bool haveBytes(std::string_view bytes) const {
    return std::all_of(bytes.begin(), bytes.end(), [this](char c) { return fallbackIds_[static_cast<unsigned char>(c)] >= 0; });
  }

  const Vocabulary& vocabulary_;
  BpeOptions options_;
  std::array<int, 256> levelIds_{}, fallbackIds_{};
  FlatTable pairs_;          // two ids -> rank
  std::vector<int> merged_;  // rank -> id
};

class ScoredBpe final : public TokenModel {
 public:
  ScoredBpe(const Vocabulary& vocabulary, std::vector<float> scores, const std::vector<bool>& mergeable, int unknown)
      : scores_(std::move(scores)), fallbackIds_(bytePieces(vocabulary)), unknown_(unknown) {
    for (int id = 0; id < vocabulary.size(); ++id)
      if (mergeable[static_cast<std::size_t>(id)]) pieces_.emplace(vocabulary[id], id);
  }

  void encode(std::string_view word, std::vector<int>& out) const override {
    auto& symbols = scratch();
    for (std::size_t i = 0; i < word.size();) {
      const std::size_t n = std::max<std::size_t>(utf8Length(word.substr(i)), 1);
      append(symbols, find(word.substr(i, n)), i, n);
      i += n;
    }
    mergeSymbols(symbols, [&](const MergeSymbol& a, const MergeSymbol& b, Merge& merge) {
      merge.id = find(word.substr(a.begin, a.length + b.length));
      if (merge.id < 0) return false;
      merge.cost = -static_cast<double>(scores_[static_cast<std::size_t>(merge.id)]);
      return true;
    });
    bool unknownBefore = false;
    for (const MergeSymbol& s : symbols) {
      if (s.length == 0) continue;
      bool unknownNow = false;
      if (s.id >= 0) {
        out.push_back(s.id);
      } else {
        for (const char c : word.substr(s.begin, s.length)) {
          const int id = fallbackIds_[static_cast<unsigned char>(c)];
          if (id >= 0)
            out.push_back(id);
          else
            unknownNow = true;
        }
        if (unknownNow && !unknownBefore && unknown_ >= 0) out.push_back(unknown_);
      }
      unknownBefore = unknownNow;
    }
  }

 private:
  int find(std::string_view piece) const {
    const auto it = pieces_.find(piece);
    return it == pieces_.end() ? -1 : it->second;
  }
  std::unordered_map<std::string_view, int> pieces_;
  std::vector<float> scores_;
  std::array<int, 256> fallbackIds_;
  int unknown_;
};

}  // namespace

Result<std::unique_ptr<TokenModel>> makeBpe(const Vocabulary& vocabulary, const MergeList& merges, BpeOptions options,
                                            bool strict, std::string_view where) {
  auto model = std::make_unique<Bpe>(vocabulary, options);
  TS_CHECK(model->load(merges, strict, where));
  return model;
}

std::unique_ptr<TokenModel> makeScoredBpe(const Vocabulary& vocabulary, std::vector<float> scores,
                                          const std::vector<bool>& mergeable, int unknown) {
  return std::make_unique<ScoredBpe>(vocabulary, std::move(scores), mergeable, unknown);
}

}  // namespace ts
