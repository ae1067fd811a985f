// SPDX-License-Identifier: GPL-3.0-or-later
// Attention over full-precision rows. The queries of a tile (a few rows of the pass times the heads of a group) see almost
// the same keys and values, so those are read once for all of them. Each score, each softmax and each output value is
// computed in the same order as one query alone would (promise 3), so tiles and workers may be cut as it suits.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <span>
#include <vector>

#include "engine/kernels/attention.h"
#include "engine/kernels/vector.h"
#include "engine/session/attention.h"
#include "engine/session/pieces.h"

namespace ts {
namespace {

constexpr std::int64_t kQueries = 24;       // of a tile: what the score kernel turns keys for at once
constexpr std::int64_t kLong = 512;         // shared rows from which a tile's work is itself split among the workers
constexpr std::int64_t kChunk = 256;        // keys of one such part
constexpr std::int64_t kSlice = 32;         // output values of one such part

/// Some rows of the pass and the heads of one group.
struct Tile {
  const HeadRows* rows = nullptr;
  std::int64_t firstRow = 0, rowCount = 0;
  int firstHead = 0, headCount = 0;
  std::int64_t sharedBegin = 0, sharedEnd = 0;  ///< rows of the list every query of the tile sees first
  std::int64_t longest = 0;                     ///< rows the longest of its queries sees
  std::vector<Pieces> pieces;                   ///< of each row of the pass

