// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/session.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <limits>
#include <new>

#include "engine/core/prefault.h"
#include "engine/kv/strategy.h"
#include "engine/model/forward.h"
#include "engine/registry/registry.h"
#include "engine/session/attention.h"

namespace ts {
namespace {

/// Rows of one prefill pass: enough for the wide kernels to reach their speed, few enough to keep activations in cache.
constexpr std::int64_t kChunk = 512;
/// Of the rows that a session has room for, what gets its memory at once: all that most sequences need, little enough not to
/// matter where the sequence ends early.
constexpr std::size_t kReadyBytes = std::size_t{64} << 20;
/// Rows of logits computed at once while scoring.
constexpr std::int64_t kHeadRows = 64;
/// Rows that a visibility policy has made invisible are freed when the position is a multiple of this.
constexpr std::int64_t kFreeInterval = 64;

std::int64_t sinceMultiple(std::int64_t position, std::int64_t interval) { return position % interval; }

}  // namespace

DraftTree DraftTree::chain(std::span<const int> tokens) {
  DraftTree tree;
  tree.tokens.assign(tokens.begin(), tokens.end());
  for (int i = 0; i < static_cast<int>(tokens.size()); ++i) tree.parents.push_back(i - 1);
  return tree;
}

struct Session::Impl {
  Impl(std::shared_ptr<const Model> m, ThreadPool& pool, SessionOptions o)
      : model(std::move(m)), options(std::move(o)), execution(pool, options.activations),
        ropes(model->config, options.capacity > 0 ? options.capacity : model->config.contextLength) {}

  std::shared_ptr<const Model> model;
  SessionOptions options;
  Execution execution;
  RopeCache ropes;
  Workspace workspace;
  Lanes lanes{options.activations == Activations::Q8 ? execution.pool.size() : 0, options.activations};  // others never go in lanes
  KvState state;
  KvAttention attention{*model, state, execution, ropes};
  std::vector<int> tokens;       // committed
  DraftTree draft;               // pending
  Buffer<float> hidden, logits;
  std::vector<std::int32_t> positions;
  std::int64_t evicted = 0, limit = 0;
  std::vector<std::int32_t> kept;

  std::int64_t position() const { return static_cast<std::int64_t>(tokens.size()); }

  void makeRows() {
    state.layers.clear();
    for (const Block& block : model->blocks)
      state.layers.emplace_back(static_cast<std::size_t>(block.kvHeads), HeadRows(state.codec, model->config.headDim, state.wantsMass));
    state.mass.resize(model->blocks.size());
    // What a policy will keep is not known. Rows lie in huge pages, so a sequence that ends early may hold some of the
    // memory of what was to come, at most what the forecast said.
    if (options.capacity > 0) tokens.reserve(static_cast<std::size_t>(std::min(options.capacity, model->config.contextLength)));
    if (!state.policies.empty() || options.capacity <= 0) return;
    const std::int64_t rows = std::min(options.capacity, model->config.contextLength) + HeadRows::kTail;
    const std::size_t row = static_cast<std::size_t>(model->config.headDim) * sizeof(float);
    std::size_t ready = kReadyBytes;
    for (auto& heads : state.layers)
      for (HeadRows& head : heads) {
        head.reserve(rows);
        if (state.codec) continue;
        const std::size_t bytes = std::min(ready / 2, static_cast<std::size_t>(rows) * row);
        prefault(head.fullKeyPanel(0), bytes);
        prefault(head.fullValues(0), bytes);
        ready -= 2 * bytes;
      }
  }

  /// Tokens until the next position at which a policy acts.
  std::int64_t untilBoundary() const {
    std::int64_t left = std::numeric_limits<std::int64_t>::max();
    for (const auto& policy : state.policies)
      if (policy->interval() > 0) left = std::min(left, policy->interval() - sinceMultiple(position(), policy->interval()));
    if (state.window > 0) left = std::min(left, kFreeInterval - sinceMultiple(position(), kFreeInterval));
    return left;
  }

