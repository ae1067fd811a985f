// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/pieces.h"

#include "engine/session/attention.h"

namespace ts {
namespace {

/// First index whose position is at least p.
std::int64_t firstAtLeast(std::span<const std::int32_t> positions, std::int64_t p) {
  if (p <= 0) return 0;  // without a window: no search through memory that nobody else reads
  return std::lower_bound(positions.begin(), positions.end(), p) - positions.begin();
}

}  // namespace

void visiblePieces(const HeadRows& rows, const KvState& state, std::int64_t slidingWindow, std::int64_t t, std::int64_t node, Pieces& pieces) {
  const std::int64_t committed = rows.committed();
  const auto positions = rows.positions();

  // The draft's rows this one descends from, itself last.
  std::array<std::int64_t, HeadRows::kTail + 1> ancestors;
  std::size_t depth = 0;
  if (!state.parents.empty())
    for (std::int64_t i = node; i >= 0; i = state.parents[static_cast<std::size_t>(i)]) ancestors[depth++] = i;
  const std::int64_t own = committed + (state.parents.empty() ? node : static_cast<std::int64_t>(depth) - 1);
  const std::int64_t boundary = rows.boundary(own);

  // What positions allow: the layer's own sliding window, and the policy's sinks and window.
  std::int64_t lowest = 0;
  if (slidingWindow > 0) lowest = std::max<std::int64_t>(0, t - slidingWindow + 1);
  const std::int64_t recent = state.window > 0 ? std::max(lowest, t - state.window + 1) : lowest;
  const auto past = positions.first(static_cast<std::size_t>(committed));
  const std::int64_t sinkBegin = firstAtLeast(past, lowest), sinkEnd = std::max(sinkBegin, state.window > 0 ? firstAtLeast(past, state.sinks) : sinkBegin);
  const std::int64_t recentBegin = std::max(sinkEnd, firstAtLeast(past, recent));
  pieces.clear();
  pieces.add(sinkBegin, sinkEnd, boundary);
  if (state.parents.empty()) {
    // A chain's own rows have positions t - node ... t, so sinks and window may begin inside it.
    const std::int64_t first = t - node;
    const std::int64_t begin = std::max<std::int64_t>(0, recent - first);
    const std::int64_t sinksHere = state.window > 0 ? std::min(state.sinks - first, begin) : 0;
    if (begin > 0)
      pieces.add(committed + std::max<std::int64_t>(0, lowest - first), committed + sinksHere, boundary);
    pieces.add(begin > 0 ? committed + begin : recentBegin, own + 1, boundary);
  } else {
    pieces.add(recentBegin, committed, boundary);
    for (std::size_t i = depth; i-- > 0;) {
      const std::int64_t p = positions[static_cast<std::size_t>(committed + ancestors[i])];
      if (p >= recent || (p >= lowest && p < state.sinks)) pieces.add(committed + ancestors[i], committed + ancestors[i] + 1, boundary);
    }
  }
}

std::int64_t commonRows(const Pieces& a, const Pieces& b) {
  std::int64_t same = 0;
  for (std::size_t k = 0; k < std::min(a.all().size(), b.all().size()); ++k) {
    const Piece &x = a.all()[k], &y = b.all()[k];
    if (x.begin != y.begin || x.encoded != y.encoded) break;
    same += std::min(x.end, y.end) - x.begin;
    if (x.end != y.end) break;
  }
  return same;
}

}  // namespace ts
