// SPDX-License-Identifier: GPL-3.0-or-later
// Products of packed matrices, alone or together, split over the workers by panels.
#include <algorithm>
#include <cassert>

#include "engine/kernels/product.h"
#include "engine/weights/packed.h"
#include "engine/weights/wide.h"

namespace ts {
namespace {

/// At most so many products share one barrier; q, k, v and gate, up need three.
constexpr std::size_t kTogether = 4;

struct Batch {
  const PackedMatrix* matrices[kTogether];
  Rows outs[kTogether];
  std::size_t count = 0;
  std::int64_t panels = 0;
  Needs need;
  void add(const PackedMatrix* matrix, Rows out) {
    matrices[count] = matrix, outs[count++] = out;
    panels += matrix->view().panels;
    const Needs more = needs(matrix->view());
    need.sums32 |= more.sums32, need.sums16 |= more.sums16, need.words |= more.words;
  }
};

/// This worker's share of all panels of the batch.
template <class Tiles>
void multiplyShare(const Batch& batch, const Tiles& tiles, float* scratch, int worker, int workers) {
  const Range mine = share(batch.panels, worker, workers);
  std::int64_t before = 0;
  for (std::size_t i = 0; i < batch.count; ++i) {
    const PanelView& view = batch.matrices[i]->view();
    const Range panels{std::max<std::int64_t>(0, mine.begin - before), std::min(view.panels, mine.end - before)};
    if (panels.size() > 0) multiplyPanels(view, panels, tiles, batch.outs[i], scratch);
    before += view.panels;
  }
}

struct F32Path {
  static auto floats(std::int64_t count, std::int64_t padded, Needs s) { return preparedFloatsF32(count, padded, s); }
  static auto lay(ConstRows in, std::int64_t padded, Needs s, float* m) { return layTilesF32(in, padded, s, m); }
  static void fill(const TilesF32& t, ConstRows in, std::int64_t i) { fillTileF32(t, in, i); }
};
struct Q8Path {
  static auto floats(std::int64_t count, std::int64_t padded, Needs s) { return preparedFloatsQ8(count, padded, s); }
  static auto lay(ConstRows in, std::int64_t padded, Needs s, float* m) { return layTilesQ8(in, padded, s, m); }
  static void fill(const TilesQ8& t, ConstRows in, std::int64_t i) { fillTileQ8(t, in, i); }
};

template <class Path>
void run(const Batch& batch, ConstRows in, Execution& execution) {
  const std::int64_t padded = batch.matrices[0]->view().padded;
  const std::size_t prepared = Path::floats(in.count, padded, batch.need), scratch = productScratchFloats(in.count);
  const int workers = execution.pool.size();
  if (in.count <= kNarrowRows || workers == 1) {
    // Few rows: every worker prepares them for itself, which is cheaper than a barrier.
    execution.pool.run([&](int worker) {
      float* memory = execution.scratchFor(worker, prepared + scratch);
      const auto tiles = Path::lay(in, padded, batch.need, memory);
      for (std::int64_t t = 0; t < tileCount(tiles.count, tiles.tile); ++t) Path::fill(tiles, in, t);
      multiplyShare(batch, tiles, memory + prepared, worker, workers);
    });
    return;
  }
  if (execution.shared.size() < prepared) execution.shared.resize(prepared);
  const auto tiles = Path::lay(in, padded, batch.need, execution.shared.data());
  execution.pool.split(tileCount(tiles.count, tiles.tile), 1, [&](Range range, int) {
    for (std::int64_t t = range.begin; t < range.end; ++t) Path::fill(tiles, in, t);
  });
  execution.pool.run([&](int worker) { multiplyShare(batch, tiles, execution.scratchFor(worker, scratch), worker, workers); });
}

/// Every matrix of the batch through oneDNN, each worker with its own slice of outputs.
void runDnnl(const Batch& batch, ConstRows in, Execution& execution) {
  execution.pool.run([&](int worker) {
    const Range mine = share(batch.panels, worker, execution.pool.size());
    std::int64_t before = 0;
    for (std::size_t i = 0; i < batch.count; ++i) {
      const PackedMatrix& matrix = *batch.matrices[i];
      const std::int64_t all = matrix.view().panels;
      const Range panels{std::max<std::int64_t>(0, mine.begin - before), std::min(all, mine.end - before)};
      if (panels.size() > 0) multiplyByDnnl(matrix, panels, in, batch.outs[i], execution.scratchFor(worker, dnnlScratchFloats(matrix)));
      before += all;
    }
  });
}

void runBatch(const Batch& batch, ConstRows in, Execution& execution, bool q8, bool wide) {
  if (batch.count == 0 || in.count == 0) return;
  if (wide && !q8 && in.count > kNarrowRows && takesDnnl(*batch.matrices[0], in.count)) return runDnnl(batch, in, execution);
  q8 ? run<Q8Path>(batch, in, execution) : run<F32Path>(batch, in, execution);
}

}  // namespace

void multiplyTogether(ConstRows in, std::span<const Product> products, Execution& execution, bool wide) {
  Batch exact, q8;
  const auto flush = [&](Batch& batch, bool isQ8) {
    runBatch(batch, in, execution, isQ8, wide);
    batch = {};
  };
  for (const Product& p : products) {
    const auto* packed = dynamic_cast<const PackedMatrix*>(p.matrix);
    if (!packed) {
      p.matrix->multiply(in, p.out, execution, wide);
      continue;
    }
    assert(in.width == p.matrix->cols() && p.out.width == p.matrix->rows() && in.count == p.out.count);
    const bool isQ8 = execution.activations == Activations::Q8 && !isFloat(packed->view().element);
    Batch& batch = isQ8 ? q8 : exact;
    batch.add(packed, p.out);
    if (batch.count == kTogether) flush(batch, isQ8);
  }
  flush(exact, false);
  flush(q8, true);
}

void PackedMatrix::multiply(ConstRows in, Rows out, Execution& execution, bool wide) const {
  const Product product{this, out};
  multiplyTogether(in, {&product, 1}, execution, wide);
}

}  // namespace ts
