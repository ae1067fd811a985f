// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/attention_tile.h"

#include <algorithm>
#include <cmath>

#include "engine/kernels/attention.h"
#include "engine/kernels/vector.h"

namespace ts {
namespace {

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

Rows columns(Rows rows, std::int64_t begin, std::int64_t width) { return {rows.data + begin, rows.count, width, rows.stride}; }

/// What of the range's offsets is below `end`.
Range below(Range range, std::int64_t end) { return {std::min(range.begin, end), std::min(range.end, end)}; }

}  // namespace

void AttentionTile::set(const HeadRows& rows, Range passRows, Range heads) {
  rows_ = &rows, firstRow_ = passRows.begin, heads_ = heads;
  pieces_.resize(static_cast<std::size_t>(passRows.size()));
}

void AttentionTile::seal() {
  shared_ = pieces_[0].rows(), longest_ = 0;
  bool nested = true;
  for (const Pieces& seen : pieces_) {
    longest_ = std::max(longest_, seen.rows());
    shared_ = std::min(shared_, commonRows(pieces_[0], seen));
    nested &= commonRows(pieces_.back(), seen) == seen.rows();
  }
  scored_ = nested ? longest_ : shared_;
}

TileQueries AttentionTile::gather(const AttentionProblem& p, float* memory) const {
  const std::int64_t width = headCount() * p.dim;
  const ConstRows asked = p.q.from(firstRow_ - p.firstRow);
  ConstRows rows{asked.data + heads_.begin * p.dim, queries(), p.dim, p.dim};
  if (rowCount() > 1) {
    for (std::int64_t i = 0; i < rowCount(); ++i) std::copy_n(asked.row(i) + heads_.begin * p.dim, width, memory + i * width);
    rows.data = memory;
  }
  return {rows, rows_->codec() ? nullptr : layQueries(rows, memory + rowCount() * width)};
}

template <class Body>
void AttentionTile::forPieces(std::int64_t i, Range range, std::int64_t chunkBegin, Body body) const {
  std::int64_t at = 0;
  for (const Piece& piece : pieces_[static_cast<std::size_t>(i)].all()) {
    const std::int64_t size = piece.end - piece.begin, from = std::max(range.begin, at), to = std::min(range.end, at + size);
    if (from < to) body(Piece{piece.begin + from - at, piece.begin + to - at, piece.encoded}, from - chunkBegin);
    at += size;
    if (at >= range.end) return;
  }
}

void AttentionTile::scorePiece(const Piece& piece, const TileQueries& queries, Rows scores) const {
  if (!piece.encoded) {
    const std::int64_t first = piece.begin % kKeyPanel;
    return scoreKeys(queries.rows, rows_->fullKeyPanel(piece.begin), {first, first + piece.end - piece.begin}, scores, queries.sideBySide);
  }
  const std::int64_t group = rows_->codec()->group(), g = piece.begin / group;
  rows_->codec()->scoreKeys(rows_->keyGroup(g), queries.rows, {piece.begin - g * group, piece.end - g * group}, scores);
}

void AttentionTile::addPiece(const Piece& piece, ConstRows weights, Rows out) const {
  if (!piece.encoded) return addValues(weights, rows_->fullValues(piece.begin), out);
  const std::int64_t group = rows_->codec()->group(), g = piece.begin / group;
  rows_->codec()->addValues(rows_->valueGroup(g), weights, {piece.begin - g * group, piece.end - g * group}, out);
}

/// Scores of rows that are further away than the cap, with the query turned as if they were at it.
void AttentionTile::capDistances(const AttentionProblem& p, ConstRows queries, Range seen, Rows scores) const {
  Buffer<float> turned(static_cast<std::size_t>(p.dim));
  for (std::int64_t q = 0; q < queries.count; ++q) {
    const std::int64_t i = q / headCount(), t = p.positions[static_cast<std::size_t>(firstRow_ + i)];
    forPieces(i, below(seen, seenBy(q).rows()), seen.begin, [&](Piece piece, std::int64_t at) {
      for (std::int64_t r = piece.begin; r < piece.end; ++r) {
        const std::int64_t distance = t - rows_->positions()[static_cast<std::size_t>(r)];
        if (distance <= p.distanceCap) continue;
        std::copy_n(queries.row(q), p.dim, turned.data());
        turn(*p.rope, *p.frequencies, p.distanceCap - distance, turned.data());
        scorePiece({r, r + 1, piece.encoded}, {{turned.data(), 1, p.dim, p.dim}, nullptr}, {scores.row(q) + at + r - piece.begin, 1, 1, 1});
      }
    });
  }
}

void AttentionTile::chunk(const AttentionProblem& p, const TileQueries& queries, std::int64_t c, Rows scores, Rows part) const {
  const Range seen = rowsOf(c), together = below(seen, shared_), scored = below(seen, scored_);
  const std::int64_t heads = headCount();
  // Every query alone sees the rest of the chunk: after what is done for all, up to its own row.
  const auto eachRow = [&](Range done, auto body) {
    for (std::int64_t i = 0; i < rowCount(); ++i) {
      const Range own = below(seen, pieces_[static_cast<std::size_t>(i)].rows());
      forPieces(i, {std::max(own.begin, done.end), own.end}, seen.begin, [&](Piece piece, std::int64_t at) { body(i, piece, at); });
    }
  };

  forPieces(rowCount() - 1, scored, seen.begin, [&](Piece piece, std::int64_t at) { scorePiece(piece, queries, columns(scores, at, piece.end - piece.begin)); });
  eachRow(scored, [&](std::int64_t i, Piece piece, std::int64_t at) {
    scorePiece(piece, {queries.rows.some(i * heads, heads), nullptr}, columns(scores.some(i * heads, heads), at, piece.end - piece.begin));
  });
  if (p.distanceCap > 0 && p.rope) capDistances(p, queries.rows, seen, scores);

  const Rows values = columns(part, 0, p.dim), sums = columns(part, p.dim, 2);
  const auto count = [&](std::int64_t q) { return std::clamp<std::int64_t>(seenBy(q).rows() - seen.begin, 0, seen.size()); };
  for (std::int64_t q = 0, next; q < scores.count; q = next) {
    for (next = q + 1; next < scores.count && count(next) == count(q);) ++next;  // all queries, but at the end of what they see
    const Rows some = columns(scores.some(q, next - q), 0, count(q));
    if (p.softcap > 0)
      for (std::int64_t i = 0; i < some.count; ++i) scaleBy(p.scale, some.width, some.row(i)), softcap(p.softcap, some.width, some.row(i));
    exponentials(p.softcap > 0 ? 1.0f : p.scale, some, sums.some(q, some.count));
  }
  for (std::int64_t q = 0; q < values.count; ++q) std::fill_n(values.row(q), p.dim, 0.0f);

  forPieces(0, together, seen.begin, [&](Piece piece, std::int64_t at) { addPiece(piece, columns(scores, at, piece.end - piece.begin), values); });
  eachRow(together, [&](std::int64_t i, Piece piece, std::int64_t at) {
    addPiece(piece, columns(scores.some(i * heads, heads), at, piece.end - piece.begin), values.some(i * heads, heads));
  });
}

void AttentionTile::merge(std::int64_t dim, std::int64_t c, Rows part, Rows total) const {
  for (std::int64_t q = 0; q < part.count; ++q) {
    if (seenBy(q).rows() <= rowsOf(c).begin) continue;
    const float* from = part.row(q);
    float *to = total.row(q), &maximum = to[dim], &sum = to[dim + 1];
    const bool rises = !(from[dim] <= maximum);
    const float keep = rises ? std::exp(maximum - from[dim]) : 1.0f, factor = rises ? 1.0f : std::exp(from[dim] - maximum);
    blend(keep, factor, from, dim, to);
    sum = keep * sum + factor * from[dim + 1];
    if (rises) maximum = from[dim];
  }
}

void AttentionTile::finish(const AttentionProblem& p, Rows total) const {
  for (std::int64_t q = 0; q < total.count; ++q) {
    float* out = p.out.row(firstRow_ - p.firstRow + q / headCount()) + (heads_.begin + q % headCount()) * p.dim;
    scaled(1.0f / total.row(q)[p.dim + 1], total.row(q), p.dim, out);
  }
}

}  // namespace ts
