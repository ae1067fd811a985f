// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/kv/row_store.h"

namespace ts {

struct KvState;

/// Consecutive rows of the list that a query sees in one form.
struct Piece {
  std::int64_t begin, end;
  bool encoded;
};

/// The pieces a query sees, in list order. At most: sinks and window, each cut at the boundary, then tree ancestors one by one.
class Pieces {
 public:
  Pieces() {}  // leaves what is not used yet as it is
  void clear() { count_ = 0, rows_ = 0; }
  void add(std::int64_t begin, std::int64_t end, std::int64_t boundary) {
    if (begin < std::min(end, boundary)) push({begin, std::min(end, boundary), true});
    if (std::max(begin, boundary) < end) push({std::max(begin, boundary), end, false});
  }
  std::span<const Piece> all() const { return {pieces_.data(), count_}; }
  std::int64_t rows() const { return rows_; }

 private:
  void push(Piece p) {
    rows_ += p.end - p.begin;
    if (count_ > 0 && pieces_[count_ - 1].end == p.begin && pieces_[count_ - 1].encoded == p.encoded)
      pieces_[count_ - 1].end = p.end;
    else
      pieces_[count_++] = p;
  }
  std::array<Piece, 4 + HeadRows::kTail + 1> pieces_;
  std::size_t count_ = 0;
  std::int64_t rows_ = 0;
};

/// Into `pieces`: what the query at position t, the draft's row `node`, sees of a head's list. slidingWindow: the layer's own, 0:
/// none.
void visiblePieces(const HeadRows& rows, const KvState& state, std::int64_t slidingWindow, std::int64_t t, std::int64_t node, Pieces& pieces);
/// How many rows, the first of both, two queries see alike.
std::int64_t commonRows(const Pieces& a, const Pieces& b);

}  // namespace ts