  std::int64_t queries() const { return rowCount * headCount; }
  std::int64_t shared() const { return sharedEnd - sharedBegin; }
  /// body(piece, offset among the row's scores) for what row i sees beyond the shared rows.
  template <class Body>
  void forRest(std::int64_t i, Body body) const {
    std::int64_t at = 0;
    for (const Piece& p : pieces[static_cast<std::size_t>(i)].all()) {
      const std::int64_t skip = at < shared() ? std::min(shared() - at, p.end - p.begin) : 0;
      if (p.begin + skip < p.end) body(Piece{p.begin + skip, p.end, false}, at + skip);
      at += p.end - p.begin;
    }
  }
};

struct Problem {
  ConstRows q;
  Rows out;
  int dim;
  float scale, cap;
};

/// The tile's queries, [row][head][dim]. One row's lie so already.
const float* gatherQueries(const Problem& p, const Tile& t, float* memory) {
  if (t.rowCount == 1) return p.q.row(t.firstRow) + t.firstHead * p.dim;
  const std::int64_t width = t.headCount * p.dim;
  for (std::int64_t i = 0; i < t.rowCount; ++i) std::copy_n(p.q.row(t.firstRow + i) + t.firstHead * p.dim, width, memory + i * width);
  return memory;
}

void scoreRest(const Problem& p, const Tile& t, const float* queries, float* scores) {
  for (std::int64_t i = 0; i < t.rowCount; ++i)
    t.forRest(i, [&](Piece piece, std::int64_t at) {
      dotRowsGroup(queries + i * t.headCount * p.dim, p.dim, t.headCount, t.rows->fullKeys(piece.begin), piece.end - piece.begin, p.dim,
                   scores + i * t.headCount * t.longest + at, t.longest);
    });
}

void normalize(const Problem& p, const Tile& t, std::int64_t query, float* scores) {
  float* s = scores + query * t.longest;
  const std::int64_t n = t.pieces[static_cast<std::size_t>(query / t.headCount)].rows();
  scaleBy(p.scale, n, s);
  if (p.cap > 0) softcap(p.cap, n, s);
  softmax(s, n);
}

/// Output values [begin, begin + width) of every query of the tile. `memory`: queries x width floats.
void addValues(const Problem& p, const Tile& t, const float* scores, int begin, int width, float* memory) {
  std::fill_n(memory, t.queries() * width, 0.0f);
  axpyRowsSlice(scores, t.longest, static_cast<int>(t.queries()), t.rows->fullValues(t.sharedBegin) + begin, p.dim, t.shared(), width, memory, width);
  for (std::int64_t i = 0; i < t.rowCount; ++i) {
    float* y = memory + i * t.headCount * width;
    t.forRest(i, [&](Piece piece, std::int64_t at) {
      axpyRowsSlice(scores + i * t.headCount * t.longest + at, t.longest, t.headCount, t.rows->fullValues(piece.begin) + begin, p.dim,
                    piece.end - piece.begin, width, y, width);
    });
    for (int h = 0; h < t.headCount; ++h)
      std::copy_n(y + h * width, width, p.out.row(t.firstRow + i) + (t.firstHead + h) * p.dim + begin);
  }
}

std::size_t tileFloats(const Problem& p, const Tile& t) { return static_cast<std::size_t>(t.queries() * (t.longest + 2 * p.dim)); }

void wholeTile(const Problem& p, const Tile& t, float* memory) {
  float* scores = memory + 2 * t.queries() * p.dim;
  const float* queries = gatherQueries(p, t, memory);
  dotRowsGroup(queries, p.dim, static_cast<int>(t.queries()), t.rows->fullKeys(t.sharedBegin), t.shared(), p.dim, scores, t.longest);
  scoreRest(p, t, queries, scores);
  for (std::int64_t i = 0; i < t.queries(); ++i) normalize(p, t, i, scores);
  addValues(p, t, scores, 0, p.dim, memory + t.queries() * p.dim);
}

/// Takes items 0 .. count - 1 one by one: work of unequal size, each item by whoever is free.
template <class Body>
void eachItem(ThreadPool& pool, std::int64_t count, Body body) {
  std::atomic<std::int64_t> next{0};
  pool.run([&](int worker) {
    for (std::int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) body(i, worker);
  });
}

/// One worker's piece of a long tile.
struct Part {
  const Tile* tile;
  std::int64_t index;
  float* memory;
};
struct Parts {
  std::vector<Part> keys, queries, slices;
};

/// Few tiles over many rows: scores by stretches of keys, then softmax by queries, then outputs by slices.
void longTiles(const Problem& p, std::span<const Tile> tiles, Parts& parts, Execution& execution) {
  auto& [keys, queries, slices] = parts;
  keys.clear(), queries.clear(), slices.clear();
  std::size_t size = 0;
  for (const Tile& t : tiles) size += tileFloats(p, t);
  if (execution.shared.size() < size) execution.shared.resize(size);
  float* memory = execution.shared.data();
  for (const Tile& t : tiles) {
    gatherQueries(p, t, memory);
    for (std::int64_t i = 0; i * kChunk < t.shared(); ++i) keys.push_back({&t, i, memory});
    for (std::int64_t i = 0; i < t.queries(); ++i) queries.push_back({&t, i, memory});
    for (std::int64_t i = 0; i * kSlice < p.dim; ++i) slices.push_back({&t, i, memory});
    memory += tileFloats(p, t);
  }
  const auto queriesOf = [&](const Part& part) {
    return part.tile->rowCount == 1 ? p.q.row(part.tile->firstRow) + part.tile->firstHead * p.dim : part.memory;
  };
  const auto scoresOf = [&](const Part& part) { return part.memory + 2 * part.tile->queries() * p.dim; };
  eachItem(execution.pool, static_cast<std::int64_t>(keys.size()), [&](std::int64_t i, int) {
    const Part& part = keys[static_cast<std::size_t>(i)];
    const Tile& t = *part.tile;
    const std::int64_t first = part.index * kChunk, count = std::min(kChunk, t.shared() - first);
    dotRowsGroup(queriesOf(part), p.dim, static_cast<int>(t.queries()), t.rows->fullKeys(t.sharedBegin + first), count, p.dim, scoresOf(part) + first, t.longest);
    if (part.index == 0) scoreRest(p, t, queriesOf(part), scoresOf(part));
  });
  eachItem(execution.pool, static_cast<std::int64_t>(queries.size()), [&](std::int64_t i, int) {
    const Part& part = queries[static_cast<std::size_t>(i)];
    normalize(p, *part.tile, part.index, scoresOf(part));
  });
  eachItem(execution.pool, static_cast<std::int64_t>(slices.size()), [&](std::int64_t i, int) {
    const Part& part = slices[static_cast<std::size_t>(i)];
    const int begin = static_cast<int>(part.index * kSlice), width = std::min<int>(kSlice, p.dim - begin);
    addValues(p, *part.tile, scoresOf(part), begin, width, part.memory + part.tile->queries() * (p.dim + begin));
  });
}

}  // namespace

struct KvAttention::PlainWork {
  std::vector<Tile> tiles;
  Parts parts;
};

void KvAttention::plain(int layer, ConstRows q, Rows out) {
  const ModelConfig& config = model_.config;
  const Block& block = model_.blocks[static_cast<std::size_t>(layer)];
  const auto& heads = state_.layers[static_cast<std::size_t>(layer)];
  const Problem problem{q, out, config.headDim,
                        config.attentionScale > 0 ? config.attentionScale : 1.0f / std::sqrt(static_cast<float>(config.headDim)),
                        config.attentionSoftcap};
  const std::int64_t sliding = config.layers[static_cast<std::size_t>(layer)].slidingWindow;

  if (!plainWork_) plainWork_ = std::make_shared<PlainWork>();
  std::vector<Tile>& kept = plainWork_->tiles;
  std::size_t used = 0;
  for (int first = 0, last; first < block.heads(); first = last) {
    const int kv = block.queryToKv[static_cast<std::size_t>(first)];
    for (last = first; last < block.heads() && block.queryToKv[static_cast<std::size_t>(last)] == kv;) ++last;
    const std::int64_t step = std::max<std::int64_t>(1, kQueries / (last - first));
    // Longest first, so that the workers end together.
    for (std::int64_t end = q.count; end > 0; end -= std::min(end, step)) {
      if (used == kept.size()) kept.emplace_back();
      Tile& t = kept[used++];
      t.pieces.clear(), t.longest = 0;
      t.rows = &heads[static_cast<std::size_t>(kv)];
      t.rowCount = std::min(end, step), t.firstRow = end - t.rowCount;
      t.firstHead = first, t.headCount = last - first;
      for (std::int64_t i = 0; i < t.rowCount; ++i) {
        const std::int64_t row = t.firstRow + i;
        t.pieces.push_back(visiblePieces(*t.rows, state_, sliding, positions_[static_cast<std::size_t>(row)], state_.drafted + row));
        const auto seen = t.pieces.back().all();
        t.longest = std::max(t.longest, t.pieces.back().rows());
        if (i == 0) t.sharedBegin = seen[0].begin, t.sharedEnd = seen[0].end;
        else t.sharedEnd = seen[0].begin == t.sharedBegin ? std::min(t.sharedEnd, seen[0].end) : t.sharedBegin;
      }
    }
  }
  const std::span<const Tile> tiles(kept.data(), used);
  const auto workers = static_cast<std::size_t>(execution_.pool.size());
  if (workers > 1 && tiles.size() < 4 * workers && tiles[0].shared() >= kLong) {
    longTiles(problem, tiles, plainWork_->parts, execution_);
    return;
  }
  eachItem(execution_.pool, static_cast<std::int64_t>(tiles.size()), [&](std::int64_t i, int worker) {
    const Tile& t = tiles[static_cast<std::size_t>(i)];
    wholeTile(problem, t, execution_.scratchFor(worker, tileFloats(problem, t)));
  });
}

}  // namespace ts
