// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/forward.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>

#include "engine/kernels/vector.h"

namespace ts {
namespace {

/// Rows from which element-wise work is worth a barrier.
constexpr std::int64_t kParallelRows = 8;

template <class Body>
void forRows(const Pass& pass, std::int64_t rows, Body&& body) {
  if (rows < kParallelRows) {
    for (std::int64_t i = 0; i < rows; ++i) body(i);
  } else {
    pass.execution.pool.split(rows, 1, [&](Range range, int) {
      for (std::int64_t i = range.begin; i < range.end; ++i) body(i);
    });
  }
}

Rows view(Buffer<float>& buffer, std::int64_t rows, std::int64_t width) {
  const auto needed = static_cast<std::size_t>(rows * width);
  if (buffer.size() < needed) buffer.resize(needed);
  return {buffer.data(), rows, width, width};
}

/// Times one operation for the ledger.
class Timed {
 public:
  Timed(const Pass& pass, Operation operation) : pass_(pass), operation_(operation), start_(std::chrono::steady_clock::now()) {}
  ~Timed() {
    cost.nanoseconds = static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start_).count()) - within_;
    cost.calls = 1;
    pass_.execution.ledger.add(operation_, cost);
  }
  /// Counts what of this time was another operation's.
  void give(Operation other, std::uint64_t nanoseconds) {
    pass_.execution.ledger.add(other, {.nanoseconds = nanoseconds, .calls = 1});
    within_ += nanoseconds;
  }
  Cost cost;

 private:
  const Pass& pass_;
  Operation operation_;
  std::chrono::steady_clock::time_point start_;
  std::uint64_t within_ = 0;
};

/// Nanoseconds that the driver, worker 0, spends on what others do too.
class DriverTime {
 public:
  template <class Body>
  void of(int worker, Body body) {
    if (worker != 0) return body();
    const auto start = std::chrono::steady_clock::now();
    body();
    nanoseconds_ += static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count());
  }
  std::uint64_t nanoseconds() const { return nanoseconds_; }

 private:
  std::uint64_t nanoseconds_ = 0;
};

void normRow(NormKind kind, const Norm& norm, float epsilon, const float* in, std::int64_t n, float* out) {
  if (kind == NormKind::Layer)
    layerNorm(in, norm.weight.data(), norm.bias.empty() ? nullptr : norm.bias.data(), epsilon, n, out);
  else
    rmsNorm(in, norm.weight.data(), epsilon, n, out);
}

/// out = the norm of each row.
void normEach(const Pass& pass, const Norm& norm, ConstRows in, Rows out) {
  const ModelConfig& c = pass.model.config;
  for (std::int64_t i = 0; i < in.count; ++i) normRow(c.norm, norm, c.normEpsilon, in.row(i), in.width, out.row(i));
}

void addBias(const Linear& linear, Rows rows, Range columns) {
  if (linear.bias.empty()) return;
  for (std::int64_t i = 0; i < rows.count; ++i) addTo(linear.bias.data() + columns.begin, columns.size(), rows.row(i) + columns.begin);
}

struct Step {
  Role role;
  const Linear* linear;
  Rows out;
};

/// Rows up to which reading weights takes longer than multiplying them, so that it pays to fetch them early.
constexpr std::int64_t kExpectingRows = 4;

/// Maps of the same input that come next; alike: they have the same columns, and something comes after all of them (Around).
struct Expected {
  std::array<const Linear*, 3> maps{};
  bool alike = false;
};

/// Says that the pass comes to these maps after the next operation; to `before` ahead of them.
void expect(const Pass& pass, std::int64_t rows, Expected next, std::span<const Stretch> before = {}) {
  if (rows > kExpectingRows) return;
  std::array<const Matrix*, 3> matrices;
  std::size_t count = 0;
  for (const Linear* linear : next.maps)
    if (linear && linear->weight) matrices[count++] = linear->weight.get();
  expectProducts(before, std::span(matrices).first(count), next.alike, pass.execution);
}

constexpr int kNoLayer = -1;
const Norm kNoNorm;

/// The rows' norm, or they themselves where there is none.
ConstRows normed(const Pass& pass, const Norm& norm, ConstRows in) {
  if (norm.weight.empty()) return in;
  const Timed timed(pass, Operation::Norm);
  const Rows out = view(pass.workspace.normed, in.count, in.width);
  forRows(pass, in.count, [&](std::int64_t i) { normEach(pass, norm, in.some(i, 1), out.some(i, 1)); });
  return out;
}

