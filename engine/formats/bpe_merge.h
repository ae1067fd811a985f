// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace ts {

/// A symbol of a word while it is merged; `next` and `previous` make a list, -1 at its ends.
struct MergeSymbol {
  int id = -1;  ///< -1: not in the vocabulary
  std::uint32_t begin = 0, length = 0;  ///< bytes of the word
  int previous = -1, next = -1;
};

/// What two neighbours become. A lower cost goes first, the leftmost among equals.
struct Merge {
  double cost = 0;
  int id = -1;
};

/// Byte-pair merging in O(n log n): a heap of candidate pairs over a linked list of symbols. `symbols` are linked in
/// order; merged-away symbols get length 0. find(left, right, merge) says whether two symbols merge, and into what.
template <class Find>
void mergeSymbols(std::vector<MergeSymbol>& symbols, Find&& find) {
  struct Candidate {
    double cost;
    int left, right;
    std::uint32_t length;  // of both when found: a candidate whose symbols have grown since is stale
    int id;
    bool operator<(const Candidate& o) const { return cost != o.cost ? cost > o.cost : left > o.left; }
  };
  thread_local std::vector<Candidate> heap;
  heap.clear();
  const auto offer = [&](int left, int right) {
    if (left < 0 || right < 0) return;
    const MergeSymbol &a = symbols[static_cast<std::size_t>(left)], &b = symbols[static_cast<std::size_t>(right)];
    Merge merge;
    if (!find(a, b, merge)) return;
    heap.push_back({merge.cost, left, right, a.length + b.length, merge.id});
    std::push_heap(heap.begin(), heap.end());
  };
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) offer(static_cast<int>(i), static_cast<int>(i + 1));
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate c = heap.back();
    heap.pop_back();
    MergeSymbol &a = symbols[static_cast<std::size_t>(c.left)], &b = symbols[static_cast<std::size_t>(c.right)];
    if (a.length == 0 || b.length == 0 || a.length + b.length != c.length || a.next != c.right) continue;
    a.id = c.id;
    a.length = c.length;
    a.next = b.next;
    if (b.next >= 0) symbols[static_cast<std::size_t>(b.next)].previous = c.left;
    b.length = 0;
    offer(a.previous, c.left);
    offer(c.left, a.next);
  }
}

}  // namespace ts
