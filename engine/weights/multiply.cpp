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

/// How a matrix meets its activations (product.h, wide.h).
enum class Way { Floats, OneDigit, ThreeDigits, OneDnn };
constexpr Way kWays[] = {Way::Floats, Way::OneDigit, Way::ThreeDigits, Way::OneDnn};

/// Of few rows.
Way wayOf(const PackedMatrix& matrix, Activations activations) {
  const Element e = matrix.view().element;
  if (activations == Activations::Q8 && !isFloat(e)) return Way::OneDigit;
  return exactByDigits(e) ? Way::ThreeDigits : Way::Floats;
}
Way wayOf(const PackedMatrix& matrix, Activations activations, std::int64_t rows, bool wide) {
  const Way few = wayOf(matrix, activations);
  if (!wide || rows <= kNarrowRows || few == Way::OneDigit) return few;
  switch (widePath(matrix, rows)) {
    case WidePath::Tiles: return few;
    case WidePath::Floats: return Way::Floats;
    case WidePath::OneDnn: return Way::OneDnn;
  }
  return few;
}
Needs needsOf(const PackedMatrix& matrix, Way way) {
  switch (way) {
    case Way::Floats: return needsOfFloats(matrix.view());
    case Way::OneDigit: case Way::ThreeDigits: return needsOfDigits(matrix.view());
    case Way::OneDnn: break;
  }
  return {};
}

/// At most so many products share one barrier; q, k, v and gate, up need three.
constexpr std::size_t kTogether = 4;

/// What a waiting worker fetches of the next matrices at most: a second-level cache must hold it beside what runs now.
constexpr std::size_t kExpectedBytes = std::size_t{384} << 10;

/// Products with one barrier, and what surrounds them.
struct Batch {
  const PackedMatrix* matrices[kTogether];
  Rows outs[kTogether];
  std::size_t count = 0;
  std::int64_t panels = 0;
  Needs need;
  bool alike = false;  ///< all have the same columns: a worker takes the same panels of each
  Around around;       ///< of which `after` comes with alike only
  /// False when it is full, or its prepared activations do not serve this matrix.
  bool add(const PackedMatrix* matrix, Rows out, Way way) {
    if (count == kTogether || !need.add(needsOf(*matrix, way))) return false;
    matrices[count] = matrix, outs[count++] = out;
    panels += matrix->view().panels;
    return true;
  }
  /// What is split among the workers: panels of all, or of each.
  std::int64_t parts() const { return alike ? matrices[0]->view().panels : panels; }
};

/// What of a worker's share of all panels lies in a matrix whose panels come after `before` others.
Range shareOf(const PanelView& view, std::int64_t before, Range mine) {
  return {std::max<std::int64_t>(0, mine.begin - before), std::min(view.panels, mine.end - before)};
}

/// body(matrix, panels, out) for some parts of the batch; then what comes after them.
template <class Body>
void forSome(const Batch& batch, Range parts, int worker, Body body) {
  std::int64_t before = 0;
  for (std::size_t i = 0; i < batch.count; ++i) {
    const PanelView& view = batch.matrices[i]->view();
    const Range panels = shareOf(view, before, parts);
    if (panels.size() > 0) body(*batch.matrices[i], panels, batch.outs[i]);
    if (!batch.alike) before += view.panels;
  }
  if (batch.around.after && parts.size() > 0) batch.around.after({parts.begin * kPanel, std::min(parts.end * kPanel, batch.matrices[0]->rows())}, worker);
}

template <class Tiles>
void multiplySome(const Batch& batch, const Tiles& tiles, float* scratch, Range parts, int worker) {
  forSome(batch, parts, worker, [&](const PackedMatrix& matrix, Range panels, Rows out) { multiplyPanels(matrix.view(), panels, tiles, out, scratch); });
}

/// lay(rows, memory) says where the prepared activations of these rows go; digits: 0 for floats.
template <class Lay>
void run(const Batch& batch, ConstRows in, Execution& execution, int digits, std::size_t prepared, Lay lay) {
  std::size_t scratch = 0;
  for (std::size_t i = 0; i < batch.count; ++i) scratch = std::max(scratch, productScratchFloats(in.count, batch.matrices[i]->view(), digits));
  const int workers = execution.pool.size();
  const std::int64_t parts = batch.parts();
  if (in.count <= kAloneRows || workers == 1) {
    const Around& around = batch.around;
    const std::size_t own = around.before && workers > 1 ? static_cast<std::size_t>(in.count * in.width) : 0;
    execution.pool.run([&](int worker) {
      float* memory = execution.scratchFor(worker, prepared + scratch + own);
      ConstRows from = in;
      if (around.before) {
        const Rows made = own > 0 ? Rows{memory + prepared + scratch, in.count, in.width, in.width} : around.made;
        around.before(in, made, worker);
        from = made;
      }
      const auto tiles = lay(from, memory);
      fill(tiles, from, {0, pieces(tiles)});
      multiplySome(batch, tiles, memory + prepared, share(parts, worker, workers), worker);
    });
    return;
  }
  if (execution.shared.size() < prepared) execution.shared.resize(prepared);
  const auto tiles = lay(in, execution.shared.data());
  execution.pool.split(pieces(tiles), 1, [&](Range range, int) { fill(tiles, in, range); });
  if (in.count <= kNarrowRows)  // whoever waited fetched the beginning of an even share (expectProducts)
    return execution.pool.run(
        [&](int worker) { multiplySome(batch, tiles, execution.scratchFor(worker, scratch), share(parts, worker, workers), worker); });
  const Portions cut(parts, workers);
  execution.pool.each(cut.count(), [&](std::int64_t i, int worker) { multiplySome(batch, tiles, execution.scratchFor(worker, scratch), cut[i], worker); });
}

