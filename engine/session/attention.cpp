// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/attention.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>

#include "engine/kernels/attention.h"
#include "engine/kernels/vector.h"
#include "engine/session/pieces.h"

namespace ts {
namespace {

/// First index whose position is at least p.
std::int64_t firstAtLeast(std::span<const std::int32_t> positions, std::int64_t p) {
  return std::lower_bound(positions.begin(), positions.end(), p) - positions.begin();
}

/// q turned by `steps` positions more (fewer when negative), in place of a new rotation of the raw query.
void turn(const Rope& rope, const RopeTable& table, std::int64_t steps, float* q) {
  const int half = rope.dims / 2;
  for (int i = 0; i < half; ++i) {
    const double angle = static_cast<double>(steps) * table.inverseFrequencies[static_cast<std::size_t>(i)];
    const float c = static_cast<float>(std::cos(angle)), s = static_cast<float>(std::sin(angle));
    float& a = rope.interleaved ? q[2 * i] : q[i];
    float& b = rope.interleaved ? q[2 * i + 1] : q[i + half];
    const float x = a * c - b * s, y = a * s + b * c;
    a = x;
    b = y;
  }
}

void scorePiece(const HeadRows& rows, const Piece& piece, const float* query, float* scratch, float* scores) {
  const int dim = rows.dim();
  if (!piece.encoded) {
    dotRows(query, rows.fullKeys(piece.begin), piece.end - piece.begin, dim, scores);
    return;
  }
  const std::int64_t group = rows.codec()->group();
  for (std::int64_t i = piece.begin; i < piece.end;) {
    const std::int64_t g = i / group, end = std::min(piece.end, (g + 1) * group);
    rows.codec()->dotKeys(rows.keyGroup(g), dim, query, scratch);
    std::copy(scratch + (i - g * group), scratch + (end - g * group), scores + (i - piece.begin));
    i = end;
  }
}

void addPiece(const HeadRows& rows, const Piece& piece, const float* weights, float* scratch, float* out) {
  const int dim = rows.dim();
  if (!piece.encoded) {
    axpyRows(weights, rows.fullValues(piece.begin), piece.end - piece.begin, dim, out);
    return;
  }
  const std::int64_t group = rows.codec()->group();
  for (std::int64_t i = piece.begin; i < piece.end;) {
    const std::int64_t g = i / group, end = std::min(piece.end, (g + 1) * group);
    std::fill_n(scratch, group, 0.0f);
    std::copy(weights + (i - piece.begin), weights + (end - piece.begin), scratch + (i - g * group));
    rows.codec()->addValues(rows.valueGroup(g), dim, scratch, out);
    i = end;
  }
}

}  // namespace

Pieces visiblePieces(const HeadRows& rows, const KvState& state, std::int64_t slidingWindow, std::int64_t t, std::int64_t node) {
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
  Pieces pieces;
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
  return pieces;
}

void KvAttention::one(int layer, std::int64_t row, int head, const float* query, float* out, float* massOut, int worker) {
  const ModelConfig& config = model_.config;
  const Block& block = model_.blocks[static_cast<std::size_t>(layer)];
  const HeadRows& rows = state_.layers[static_cast<std::size_t>(layer)][static_cast<std::size_t>(block.queryToKv[static_cast<std::size_t>(head)])];
  const std::int64_t t = positions_[static_cast<std::size_t>(row)];
  const auto positions = rows.positions();
  const Pieces pieces = visiblePieces(rows, state_, config.layers[static_cast<std::size_t>(layer)].slidingWindow, t, state_.drafted + row);

  const std::int64_t n = pieces.rows();
  const int dim = rows.dim();
  const std::int64_t group = rows.codec() ? rows.codec()->group() : 1;
  float* scores = execution_.scratchFor(worker, static_cast<std::size_t>(n + group + 2 * dim));
  float* scratch = scores + n;
  float* turned = scratch + group;
  std::int64_t at = 0;
  for (const Piece& piece : pieces.all()) {
    scorePiece(rows, piece, query, scratch, scores + at);
    at += piece.end - piece.begin;
  }
  const int ropeIndex = config.layers[static_cast<std::size_t>(layer)].rope;
  if (state_.distanceCap > 0 && ropeIndex >= 0) {
    const Rope& rope = config.ropes[static_cast<std::size_t>(ropeIndex)];
    at = 0;
    for (const Piece& piece : pieces.all()) {
      for (std::int64_t i = piece.begin; i < piece.end; ++i, ++at) {
        const std::int64_t distance = t - positions[static_cast<std::size_t>(i)];
        if (distance <= state_.distanceCap) continue;
        std::memcpy(turned, query, static_cast<std::size_t>(dim) * sizeof(float));
        turn(rope, ropes_.frequencies(ropeIndex), state_.distanceCap - distance, turned);
        scorePiece(rows, {i, i + 1, piece.encoded}, turned, scratch, scores + at);
      }
    }
  }
  const float scale = config.attentionScale > 0 ? config.attentionScale : 1.0f / std::sqrt(static_cast<float>(config.headDim));
  scaleBy(scale, n, scores);
  if (config.attentionSoftcap > 0) softcap(config.attentionSoftcap, n, scores);
  softmax(scores, n);

  std::fill_n(out, dim, 0.0f);
  at = 0;
  for (const Piece& piece : pieces.all()) {
    addPiece(rows, piece, scores + at, scratch, out);
    if (massOut)
      for (std::int64_t i = piece.begin; i < piece.end; ++i) massOut[i] += scores[at + i - piece.begin];
    at += piece.end - piece.begin;
  }
}

void KvAttention::attend(int layer, ConstRows q, ConstRows k, ConstRows v, Rows out) {
  const auto start = std::chrono::steady_clock::now();
  const Block& block = model_.blocks[static_cast<std::size_t>(layer)];
  const std::int64_t dim = model_.config.headDim, m = q.count;
  auto& heads = state_.layers[static_cast<std::size_t>(layer)];
  Cost cost;
  for (int h = 0; h < block.kvHeads; ++h) {
    HeadRows& rows = heads[static_cast<std::size_t>(h)];
    for (std::int64_t i = 0; i < m; ++i) rows.append(positions_[static_cast<std::size_t>(i)], k.row(i) + h * dim, v.row(i) + h * dim);
    if (state_.certain) rows.encode(rows.size() - 1);
    cost.bytes += rows.bytesRead();
    cost.operations += static_cast<std::uint64_t>(4 * dim * m * rows.size());
  }
  cost.operations = cost.operations * static_cast<std::uint64_t>(block.heads()) / static_cast<std::uint64_t>(std::max(1, block.kvHeads));
  if (!state_.codec && !state_.wantsMass && state_.distanceCap == 0) {
    plain(layer, q, out);
  } else if (state_.wantsMass) {
    // Mass is summed over a group's queries, so one worker takes the whole group.
    auto& mass = state_.mass[static_cast<std::size_t>(layer)];
    if (state_.drafted == 0) mass.assign(static_cast<std::size_t>(block.kvHeads), {});
    for (auto& head : mass) head.resize(static_cast<std::size_t>(state_.drafted + m));
    execution_.pool.split(m * block.kvHeads, 1, [&](Range range, int worker) {
      for (std::int64_t item = range.begin; item < range.end; ++item) {
        const std::int64_t row = item % m;
        const int kv = static_cast<int>(item / m);
        auto& received = mass[static_cast<std::size_t>(kv)][static_cast<std::size_t>(state_.drafted + row)];
        received.assign(static_cast<std::size_t>(heads[static_cast<std::size_t>(kv)].size()), 0.0f);
        for (int h = 0; h < block.heads(); ++h)
          if (block.queryToKv[static_cast<std::size_t>(h)] == kv) one(layer, row, h, q.row(row) + h * dim, out.row(row) + h * dim, received.data(), worker);
      }
    });
  } else {
    // Head by head, so that both halves of a causal pass are equally long.
    execution_.pool.split(m * block.heads(), 1, [&](Range range, int worker) {
      for (std::int64_t item = range.begin; item < range.end; ++item) {
        const std::int64_t row = item % m;
        const int h = static_cast<int>(item / m);
        one(layer, row, h, q.row(row) + h * dim, out.row(row) + h * dim, nullptr, worker);
      }
    });
  }
  cost.nanoseconds = static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count());
  cost.calls = 1;
  execution_.ledger.add(Operation::Attention, cost);
}

}  // namespace ts
