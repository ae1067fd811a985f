// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/attention.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include "engine/session/attention_tile.h"

namespace ts {
namespace {

constexpr std::int64_t kQueries = 24;     // of a tile: enough to read keys and values seldom, few enough for the caches
constexpr std::int64_t kMergeAlone = 64;  // chunks from which merging is worth a barrier
constexpr std::int64_t kParallelRows = 8; // rows from which storing them is worth a barrier
constexpr std::size_t kExpectedBytes = std::size_t{64} << 10;  // of a head's keys, and of its values, that are fetched before they are needed
constexpr std::size_t kExpectedLines = 256;  // cache lines of new keys that the driver asks for: more would hold it up
constexpr std::size_t kExpectedStretches = ThreadPool::kStretches - 2;  // what comes next has two of its own; of three matrices the third then is not fetched

/// Cuts memory into the pieces a tile's work needs.
class Cutter {
 public:
  explicit Cutter(float* memory) : at_(memory) {}
  float* floats(std::int64_t n) { return std::exchange(at_, at_ + n); }
  Rows rows(std::int64_t count, std::int64_t width) { return {floats(count * width), count, width, width}; }

 private:
  float* at_;
};

/// Every chunk of one tile, by one worker.
void wholeTile(const AttentionProblem& p, const AttentionTile& t, Execution& execution, int worker) {
  const std::int64_t queries = t.queries(), part = AttentionTile::partSize(p.dim);
  Cutter cut(execution.scratchFor(worker, static_cast<std::size_t>(queries * (2 * p.dim + t.longestChunk() + 2 * part))));
  const TileQueries q = t.gather(p, cut.floats(2 * queries * p.dim));
  const Rows scores = cut.rows(queries, t.longestChunk()), total = cut.rows(queries, part), one = cut.rows(queries, part);
  t.chunk(p, q, 0, scores, total);
  for (std::int64_t c = 1; c < t.chunks(); ++c) {
    t.chunk(p, q, c, scores, one);
    t.merge(p.dim, c, one, total);
  }
  t.finish(p, total);
}

/// The same, keeping all exponentials: then add(row of the tile, row of the list, probability) is told every probability.
template <class Add>
void wholeTileWithMass(const AttentionProblem& p, const AttentionTile& t, Execution& execution, int worker, Add add) {
  const std::int64_t queries = t.queries(), part = AttentionTile::partSize(p.dim), chunks = t.chunks();
  const std::int64_t width = AttentionTile::rowsOf(chunks - 1).end;
  Cutter cut(execution.scratchFor(worker, static_cast<std::size_t>(queries * (2 * p.dim + width + chunks + 2 * part))));
  const TileQueries q = t.gather(p, cut.floats(2 * queries * p.dim));
  const Rows scores = cut.rows(queries, width), maxima = cut.rows(queries, chunks);
  const Rows total = cut.rows(queries, part), one = cut.rows(queries, part);
  for (std::int64_t c = 0; c < chunks; ++c) {
    const Rows into = c == 0 ? total : one;
    t.chunk(p, q, c, {scores.data + AttentionTile::rowsOf(c).begin, queries, AttentionTile::rowsOf(c).size(), width}, into);
    for (std::int64_t i = 0; i < queries; ++i) maxima.row(i)[c] = into.row(i)[p.dim];
    if (c > 0) t.merge(p.dim, c, one, total);
  }
  t.finish(p, total);
  for (std::int64_t i = 0; i < queries; ++i) {
    const float maximum = total.row(i)[p.dim], sum = total.row(i)[p.dim + 1];
    std::int64_t at = 0;
    for (const Piece& piece : t.seenBy(i).all())
      for (std::int64_t r = piece.begin; r < piece.end; ++r, ++at)
        add(i / t.headCount(), r, scores.row(i)[at] * (std::exp(maxima.row(i)[AttentionTile::chunkOf(at)] - maximum) / sum));
  }
}

/// Some chunks, one after another so that memory is read in a stream, of a tile whose chunks are computed by anybody.
struct Share {
  const AttentionTile* tile;
  Range chunks;
  TileQueries queries;
  Rows parts;  ///< of every chunk of the tile, chunk by chunk
  Rows part(std::int64_t c) const { return {parts.row(c * queries.rows.count), queries.rows.count, parts.width, parts.stride}; }
};

/// What a tile is of: a list of rows, rows of the pass, and the queries' heads.
struct Place {
  const HeadRows* list;
  Range rows, heads;
};

}  // namespace

struct KvAttention::Work {
  std::vector<Place> places;
  std::vector<AttentionTile> tiles;  ///< of each place, or of each worker, for the place it has in hand
  std::vector<Share> shares;
  std::array<Stretch, kExpectedStretches> expected;
};

KvAttention::KvAttention(const Model& model, KvState& state, Execution& execution, RopeCache& ropes)
    : model_(model), state_(state), execution_(execution), ropes_(ropes), work_(std::make_unique<Work>()) {}
KvAttention::~KvAttention() = default;

std::span<const Stretch> KvAttention::expect(int layer) {
  if (execution_.pool.size() == 1) return {};  // nobody ever waits
  const std::int64_t sliding = model_.config.layers[static_cast<std::size_t>(layer)].slidingWindow;
  std::size_t count = 0, lines = 0;
  for (const HeadRows& rows : state_.layers[static_cast<std::size_t>(layer)]) {
    if (lines += static_cast<std::size_t>(rows.dim()); lines <= kExpectedLines) rows.expectRow();
    if (count + 2 > work_->expected.size() || (sliding > 0 && rows.size() > sliding)) continue;  // whose first rows are not seen
    for (const Stretch& s : rows.first(kExpectedBytes)) work_->expected[count++] = s;
  }
  return std::span(work_->expected).first(count);
}

void KvAttention::append(int layer, ConstRows k, ConstRows v) {
  const std::int64_t dim = model_.config.headDim, m = k.count;
  auto& heads = state_.layers[static_cast<std::size_t>(layer)];
  const auto take = [&](std::int64_t h, int) {
    HeadRows& rows = heads[static_cast<std::size_t>(h)];
    rows.makeRoom(m);
    rows.append(positions_, {k.data + h * dim, m, dim, k.stride}, {v.data + h * dim, m, dim, v.stride});
    if (state_.certain) rows.encode(rows.size() - 1);
  };
  const std::int64_t count = model_.blocks[static_cast<std::size_t>(layer)].kvHeads;
  if (m >= kParallelRows) return execution_.pool.each(count, take);
  for (std::int64_t h = 0; h < count; ++h) take(h, 0);
}

void KvAttention::place(int layer, Range rows) {
  const Block& block = model_.blocks[static_cast<std::size_t>(layer)];
  const auto& heads = state_.layers[static_cast<std::size_t>(layer)];
  work_->places.clear();
  for (int first = 0, last; first < block.heads(); first = last) {
    const int kv = block.queryToKv[static_cast<std::size_t>(first)];
    for (last = first; last < block.heads() && block.queryToKv[static_cast<std::size_t>(last)] == kv;) ++last;
    const std::int64_t step = std::max<std::int64_t>(1, kQueries / (last - first));
    // Longest first, so that the workers end together.
    for (std::int64_t end = rows.end; end > rows.begin; end -= step)
      work_->places.push_back({&heads[static_cast<std::size_t>(kv)], {std::max(rows.begin, end - step), end}, {first, last}});
  }
}

void KvAttention::look(int layer, std::size_t index, AttentionTile& tile) const {
  const Place& at = work_->places[index];
  const std::int64_t sliding = model_.config.layers[static_cast<std::size_t>(layer)].slidingWindow;
  tile.set(*at.list, at.rows, at.heads);
  for (std::int64_t row = at.rows.begin; row < at.rows.end; ++row)
    visiblePieces(*at.list, state_, sliding, positions_[static_cast<std::size_t>(row)], state_.drafted + row, tile.pieces()[static_cast<std::size_t>(row - at.rows.begin)]);
  tile.seal();
}

void KvAttention::byChunks(const AttentionProblem& p, std::span<const AttentionTile> tiles) {
  const std::int64_t part = AttentionTile::partSize(p.dim);
  std::int64_t size = 0, chunks = 0, left = 0;
  for (const AttentionTile& t : tiles) size += t.queries() * (2 * p.dim + t.chunks() * part), chunks += t.chunks(), left += t.longest();
  if (execution_.shared.size() < static_cast<std::size_t>(size)) execution_.shared.resize(static_cast<std::size_t>(size));
  Cutter cut(execution_.shared.data());
  std::vector<Share>& shares = work_->shares;
  shares.clear();
  for (const AttentionTile& t : tiles) {
    const TileQueries queries = t.gather(p, cut.floats(2 * t.queries() * p.dim));
    const Rows parts = cut.rows(t.chunks() * t.queries(), part);
    const auto add = [&](Range some) {
      for (std::int64_t c = some.begin, end; c < some.end; c = end) {
        const auto rows = [&] { return std::min(AttentionTile::rowsOf(end - 1).end, t.longest()) - AttentionTile::rowsOf(c).begin; };
        for (end = c + 1; end < some.end && rows() < left / (2 * execution_.pool.size());) ++end;
        left -= rows();
        shares.push_back({&t, {c, end}, queries, parts});
      }
    };
    // A tile's short chunks first, but last of all those of the last tile, that workers end together.
    const Range brief{0, std::min(AttentionTile::kEach, t.chunks())}, others{brief.end, t.chunks()};
    if (&t != &tiles.back()) add(brief), add(others);
    else add(others), add(brief);
  }
  const auto count = static_cast<std::int64_t>(shares.size());
  execution_.pool.each(count, [&](std::int64_t i, int worker) {
    const Share& s = shares[static_cast<std::size_t>(i)];
    const std::int64_t longest = s.tile->longestChunk();
    Cutter own(execution_.scratchFor(worker, static_cast<std::size_t>(s.queries.rows.count * longest)));
    const Rows scores = own.rows(s.queries.rows.count, longest);
    for (std::int64_t c = s.chunks.begin; c < s.chunks.end; ++c) s.tile->chunk(p, s.queries, c, scores, s.part(c));
  });
  const auto mergeTile = [&](const Share& s) {
    for (std::int64_t c = 1; c < s.tile->chunks(); ++c) s.tile->merge(p.dim, c, s.part(c), s.part(0));
    s.tile->finish(p, s.part(0));
  };
  if (chunks < kMergeAlone) {
    for (const Share& s : shares)
      if (s.chunks.begin == 0) mergeTile(s);
  } else {
    execution_.pool.each(count, [&](std::int64_t i, int) {
      if (const Share& s = shares[static_cast<std::size_t>(i)]; s.chunks.begin == 0) mergeTile(s);
    });
  }
}

void KvAttention::withMass(const AttentionProblem& p, int layer) {
  const auto& heads = state_.layers[static_cast<std::size_t>(layer)];
  auto& mass = state_.mass[static_cast<std::size_t>(layer)];
  const std::int64_t m = p.firstRow + p.q.count;
  if (state_.drafted == 0) mass.assign(heads.size(), {});
  for (std::size_t h = 0; h < mass.size(); ++h) {
    mass[h].resize(static_cast<std::size_t>(state_.drafted + m));
    for (std::int64_t i = 0; i < m; ++i) mass[h][static_cast<std::size_t>(state_.drafted + i)].assign(static_cast<std::size_t>(heads[h].size()), 0.0f);
  }
  execution_.pool.each(static_cast<std::int64_t>(work_->places.size()), [&](std::int64_t i, int worker) {
    AttentionTile& t = work_->tiles[static_cast<std::size_t>(worker)];
    look(layer, static_cast<std::size_t>(i), t);
    auto& received = mass[static_cast<std::size_t>(&t.rows() - heads.data())];
    wholeTileWithMass(p, t, execution_, worker, [&](std::int64_t row, std::int64_t index, float probability) {
      received[static_cast<std::size_t>(state_.drafted + t.firstRow() + row)][static_cast<std::size_t>(index)] += probability;
    });
  });
}

void KvAttention::attend(int layer, ConstRows q, ConstRows k, ConstRows v, Rows out) {
  const auto start = std::chrono::steady_clock::now();
  const ModelConfig& config = model_.config;
  const Block& block = model_.blocks[static_cast<std::size_t>(layer)];
  const std::int64_t dim = config.headDim, m = k.count, asked = q.count;
  append(layer, k, v);
  Cost cost;
  const auto done = [&] {
    cost.nanoseconds = static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count());
    cost.calls = 1;
    execution_.ledger.add(Operation::Attention, cost);
  };
  if (asked == 0) return done();
  for (const HeadRows& rows : state_.layers[static_cast<std::size_t>(layer)]) {
    cost.bytes += rows.bytesRead();
    cost.operations += static_cast<std::uint64_t>(4 * dim * (asked * rows.size() - asked * (asked - 1) / 2));  // each row sees its past
  }
  cost.operations = cost.operations * static_cast<std::uint64_t>(block.heads()) / static_cast<std::uint64_t>(std::max(1, block.kvHeads));