/// What is done with the columns of all maps once they are there, and what it counts as.
struct Then {
  Operation operation = Operation::Count;
  FunctionRef<void(Range rows, Range columns)> with;
};

/// Several maps with one barrier, biases added: of the rows' norm, and with what comes then, both on the way where rows are few (Around) or
/// the worker is alone. `next` are the maps that the pass comes to after these, and after `attending`'s attention if that is not none.
void apply(const Pass& pass, const Norm& norm, ConstRows in, std::span<const Step> steps, const Expected& next, const Then& then = {}, int attending = kNoLayer) {
  const bool alone = pass.execution.pool.size() == 1;
  const bool norms = !norm.weight.empty() && !pass.observer && (alone || in.count <= kAloneRows);
  const bool finishes = then.with && (alone || in.count <= kNarrowRows);
  if (!norms) in = normed(pass, norm, in);
  const Range rows{0, in.count}, columns{0, steps[0].out.width};
  {
    Timed timed(pass, Operation::Linear);
    const bool attends = attending != kNoLayer && in.count == 1 && !alone;  // who is alone waits for nobody
    expect(pass, in.count, next, attends ? pass.attention.expect(attending) : std::span<const Stretch>());
    std::array<Product, 3> products;
    std::size_t count = 0;
    for (const Step& step : steps) {
      if (pass.observer) (*pass.observer)(step.role, in);
      products[count++] = {step.linear->weight.get(), step.out};
      timed.cost.bytes += step.linear->weight->bytesRead();
      timed.cost.operations += step.linear->weight->operations() * static_cast<std::uint64_t>(in.count);
    }
    DriverTime norming, finishing;
    const auto before = [&](ConstRows from, Rows made, int worker) { norming.of(worker, [&] { normEach(pass, norm, from, made); }); };
    const auto after = [&](Range some, int worker) {
      finishing.of(worker, [&] {
        for (const Step& step : steps) addBias(*step.linear, step.out, some);
        then.with(rows, some);
      });
    };
    Around around;
    if (norms) around.before = before, around.made = view(pass.workspace.normed, in.count, in.width);
    if (finishes) around.after = after;
    multiplyTogether(in, std::span(products.data(), count), pass.execution, pass.wide, around);
    if (!then.with)
      for (const Step& step : steps) addBias(*step.linear, step.out, {0, step.out.width});
    if (norms) timed.give(Operation::Norm, norming.nanoseconds());
    if (finishes) timed.give(then.operation, finishing.nanoseconds());
  }
  if (!then.with || finishes) return;
  const Timed timed(pass, then.operation);
  forRows(pass, in.count, [&](std::int64_t i) {
    for (const Step& step : steps) addBias(*step.linear, step.out.some(i, 1), columns);
    then.with({i, i + 1}, columns);
  });
}

/// Query/key norm over each head or over the whole row, then rotation. `rows` are the last of the pass.
void normAndRotate(const Pass& pass, const Norm& norm, int heads, int rope, Rows rows) {
  const ModelConfig& c = pass.model.config;
  if (norm.weight.empty() && rope < 0) return;
  const auto positions = pass.positions.last(static_cast<std::size_t>(rows.count));
  forRows(pass, rows.count, [&](std::int64_t i) {
    float* row = rows.row(i);
    // A pruned block has fewer heads than the norm over the whole row was trained for; its first rows.width weights remain.
    if (!norm.weight.empty() && c.qkNorm == QkNorm::Whole) normRow(c.norm, norm, c.normEpsilon, row, rows.width, row);
    const Rope* r = rope < 0 ? nullptr : &c.ropes[static_cast<std::size_t>(rope)];
    const float* table = rope < 0 ? nullptr : pass.ropes.row(rope, positions[static_cast<std::size_t>(i)]);
    for (int h = 0; h < heads; ++h) {
      float* head = row + static_cast<std::int64_t>(h) * c.headDim;
      if (!norm.weight.empty() && c.qkNorm == QkNorm::PerHead) normRow(c.norm, norm, c.normEpsilon, head, c.headDim, head);
      if (r) r->interleaved ? ropeInterleaved(head, table, table + r->dims / 2, r->dims / 2) : ropeHalves(head, table, table + r->dims / 2, r->dims / 2);
    }
  });
}