  /// Runs rows through every block, after the `drafted` rows of the draft that have run before (`parents` counts from the
  /// first of those). Only rows from `firstWanted` on leave what a head takes. False when stopped: the draft is dropped, committed rows are as before.
  bool run(std::span<const int> ids, std::int64_t firstWanted, std::int64_t drafted, std::span<const int> parents, bool certain, bool wide, const std::stop_token& stop) {
    const std::int64_t m = static_cast<std::int64_t>(ids.size()), width = model->config.hidden;
    hidden.resize(std::max(hidden.size(), static_cast<std::size_t>(m * width)));
    ropes.reserve(position() + drafted + m);
    positions.resize(static_cast<std::size_t>(drafted + m));
    for (std::int64_t i = drafted; i < drafted + m; ++i) {
      const auto at = static_cast<std::size_t>(i);
      positions[at] = static_cast<std::int32_t>(parents.empty() ? position() + i : parents[at] < 0 ? position() : positions[static_cast<std::size_t>(parents[at])] + 1);
    }
    state.drafted = drafted;
    state.parents = parents;
    state.certain = certain;
    const std::span<const std::int32_t> own = std::span(positions).subspan(static_cast<std::size_t>(drafted));
    attention.setPositions(own);
    const Pass pass{*model, own, ropes, attention, workspace, execution, wide, nullptr, &lanes};
    const Rows rows{hidden.data(), m, width, width};
    embed(pass, ids, rows);
    for (int layer = 0; layer < model->config.layerCount(); ++layer) {
      if (stop.stop_requested()) {
        dropDraft();
        return false;
      }
      const bool last = layer + 1 == model->config.layerCount();
      runBlock(pass, layer, rows, last && !state.wantsMass ? firstWanted : 0);  // a policy weighs what every query sees
    }
    return true;
  }

  /// Logits of rows [first, first + count) of the last pass into rows [to, to + count) of `logits`.
  void head(std::int64_t first, std::int64_t count, std::int64_t to, bool wide) {
    const std::int64_t vocabulary = model->config.vocabulary, width = model->config.hidden;
    logits.resize(std::max(logits.size(), static_cast<std::size_t>((to + count) * vocabulary)));
    const Pass pass{*model, positions, ropes, attention, workspace, execution, wide, nullptr};
    runHead(pass, ConstRows(hidden.data() + first * width, count, width, width), Rows{logits.data() + to * vocabulary, count, vocabulary, vocabulary});
  }

  void dropDraft() {
    for (auto& heads : state.layers)
      for (HeadRows& rows : heads) rows.dropDraft();
    draft.tokens.clear(), draft.parents.clear();  // their memory stays: a decode step takes none from the heap
  }

  void commit(std::span<const std::int32_t> offsets) {
    for (std::size_t l = 0; l < state.layers.size(); ++l) {
      for (std::size_t h = 0; h < state.layers[l].size(); ++h) {
        HeadRows& rows = state.layers[l][h];
        if (state.wantsMass) addMass(rows, state.mass[l][h], offsets);
        rows.commit(offsets);
      }
    }
  }

  /// Adds what the committed rows' queries gave, in order; the draft's own rows are found through their offsets.
  static void addMass(HeadRows& rows, const std::vector<std::vector<float>>& mass, std::span<const std::int32_t> offsets) {
    for (const std::int32_t offset : offsets) {
      const std::vector<float>& given = mass[static_cast<std::size_t>(offset)];
      for (std::size_t i = 0; i < given.size(); ++i) rows.addMass(static_cast<std::int64_t>(i), given[i]);
    }
  }

  /// Lets the policies act if the position is a boundary.
  void evict() {
    const auto start = std::chrono::steady_clock::now();
    bool acted = false;
    for (const auto& policy : state.policies) {
      if (policy->interval() == 0 || position() == 0 || sinceMultiple(position(), policy->interval()) != 0) continue;
      acted = true;
      eachHead([&](int layer, int head, HeadRows& rows) {
        kept.clear();
        policy->keep({layer, head, position(), rows.positions(), rows.mass()}, kept);
        assert(std::is_sorted(kept.begin(), kept.end()));
        evicted += rows.committed() - static_cast<std::int64_t>(kept.size());
        rows.keepOnly(kept);
      });
    }
    if (state.window > 0 && position() > 0 && sinceMultiple(position(), kFreeInterval) == 0) {
      acted = true;
      eachHead([&](int, int, HeadRows& rows) {
        kept.clear();
        const auto positions = rows.positions();
        for (std::int32_t i = 0; i < static_cast<std::int32_t>(positions.size()); ++i) {
          const std::int64_t p = positions[static_cast<std::size_t>(i)];
          if (p < state.sinks || position() - p < state.window) kept.push_back(i);
        }
        evicted += rows.committed() - static_cast<std::int64_t>(kept.size());
        rows.keepOnly(kept);
      });
    }
    if (acted) execution.ledger.add(Operation::Policy, {0, 0, static_cast<std::uint64_t>((std::chrono::steady_clock::now() - start).count()), 1});
  }