  AttentionProblem p{q, out, m - asked, dim, config.attentionScale > 0 ? config.attentionScale : 1.0f / std::sqrt(static_cast<float>(dim)), config.attentionSoftcap, positions_};
  if (const int rope = config.layers[static_cast<std::size_t>(layer)].rope; state_.distanceCap > 0 && rope >= 0)
    p.distanceCap = state_.distanceCap, p.rope = &config.ropes[static_cast<std::size_t>(rope)], p.frequencies = &ropes_.frequencies(rope);
  place(layer, {m - asked, m});
  const std::size_t places = work_->places.size(), workers = static_cast<std::size_t>(execution_.pool.size());
  const bool few = places < 4 * workers;
  if (const std::size_t tiles = few ? std::max(places, workers) : workers; work_->tiles.size() < tiles) work_->tiles.resize(tiles);
  if (state_.wantsMass) {
    withMass(p, layer);
  } else if (few) {
    for (std::size_t i = 0; i < places; ++i) look(layer, i, work_->tiles[i]);
    const std::span<const AttentionTile> tiles(work_->tiles.data(), places);
    if (workers > 1 && std::any_of(tiles.begin(), tiles.end(), [](const AttentionTile& t) { return t.chunks() > 1; }))
      byChunks(p, tiles);
    else
      execution_.pool.each(static_cast<std::int64_t>(places), [&](std::int64_t i, int worker) { wholeTile(p, tiles[static_cast<std::size_t>(i)], execution_, worker); });
  } else {
    execution_.pool.each(static_cast<std::int64_t>(places), [&](std::int64_t i, int worker) {
      AttentionTile& t = work_->tiles[static_cast<std::size_t>(worker)];
      look(layer, static_cast<std::size_t>(i), t);
      wholeTile(p, t, execution_, worker);
    });
  }
  done();
}

}  // namespace ts
