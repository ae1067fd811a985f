// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/core/buffer.h"
#include "engine/model/config.h"
#include "engine/session/pieces.h"

namespace ts {

/// One layer's attention: what every tile of it needs to know.
struct AttentionProblem {
  ConstRows q;  ///< of the pass's last rows, [row][head * dim]
  Rows out;
  std::int64_t firstRow;  ///< of the pass, which q and out begin with
  std::int64_t dim;
  float scale, softcap;                     ///< of the scores; softcap 0: none
  std::span<const std::int32_t> positions;  ///< of the pass's rows
  std::int64_t distanceCap = 0;             ///< rotations of more than this count as this, 0: none
  const Rope* rope = nullptr;               ///< with a cap
  const RopeTable* frequencies = nullptr;
};

/// A tile's queries, once more side by side where that is faster (layQueries; codecs do so themselves).
struct TileQueries {
  ConstRows rows;
  const float* sideBySide;
};

/// A few rows of the pass times the query heads that share one key/value head. They see almost the same rows of the list,
/// which are read once for all of them.
///
/// What a query sees is taken in chunks, counted from the first row it sees: four of kShort rows, that there be some to share among
/// the workers, four of twice as many, then ones of four times as many, that there be few to merge. A chunk gives its largest score,
/// the sum of exponentials below it and the sum of values weighted by them; chunks are merged in order (Milakov and Gimelshein, arXiv
/// 1805.02867; Dao et al., arXiv 2205.14135). So a query's result depends on what it sees alone, and chunks may be computed by
/// anybody, each once.
class AttentionTile {
 public:
  static constexpr std::int64_t kShort = 128, kEach = 4;  // rows of the shortest; chunks of each length but the last

  /// What chunk c takes of the rows that a query sees.
  static constexpr Range rowsOf(std::int64_t c) {
    const std::int64_t level = levelOf(c), size = kShort << level, begin = kFirstOf[level] + (c - kEach * level) * size;
    return {begin, begin + size};
  }
  static constexpr std::int64_t chunkOf(std::int64_t row) {
    const std::int64_t level = row < kFirstOf[1] ? 0 : row < kFirstOf[2] ? 1 : 2;
    return kEach * level + (row - kFirstOf[level]) / (kShort << level);
  }

  /// Some rows of the pass, `heads` of the queries' heads. Fill pieces(), one of each row, then seal().
  void set(const HeadRows& rows, Range passRows, Range heads);
  std::span<Pieces> pieces() { return pieces_; }
  void seal();

  const HeadRows& rows() const { return *rows_; }
  std::int64_t firstRow() const { return firstRow_; }
  const Pieces& seenBy(std::int64_t query) const { return pieces_[static_cast<std::size_t>(query / heads_.size())]; }
  std::int64_t rowCount() const { return static_cast<std::int64_t>(pieces_.size()); }
  std::int64_t queries() const { return rowCount() * heads_.size(); }
  std::int64_t headCount() const { return heads_.size(); }
  std::int64_t longest() const { return longest_; }
  std::int64_t chunks() const { return longest_ > 0 ? chunkOf(longest_ - 1) + 1 : 0; }
  std::int64_t longestChunk() const { return longest_ > 0 ? rowsOf(chunks() - 1).size() : kShort; }

  /// The tile's queries, [row][head][dim]: in `memory` (2 * queries * dim floats) or where they are.
  TileQueries gather(const AttentionProblem& p, float* memory) const;

  /// A chunk's result for one query: its values' weighted sum, then maximum and sum of exponentials. `partSize` floats.
  static std::int64_t partSize(std::int64_t dim) { return dim + 2; }
  /// Chunk c into part.row(query). `scores`: queries rows of longestChunk() floats, which hold the exponentials then.
  void chunk(const AttentionProblem& p, const TileQueries& queries, std::int64_t c, Rows scores, Rows part) const;
  /// total += part, of the chunk after those in it.
  void merge(std::int64_t dim, std::int64_t c, Rows part, Rows total) const;
  /// Writes the results of merged chunks.
  void finish(const AttentionProblem& p, Rows total) const;

 private:
  static constexpr std::int64_t kFirstOf[3] = {0, kEach * kShort, 3 * kEach * kShort};  // row that chunks of each length begin with
  static constexpr std::int64_t levelOf(std::int64_t c) { return std::min<std::int64_t>(c / kEach, 2); }

  /// body(piece, offset in the chunk) for the rows that row i sees at offsets [range.begin, range.end) of what it sees.
  template <class Body>
  void forPieces(std::int64_t i, Range range, std::int64_t chunkBegin, Body body) const;
  void scorePiece(const Piece& piece, const TileQueries& queries, Rows scores) const;
  void addPiece(const Piece& piece, ConstRows weights, Rows out) const;
  void capDistances(const AttentionProblem& p, ConstRows queries, Range seen, Rows scores) const;

  const HeadRows* rows_ = nullptr;
  std::int64_t firstRow_ = 0;
  Range heads_;
  std::int64_t shared_ = 0;    ///< rows that every query of the tile sees first
  std::int64_t longest_ = 0;   ///< rows that the one that sees most sees
  std::int64_t scored_ = 0;    ///< rows that queries are scored against together: longest_ where each sees a part, from the first on, of what
                               ///< the last one sees; what they do not see they leave unread. Else shared_
  std::vector<Pieces> pieces_; ///< of each row
};

}  // namespace ts