  template <class Body>
  void eachHead(Body&& body) {
    for (std::size_t l = 0; l < state.layers.size(); ++l)
      for (std::size_t h = 0; h < state.layers[l].size(); ++h) body(static_cast<int>(l), static_cast<int>(h), state.layers[l][h]);
  }

  Result<void> checkTokens(std::span<const int> ids) const {
    for (const int id : ids)
      if (id < 0 || id >= model->config.vocabulary)
        return fail("token id " + std::to_string(id) + " is outside the model's vocabulary of " + std::to_string(model->config.vocabulary), "session");
    if (position() + static_cast<std::int64_t>(ids.size()) > limit)
      return fail("position " + std::to_string(position() + static_cast<std::int64_t>(ids.size())) + " is beyond the model's context of " + std::to_string(limit) + " tokens", "session");
    return {};
  }
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::open(std::shared_ptr<const Model> model, ThreadPool& pool, SessionOptions options) {
  auto impl = std::make_unique<Impl>(std::move(model), pool, std::move(options));
  impl->limit = impl->model->config.contextLength;
  for (const StrategySpec& spec : impl->options.kv) {
    const Strategy* strategy = registry().find(Family::KeyValue, spec.id);
    if (strategy && std::holds_alternative<Make<KvCodec>>(strategy->factory)) {
      TS_TRY(impl->state.codec, registry().make<KvCodec>(Family::KeyValue, spec));
      continue;
    }
    TS_TRY(std::shared_ptr<const KvPolicy> policy, registry().make<KvPolicy>(Family::KeyValue, spec));
    impl->state.wantsMass |= policy->wantsMass();
    if (policy->window() > 0) {
      impl->state.sinks = policy->sinks();
      impl->state.window = policy->window();
    }
    if (policy->distanceCap() > 0) {
      if (impl->model->config.ropes.empty())
        return fail(ErrorKind::Refused, "'" + spec.id + "' caps rotary distances, and this model has learned positions instead; leave distance off", "--kv " + toText(spec));
      impl->state.distanceCap = policy->distanceCap();
      // Distances are bounded, so positions may run past what the model was trained on.
      impl->limit = std::numeric_limits<std::int32_t>::max();
    }
    impl->state.policies.push_back(std::move(policy));
  }
  impl->makeRows();
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Result<void> Session::prefill(std::span<const int> tokens, std::int64_t firstWanted, const LogitSink& sink, std::stop_token stop) {
  Impl& s = *impl_;
  TS_CHECK(s.checkTokens(tokens));
  s.dropDraft();
  const std::int64_t total = static_cast<std::int64_t>(tokens.size());
  std::vector<std::int32_t> all;
  for (std::int64_t begin = 0; begin < total;) {
    const std::int64_t count = std::min({total - begin, kChunk, s.untilBoundary()});
    const auto chunk = tokens.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count));
    const bool wide = count > kNarrowRows;
    const std::int64_t wanted = std::clamp<std::int64_t>(firstWanted - begin, 0, count);  // the first of the chunk, or none
    if (!s.run(chunk, wanted, 0, {}, true, wide, stop)) return fail(ErrorKind::Cancelled, "prefill was cancelled", "session");
    all.resize(static_cast<std::size_t>(count));
    for (std::int32_t i = 0; i < count; ++i) all[static_cast<std::size_t>(i)] = i;
    s.commit(all);
    s.tokens.insert(s.tokens.end(), chunk.begin(), chunk.end());
    s.evict();
    for (std::int64_t i = wanted; i < count; i += kHeadRows) {
      const std::int64_t rows = std::min(kHeadRows, count - i);
      s.head(i, rows, 0, rows > kNarrowRows);
      if (sink)
        for (std::int64_t r = 0; r < rows; ++r) sink(begin + i + r, {s.logits.data() + r * s.model->config.vocabulary, static_cast<std::size_t>(s.model->config.vocabulary)});
      if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "prefill was cancelled", "session");
    }
    begin += count;
  }
  return {};
}

