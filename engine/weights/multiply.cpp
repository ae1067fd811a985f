// SPDX-License-Identifier: GPL-3.0-or-later
// Products of packed matrices, alone or together, split over the workers by panels.
#include <algorithm>
#include <array>
#include <cassert>

#include "engine/kernels/product.h"
#include "engine/weights/packed.h"
#include "engine/weights/wide.h"

namespace ts {
namespace {

/// How a matrix meets its activations (product.h).
enum class Way { Floats, OneDigit, ThreeDigits };

Way wayOf(const PackedMatrix& matrix, Activations activations) {
  const Element e = matrix.view().element;
  if (activations == Activations::Q8 && !isFloat(e)) return Way::OneDigit;
  return exactByDigits(e) ? Way::ThreeDigits : Way::Floats;
}

/// At most so many products share one barrier; q, k, v and gate, up need three.
constexpr std::size_t kTogether = 4;

/// What a waiting worker fetches of the next matrices at most: a second-level cache must hold it beside what runs now.
constexpr std::size_t kExpectedBytes = std::size_t{384} << 10;

struct Batch {
  const PackedMatrix* matrices[kTogether];
  Rows outs[kTogether];
  std::size_t count = 0;
  std::int64_t panels = 0;
  Needs need;
  /// False when it is full, or its prepared activations do not serve this matrix.
  bool add(const PackedMatrix* matrix, Rows out, Way way) {
    if (count == kTogether || !need.add(way == Way::Floats ? needsOfFloats(matrix->view()) : needsOfDigits(matrix->view()))) return false;
    matrices[count] = matrix, outs[count++] = out;
    panels += matrix->view().panels;
    return true;
  }
};

/// What of a worker's share of all panels lies in a matrix whose panels come after `before` others.
Range shareOf(const PanelView& view, std::int64_t before, Range mine) {
  return {std::max<std::int64_t>(0, mine.begin - before), std::min(view.panels, mine.end - before)};
}

/// Some of all panels of the batch.
template <class Tiles>
void multiplySome(const Batch& batch, const Tiles& tiles, float* scratch, Range mine) {
  std::int64_t before = 0;
  for (std::size_t i = 0; i < batch.count; ++i) {
    const PanelView& view = batch.matrices[i]->view();
    const Range panels = shareOf(view, before, mine);
    if (panels.size() > 0) multiplyPanels(view, panels, tiles, batch.outs[i], scratch);
    before += view.panels;
  }
}

/// Rows from which it pays to share the preparing of activations, at the price of a barrier.
constexpr std::int64_t kSharedRows = 4;

/// lay(memory) says where the prepared activations go; digits: 0 for floats.
template <class Lay>
void run(const Batch& batch, ConstRows in, Execution& execution, int digits, std::size_t prepared, Lay lay) {
  std::size_t scratch = 0;
  for (std::size_t i = 0; i < batch.count; ++i) scratch = std::max(scratch, productScratchFloats(in.count, batch.matrices[i]->view(), digits));
  const int workers = execution.pool.size();
  if (in.count < kSharedRows || workers == 1) {
    execution.pool.run([&](int worker) {
      float* memory = execution.scratchFor(worker, prepared + scratch);
      const auto tiles = lay(memory);
      fill(tiles, in, {0, pieces(tiles)});
      multiplySome(batch, tiles, memory + prepared, share(batch.panels, worker, workers));
    });
    return;
  }
  if (execution.shared.size() < prepared) execution.shared.resize(prepared);
  const auto tiles = lay(execution.shared.data());
  execution.pool.split(pieces(tiles), 1, [&](Range range, int) { fill(tiles, in, range); });
  if (in.count <= kNarrowRows)  // whoever waited fetched the beginning of an even share (expectProducts)
    return execution.pool.run(
        [&](int worker) { multiplySome(batch, tiles, execution.scratchFor(worker, scratch), share(batch.panels, worker, workers)); });
  const Portions cut(batch.panels, workers);
  execution.pool.each(cut.count(), [&](std::int64_t i, int worker) { multiplySome(batch, tiles, execution.scratchFor(worker, scratch), cut[i]); });
}

void runFloats(const Batch& batch, ConstRows in, Execution& execution) {
  const std::int64_t padded = batch.matrices[0]->view().padded;
  run(batch, in, execution, 0, preparedFloats(in.count, padded, batch.need),
      [&](float* memory) { return layFloats(in, padded, batch.need, memory); });
}
void runDigits(const Batch& batch, ConstRows in, Execution& execution, int digits) {
  const std::int64_t padded = batch.matrices[0]->view().padded;
  run(batch, in, execution, digits, preparedDigits(in.count, padded, digits, batch.need),
      [&](float* memory) { return layDigits(in, padded, digits, batch.need, memory); });
}

/// Every matrix of the batch through oneDNN, each worker with its own slice of outputs.
void runDnnl(const Batch& batch, ConstRows in, Execution& execution) {
  execution.pool.run([&](int worker) {
    const Range mine = share(batch.panels, worker, execution.pool.size());
    std::int64_t before = 0;
    for (std::size_t i = 0; i < batch.count; ++i) {
      const PackedMatrix& matrix = *batch.matrices[i];
      const Range panels = shareOf(matrix.view(), before, mine);
      if (panels.size() > 0)
        multiplyByDnnl(matrix, panels, in, batch.outs[i], execution.scratchFor(worker, dnnlScratchFloats(matrix)));
      before += matrix.view().panels;
    }
  });
}

void runBatch(const Batch& batch, ConstRows in, Execution& execution, Way way, bool wide) {
  if (batch.count == 0 || in.count == 0) return;
  if (wide && way != Way::OneDigit && in.count > kNarrowRows && takesDnnl(*batch.matrices[0], in.count))
    return runDnnl(batch, in, execution);
  way == Way::Floats ? runFloats(batch, in, execution) : runDigits(batch, in, execution, way == Way::OneDigit ? 1 : 3);
}

}  // namespace

void multiplyTogether(ConstRows in, std::span<const Product> products, Execution& execution, bool wide) {
  Batch batches[3];
  const auto flush = [&](Way way) {
    Batch& batch = batches[static_cast<int>(way)];
    runBatch(batch, in, execution, way, wide);
    batch = {};
  };
  for (const Product& p : products) {
    const auto* packed = dynamic_cast<const PackedMatrix*>(p.matrix);
    if (!packed) {
      p.matrix->multiply(in, p.out, execution, wide);
      continue;
    }
    assert(in.width == p.matrix->cols() && p.out.width == p.matrix->rows() && in.count == p.out.count);
    const Way way = wayOf(*packed, execution.activations);
    Batch& batch = batches[static_cast<int>(way)];
    if (!batch.add(packed, p.out, way)) {
      flush(way);
      batch.add(packed, p.out, way);
    }
  }
  for (const Way way : {Way::Floats, Way::OneDigit, Way::ThreeDigits}) flush(way);
}

void expectProducts(std::span<const Stretch> before, std::span<const Matrix* const> matrices, Execution& execution) {
  const int workers = execution.pool.size();
  if (workers == 1) return;  // who never waits fetches nothing
  // As if they were one batch. Matrices that meet their activations in different ways are several, and a worker then fetches
  // some of another's share: into the last-level cache, which they share.
  std::array<const PanelView*, kTogether> views;
  std::size_t packed = 0;
  std::int64_t all = 0;
  for (const Matrix* m : matrices)
    if (const auto* p = dynamic_cast<const PackedMatrix*>(m); p && packed < kTogether) views[packed++] = &p->view(), all += p->view().panels;
  for (int worker = 0; worker < workers; ++worker) {
    std::array<Stretch, ThreadPool::kStretches> stretches;
    std::size_t count = 0, left = kExpectedBytes;
    const auto take = [&](const std::byte* data, std::size_t bytes) {
      bytes = std::min(bytes, left);
      if (bytes == 0 || count == stretches.size()) return;
      stretches[count++] = {data, bytes};
      left -= bytes;
    };
    for (const Stretch& s : before) {  // who takes what of these will be seen: each worker fetches a part
      const Range part = share(static_cast<std::int64_t>(s.bytes), worker, workers, kAlignment);
      take(s.data + part.begin, static_cast<std::size_t>(part.size()));
    }
    std::int64_t done = 0;
    const Range mine = share(all, worker, workers);
    for (std::size_t i = 0; i < packed; ++i) {
      const PanelView& v = *views[i];
      const Range panels = shareOf(v, done, mine);
      done += v.panels;
      if (panels.size() <= 0) continue;
      take(v.data + static_cast<std::size_t>(panels.begin) * v.panelBytes, static_cast<std::size_t>(panels.size()) * v.panelBytes);
    }
    execution.pool.expect(worker, std::span(stretches).first(count));
  }
}

int PackedMatrix::digits(Activations activations) const {
  switch (wayOf(*this, activations)) {
    case Way::Floats: return 0;
    case Way::OneDigit: return 1;
    case Way::ThreeDigits: return 3;
  }
  return 0;
}

void PackedMatrix::multiply(ConstRows in, Rows out, Execution& execution, bool wide) const {
  const Product product{this, out};
  multiplyTogether(in, {&product, 1}, execution, wide);
}

}  // namespace ts