/// hidden += the map of `in`, through the post-norm where the block has one.
void addMapped(const Pass& pass, Role role, const Linear& linear, const Norm& post, ConstRows in, Rows hidden, const Expected& next) {
  const Rows out = view(pass.workspace.projected, hidden.count, hidden.width);
  const Step step{role, &linear, out};
  const auto add = [&](Range rows, Range columns) {
    for (std::int64_t i = rows.begin; i < rows.end; ++i) addTo(out.row(i) + columns.begin, columns.size(), hidden.row(i) + columns.begin);
  };
  if (post.weight.empty()) return apply(pass, kNoNorm, in, std::span(&step, 1), next, {Operation::Norm, add});
  apply(pass, kNoNorm, in, std::span(&step, 1), next);
  const Timed timed(pass, Operation::Norm);
  forRows(pass, hidden.count, [&](std::int64_t i) {
    normEach(pass, post, out.some(i, 1), out.some(i, 1));
    add({i, i + 1}, {0, hidden.width});
  });
}

/// out = gate(in) * up, or the activation alone when `up` is null.
void activateRow(Gate kind, const float* in, const float* up, std::int64_t n, float* out) {
  switch (kind) {
    case Gate::Silu: siluTimes(in, up, n, out); break;
    case Gate::GeluTanh: geluTanhTimes(in, up, n, out); break;
    case Gate::Gelu: geluTimes(in, up, n, out); break;
  }
}

/// The first part of a block: queries of the last q.count rows, keys and values of all, normed and rotated.
void project(const Pass& pass, const Block& block, int layer, ConstRows hidden, Rows q, Rows k, Rows v) {
  const ModelConfig& c = pass.model.config;
  const std::int64_t m = hidden.count, wanted = q.count;
  const std::array<Step, 3> steps{Step{Role::K, &block.k, k}, Step{Role::V, &block.v, v}, Step{Role::Q, &block.q, q}};  // q last: it may be of fewer rows
  if (wanted == m) {
    apply(pass, block.attentionNorm, hidden, steps, {{&block.o}}, {}, layer);
  } else {
    const ConstRows in = normed(pass, block.attentionNorm, hidden);
    apply(pass, kNoNorm, in, std::span(steps).first(2), {});
    if (wanted > 0) apply(pass, kNoNorm, in.from(m - wanted), std::span(steps).last(1), {{&block.o}}, {}, layer);
  }
  const Timed timed(pass, Operation::Norm);
  const int rope = c.layers[static_cast<std::size_t>(layer)].rope;
  normAndRotate(pass, block.qNorm, block.heads(), rope, q);
  normAndRotate(pass, block.kNorm, block.kvHeads, rope, k);
}

/// What follows attention.
void attentionOut(const Pass& pass, const Block& block, ConstRows attended, Rows hidden) {
  addMapped(pass, Role::O, block.o, block.attentionPostNorm, attended, hidden, {{&block.gate, &block.up}, true});
}

void mlpHalf(const Pass& pass, const Block& block, int layer, Rows hidden) {
  const Gate kind = pass.model.config.gate;
  const bool gated = block.gate.weight != nullptr;
  const Rows up = view(pass.workspace.up, hidden.count, block.intermediate);
  const Rows activated = gated ? view(pass.workspace.gate, hidden.count, block.intermediate) : up;
  const std::array<Step, 2> steps{Step{Role::Gate, &block.gate, activated}, Step{Role::Up, &block.up, up}};
  const auto activate = [&](Range rows, Range columns) {
    for (std::int64_t i = rows.begin; i < rows.end; ++i) {
      float* row = activated.row(i) + columns.begin;
      activateRow(kind, row, gated ? up.row(i) + columns.begin : nullptr, columns.size(), row);
    }
  };
  apply(pass, block.mlpNorm, hidden, std::span(steps).last(gated ? 2 : 1), {{&block.down}}, {Operation::Activation, activate});
  const auto after = static_cast<std::size_t>(layer) + 1;
  const bool last = after == pass.model.blocks.size();
  const Block& follows = pass.model.blocks[last ? 0 : after];
  const Linear &k = follows.k, &v = follows.v, &q = follows.q;
  addMapped(pass, Role::Down, block.down, block.mlpPostNorm, activated, hidden, last ? Expected{{&pass.model.head}} : Expected{{&k, &v, &q}});
}