void runFloats(const Batch& batch, ConstRows in, Execution& execution) {
  const std::int64_t padded = batch.matrices[0]->view().padded;
  run(batch, in, execution, 0, preparedFloats(in.count, padded, batch.need),
      [&](ConstRows rows, float* memory) { return layFloats(rows, padded, batch.need, memory); });
}
void runDigits(const Batch& batch, ConstRows in, Execution& execution, int digits) {
  const std::int64_t padded = batch.matrices[0]->view().padded;
  run(batch, in, execution, digits, preparedDigits(in.count, padded, digits, batch.need),
      [&](ConstRows rows, float* memory) { return layDigits(rows, padded, digits, batch.need, memory); });
}

/// What comes before, by the driver alone.
ConstRows make(const Around& around, ConstRows in) {
  around.before(in, around.made, 0);
  return around.made;
}

/// Every matrix of the batch through oneDNN, each worker with its own slice of outputs.
void runDnnl(const Batch& batch, ConstRows in, Execution& execution) {
  if (batch.around.before) in = make(batch.around, in);
  execution.pool.run([&](int worker) {
    forSome(batch, share(batch.parts(), worker, execution.pool.size()), worker, [&](const PackedMatrix& matrix, Range panels, Rows out) {
      multiplyByDnnl(matrix, panels, in, out, execution.scratchFor(worker, dnnlScratchFloats(matrix)));
    });
  });
}

void runBatch(const Batch& batch, ConstRows in, Execution& execution, Way way) {
  if (batch.count == 0) return;
  switch (way) {
    case Way::Floats: return runFloats(batch, in, execution);
    case Way::OneDigit: return runDigits(batch, in, execution, 1);
    case Way::ThreeDigits: return runDigits(batch, in, execution, 3);
    case Way::OneDnn: return runDnnl(batch, in, execution);
  }
}

/// All products in one batch, with what surrounds them, if that can be.
template <class WayOf>
bool fits(Batch& batch, std::span<const Product> products, const Around& around, Way way, WayOf wayOf) {
  for (const Product& p : products) {
    const auto* matrix = dynamic_cast<const PackedMatrix*>(p.matrix);
    if (!matrix || wayOf(*matrix) != way || !batch.add(matrix, p.out, way)) return false;
  }
  batch.alike = true, batch.around = around;
  return true;
}

/// What comes after runs by itself, where products are not all of one batch.
void multiplyThen(ConstRows in, std::span<const Product> products, Execution& execution, bool wide, const Around& around) {
  if (const auto* first = dynamic_cast<const PackedMatrix*>(products[0].matrix)) {
    Batch all;
    const auto of = [&](const PackedMatrix& matrix) { return wayOf(matrix, execution.activations, in.count, wide); };
    const Way way = of(*first);
    if (fits(all, products, around, way, of)) return runBatch(all, in, execution, way);
  }
  multiplyTogether(in, products, execution, wide, {.before = around.before, .made = around.made, .after = {}});
  around.after({0, products[0].out.width}, 0);
}

}  // namespace

void multiplyTogether(ConstRows in, std::span<const Product> products, Execution& execution, bool wide, const Around& around) {
  assert(!around.before || ((in.count <= kAloneRows || execution.pool.size() == 1) && around.made.count == in.count && around.made.width == in.width));
  for ([[maybe_unused]] const Product& p : products)
    assert(in.width == p.matrix->cols() && p.out.width == p.matrix->rows() && in.count == p.out.count && (!around.after || p.out.width == products[0].out.width));
  if (in.count == 0) return;
  if (around.after) return multiplyThen(in, products, execution, wide, around);
  Around with = around;
  if (around.before && std::ranges::any_of(products, [](const Product& p) { return !dynamic_cast<const PackedMatrix*>(p.matrix); }))
    in = make(around, in), with = {};
  Batch batches[std::size(kWays)];
  for (Batch& batch : batches) batch.around = with;
  const auto flush = [&](Way way) {
    Batch& batch = batches[static_cast<int>(way)];
    runBatch(batch, in, execution, way);
    batch = {};
    batch.around = with;
  };
  for (const Product& p : products) {
    const auto* packed = dynamic_cast<const PackedMatrix*>(p.matrix);
    if (!packed) {
      p.matrix->multiply(in, p.out, execution, wide);
      continue;
    }
    const Way way = wayOf(*packed, execution.activations, in.count, wide);
    Batch& batch = batches[static_cast<int>(way)];
    if (!batch.add(packed, p.out, way)) {
      flush(way);
      batch.add(packed, p.out, way);
    }
  }
  for (const Way way : kWays) flush(way);
}

void expectProducts(std::span<const Stretch> before, std::span<const Matrix* const> matrices, bool alike, Execution& execution) {
  const int workers = execution.pool.size();
  if (workers == 1) return;  // who never waits fetches nothing
  // As if they were one batch. Matrices that meet their activations in different ways are several, and a worker then fetches
  // some of another's share: into the last-level cache, which they share.
  std::array<const PanelView*, kTogether> views;
  std::size_t packed = 0;
  std::int64_t all = 0;
  for (const Matrix* m : matrices)
    if (const auto* p = dynamic_cast<const PackedMatrix*>(m); p && packed < kTogether) views[packed++] = &p->view(), all += p->view().panels;
  if (alike && packed > 0) all = views[0]->panels;
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
      if (!alike) done += v.panels;
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
    case Way::OneDnn: break;  // never of few rows
  }
  return 0;
}

void PackedMatrix::multiply(ConstRows in, Rows out, Execution& execution, bool wide) const {
  const Product product{this, out};
  multiplyTogether(in, {&product, 1}, execution, wide);
}

}  // namespace ts