Result<void> Session::decode(const DraftTree& tree) {
  Impl& s = *impl_;
  assert(tree.tokens.size() == tree.parents.size());
  if (tree.tokens.empty()) return fail(ErrorKind::Internal, "an empty draft cannot be run", "session");
  if (static_cast<std::int64_t>(tree.tokens.size()) > draftLimit())
    return fail(ErrorKind::Internal, "a draft of " + std::to_string(tree.tokens.size()) + " tokens exceeds the limit of " + std::to_string(draftLimit()), "session");
  // A drafter lengthens its draft node by node: what has run already stays.
  const std::size_t before = s.draft.tokens.size();
  const bool longer = before > 0 && before < tree.tokens.size() && std::equal(s.draft.tokens.begin(), s.draft.tokens.end(), tree.tokens.begin()) &&
                      std::equal(s.draft.parents.begin(), s.draft.parents.end(), tree.parents.begin());
  if (!longer) s.dropDraft();
  const std::size_t kept = longer ? before : 0;
  TS_CHECK(s.checkTokens(std::span(tree.tokens).subspan(kept)));
  s.draft.tokens.assign(tree.tokens.begin(), tree.tokens.end());
  s.draft.parents.assign(tree.parents.begin(), tree.parents.end());
  bool chain = true;
  for (int i = 0; i < static_cast<int>(tree.parents.size()); ++i) chain &= tree.parents[static_cast<std::size_t>(i)] == i - 1;
  const auto drafted = static_cast<std::int64_t>(kept), more = static_cast<std::int64_t>(tree.tokens.size() - kept);
  s.run(std::span(s.draft.tokens).subspan(kept), 0, drafted, chain ? std::span<const int>() : std::span<const int>(s.draft.parents), false, false, {});
  s.head(0, more, drafted, false);
  return {};
}

std::span<const float> Session::logits(int node) const {
  const auto vocabulary = static_cast<std::size_t>(impl_->model->config.vocabulary);
  return {impl_->logits.data() + static_cast<std::size_t>(node) * vocabulary, vocabulary};
}

void Session::commit(std::span<const int> path) {
  Impl& s = *impl_;
  for (std::size_t i = 0; i < path.size(); ++i) {
    assert(s.draft.parents[static_cast<std::size_t>(path[i])] == (i == 0 ? -1 : path[i - 1]) && "a path must descend from the root");
    s.tokens.push_back(s.draft.tokens[static_cast<std::size_t>(path[i])]);
  }
  s.commit(std::span<const std::int32_t>(path.data(), path.size()));
  s.draft.tokens.clear();
  s.draft.parents.clear();
  s.evict();
}

std::int64_t Session::draftLimit() const {
  const Impl& s = *impl_;
  return std::max<std::int64_t>(0, std::min({s.limit - s.position(), s.untilBoundary(), std::int64_t{HeadRows::kTail}}));
}

std::int64_t Session::position() const { return impl_->position(); }
const std::vector<int>& Session::tokens() const { return impl_->tokens; }
const Model& Session::model() const { return *impl_->model; }

std::unique_ptr<Session> Session::fork() const {
  const Impl& s = *impl_;
  auto copy = std::make_unique<Impl>(s.model, s.execution.pool, s.options);
  copy->state = s.state;
  copy->state.parents = {};
  copy->tokens = s.tokens;
  copy->evicted = s.evicted;
  copy->limit = s.limit;
  copy->dropDraft();
  return std::unique_ptr<Session>(new Session(std::move(copy)));
}

void Session::reset() {
  impl_->tokens.clear();
  impl_->draft = {};
  impl_->evicted = 0;
  for (auto& heads : impl_->state.layers)
    for (HeadRows& rows : heads) rows.clear();
}

Ledger& Session::ledger() { return impl_->execution.ledger; }

MemoryUse Session::memory() const {
  const Impl& s = *impl_;
  MemoryUse use;
  use.weights = s.model->weightBytes();
  for (const auto& heads : s.state.layers)
    for (const HeadRows& rows : heads) use.kv += rows.bytes();
  use.scratch = s.execution.scratchBytes() + s.workspace.bytes() + s.lanes.bytes() + s.ropes.bytes() + (s.hidden.size() + s.logits.size()) * sizeof(float);
  // What a pass's queries gave is held until it is committed: beside the rows themselves a policy's largest expense.
  for (const auto& heads : s.state.mass)
    for (const auto& rows : heads)
      for (const auto& given : rows) use.scratch += given.capacity() * sizeof(float);
  return use;
}

std::map<std::string, double> Session::engaged() const {
  const Impl& s = *impl_;
  double rows = 0, bytes = 0, dense = 0;
  for (const auto& heads : s.state.layers) {
    for (const HeadRows& head : heads) {
      rows += static_cast<double>(head.committed());
      bytes += static_cast<double>(head.bytes());
      dense += static_cast<double>(s.position()) * 2.0 * s.model->config.headDim * sizeof(float);
    }
  }
  std::map<std::string, double> engaged{{"kv.rows", rows}, {"kv.bytes", bytes}, {"kv.bytes_dense_f32", dense}};
  if (!s.state.policies.empty()) engaged["kv.rows_evicted"] = static_cast<double>(s.evicted);
  return engaged;
}

}  // namespace ts