/// take(pass, rows) for all rows: together, or `alone` each worker some after others, when there are some for each.
template <class Take>
void takeRows(const Pass& pass, std::int64_t rows, bool alone, Take take) {
  if (rows == 0) return;
  const std::int64_t workers = pass.execution.pool.size(), least = (rows + Lanes::kRows - 1) / Lanes::kRows;
  if (!alone || rows <= kNarrowRows || least < workers) return take(pass, Range{0, rows});
  const std::int64_t parts = (least + workers - 1) / workers * workers;  // as many for each
  const auto positions = pass.positions.last(static_cast<std::size_t>(rows));
  assert(pass.lanes->count() == workers);
  Ledger before, last;
  pass.lanes->clearLedgers();
  const auto start = std::chrono::steady_clock::now();
  pass.execution.pool.eachOfShares(parts, [&](std::int64_t i, int worker) {
    const Range some = share(rows, static_cast<int>(i), static_cast<int>(parts));
    Lanes::Lane& lane = pass.lanes->of(worker);
    const bool lastPart = i + 1 == parts;
    if (lastPart) std::swap(before, lane.execution.ledger);
    take(Pass{.model = pass.model, .positions = positions.subspan(static_cast<std::size_t>(some.begin), static_cast<std::size_t>(some.size())), .ropes = pass.ropes,
              .attention = pass.attention, .workspace = lane.workspace, .execution = lane.execution, .wide = pass.wide}, some);
    if (lastPart) last = lane.execution.ledger, lane.execution.ledger.add(before);
  });
  pass.lanes->addTo(pass.execution.ledger, last, static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count()));
}

}  // namespace

void embed(const Pass& pass, std::span<const int> tokens, Rows hidden) {
  Timed timed(pass, Operation::Embedding);
  const Model& model = pass.model;
  forRows(pass, hidden.count, [&](std::int64_t i) {
    float* row = hidden.row(i);
    model.embedding->unpackRows(tokens[static_cast<std::size_t>(i)], 1, row);
    if (model.config.embeddingScale != 1.0f)
      scaleBy(model.config.embeddingScale, hidden.width, row);
    if (!model.positions.empty()) addTo(model.positions.data() + std::int64_t{pass.positions[static_cast<std::size_t>(i)]} * hidden.width, hidden.width, row);
  });
  timed.cost.bytes = model.embedding->bytes() / static_cast<std::size_t>(model.embedding->rows()) * static_cast<std::size_t>(hidden.count);
}

void runBlock(const Pass& pass, int layer, Rows hidden, std::int64_t firstWanted) {
  assert(0 <= firstWanted && firstWanted <= hidden.count && (firstWanted == 0 || !pass.observer) && "who observes is shown every row");
  const Block& block = pass.model.blocks[static_cast<std::size_t>(layer)];
  const Ledger::InLayer in(pass.execution.ledger, layer);
  const std::int64_t dim = pass.model.config.headDim, wanted = hidden.count - firstWanted;
  Workspace& w = pass.workspace;
  const Rows q = view(w.q, wanted, block.heads() * dim), k = view(w.k, hidden.count, block.kvHeads * dim), v = view(w.v, hidden.count, block.kvHeads * dim);
  const Rows attended = view(w.attended, wanted, q.width);
  const bool alone = pass.lanes && !pass.observer && Lanes::suit(block, pass.execution.activations);
  takeRows(pass, hidden.count, alone, [&](const Pass& own, Range rows) {
    const Range asked{std::max(rows.begin, firstWanted), std::max(rows.end, firstWanted)};
    project(own, block, layer, hidden.some(rows.begin, rows.size()), q.some(asked.begin - firstWanted, asked.size()), k.some(rows.begin, rows.size()),
            v.some(rows.begin, rows.size()));
  });
  pass.attention.attend(layer, q, k, v, attended);
  takeRows(pass, wanted, alone, [&](const Pass& own, Range rows) {
    const Rows here = hidden.some(firstWanted + rows.begin, rows.size());
    attentionOut(own, block, attended.some(rows.begin, rows.size()), here);
    mlpHalf(own, block, layer, here);
  });
}

void runHead(const Pass& pass, ConstRows hidden, Rows logits) {
  const Model& model = pass.model;
  const ConstRows in = normed(pass, model.finalNorm, hidden);
  Timed timed(pass, Operation::Head);
  timed.cost.bytes = model.head.weight->bytesRead();
  timed.cost.operations = model.head.weight->operations() * static_cast<std::uint64_t>(hidden.count);
  if (!model.blocks.empty()) {  // the next token's first
    const Block& first = model.blocks.front();
    expect(pass, hidden.count, {{&first.k, &first.v, &first.q}});
  }
  model.head.weight->multiply(in, logits, pass.execution, pass.wide);
  addBias(model.head, logits, {0, logits.width});
  if (const float cap = model.config.logitSoftcap; cap > 0)
    for (std::int64_t i = 0; i < logits.count; ++i) softcap(cap, logits.width, logits.row(i));
}

}  // namespace ts
