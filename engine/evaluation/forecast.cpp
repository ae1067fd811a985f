// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/evaluation/forecast.h"

#include <algorithm>

#include "engine/core/cpu.h"
#include "engine/core/model_path.h"
#include "engine/formats/tokenizer.h"
#include "engine/kv/row_store.h"
#include "engine/kv/strategy.h"
#include "engine/model/lanes.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

constexpr std::int64_t kChunk = 512;          // rows of one prefill pass (session.cpp)
constexpr std::int64_t kStaleRows = 64;       // encoded rows are forgotten in batches of this many (row_store.cpp)
constexpr std::int64_t kFreeInterval = 64;    // a window's invisible rows are freed in batches of this many
constexpr std::uint64_t kTokenizerToken = 200;  // bytes a token takes in a tokenizer: its text, id, merges (two vocabularies)

struct KeptRows {
  std::shared_ptr<const KvCodec> codec;
  std::int64_t visible = -1;  // with a window: this many at most
  std::int64_t chunk = kChunk;  // no chunk crosses a position at which a policy acts
  bool evicts = false, mass = false;
};

Result<KeptRows> rowsOf(const Plan& plan) {
  KeptRows rows;
  for (const StrategySpec& spec : plan.kv) {
    const Strategy* strategy = registry().find(Family::KeyValue, spec.id);
    if (strategy && std::holds_alternative<Make<KvCodec>>(strategy->factory)) {
      TS_TRY(rows.codec, registry().make<KvCodec>(Family::KeyValue, spec));
      continue;
    }
    TS_TRY(const std::shared_ptr<const KvPolicy> policy, registry().make<KvPolicy>(Family::KeyValue, spec));
    if (policy->window() > 0) rows.visible = policy->sinks() + policy->window() + kFreeInterval;
    if (policy->window() > 0) rows.chunk = std::min(rows.chunk, kFreeInterval);
    if (policy->interval() > 0) rows.chunk = std::min(rows.chunk, policy->interval());
    rows.evicts |= policy->interval() > 0;
    rows.mass |= policy->wantsMass();
  }
  return rows;
}

std::uint64_t rowBytes(const KeptRows& rows, std::int64_t n, int dim) {
  if (rows.visible >= 0) n = std::min(n, rows.visible);
  const auto count = static_cast<std::uint64_t>(n), each = static_cast<std::uint64_t>(dim) * 2 * sizeof(float);
  const std::uint64_t lists = count * (sizeof(std::int32_t) + (rows.mass ? sizeof(float) : 0));
  const auto padding = static_cast<std::uint64_t>(keyPanels(n) * kKeyPanel - n) * static_cast<std::uint64_t>(dim) * sizeof(float);
  if (!rows.codec) return lists + count * each + padding;
  const std::int64_t residual = std::max(rows.codec->residual(), HeadRows::kTail);
  const std::int64_t groups = std::max<std::int64_t>(0, n - residual) / rows.codec->group();
  const std::int64_t full = std::min(n, residual + rows.codec->group());
  return lists + static_cast<std::uint64_t>(groups) * (rows.codec->keyGroupBytes(dim) + rows.codec->valueGroupBytes(dim)) +
         static_cast<std::uint64_t>(full) * each;
}

/// What one head's rows of a pass take until they are committed, where they are encoded then.
std::uint64_t passBytes(const KeptRows& rows, std::int64_t pass, int dim) {
  return rows.codec && pass > HeadRows::kTail ? static_cast<std::uint64_t>(pass + kStaleRows) * static_cast<std::uint64_t>(dim) * 2 * sizeof(float) : 0;
}

/// Whether a prompt's rows will go through the blocks in lanes (model/forward.cpp), as far as the weights' size tells: those of more than
/// 12 bits, scales included, are taken for floats, and blocks for alike.
bool willGoInLanes(const ModelConfig& c, std::uint64_t weightBytes, const Plan& plan) {
  if (plan.activations != Activations::Q8) return false;
  std::uint64_t blocks = 0;
  for (const LayerConfig& layer : c.layers) {
    const std::int64_t queries = c.headsOf(layer) * std::int64_t{c.headDim}, keys = c.kvHeadsOf(layer) * std::int64_t{c.headDim};
    blocks += static_cast<std::uint64_t>(c.hidden * (2 * queries + 2 * keys + (c.gatedMlp ? 3 : 2) * std::int64_t{c.intermediateOf(layer)}));
  }
  const std::uint64_t all = blocks + static_cast<std::uint64_t>(c.vocabulary) * static_cast<std::uint64_t>(c.hidden) * (c.tiedEmbeddings ? 1 : 2);
  const double each = static_cast<double>(weightBytes) / static_cast<double>(std::max<std::uint64_t>(1, all));
  return each < 1.5 && !c.layers.empty() && Lanes::cached(static_cast<std::size_t>(each * static_cast<double>(blocks) / static_cast<double>(c.layers.size())));
}

/// Activations of one chunk, the same laid out for the kernels, logits, rotations.
std::uint64_t scratchBytes(const ModelConfig& c, std::int64_t prompt, std::int64_t chunk, std::int64_t positions, std::int64_t logitRows, int threads, bool lanes) {
  std::int64_t heads = c.heads, kvHeads = c.kvHeads, intermediate = c.intermediate;
  for (const LayerConfig& layer : c.layers) {
    heads = std::max<std::int64_t>(heads, c.headsOf(layer));
    intermediate = std::max<std::int64_t>(intermediate, c.intermediateOf(layer));
  }
  const std::int64_t queries = heads * c.headDim, keys = kvHeads * c.headDim;
  const std::int64_t widest = std::max({static_cast<std::int64_t>(c.hidden), queries, intermediate});
  const std::int64_t within = 2 * c.hidden + (c.gatedMlp ? 2 : 1) * intermediate;  // a row's, in a half of a block
  // Rows that are too few for all lanes go together: of every pass, or of a last one, beside what lanes then hold already.
  const std::int64_t few = (threads - 1) * Lanes::kRows, last = prompt > chunk && prompt % chunk <= few ? prompt % chunk : 0;
  const std::int64_t some = !lanes || chunk <= few ? chunk : std::min(chunk, threads * Lanes::kRows) + last;
  const std::int64_t activations = chunk * (c.hidden + 2 * queries + 2 * keys) + some * within;
  const std::int64_t laid = chunk <= kNarrowRows ? 0 : lanes ? some * widest / 4 : chunk * widest;
  const std::int64_t rotations = static_cast<std::int64_t>(c.ropes.size()) * positions * c.headDim;
  const std::int64_t own = threads * std::min<std::int64_t>(chunk, 64) * (widest / 4 + positions);
  return static_cast<std::uint64_t>(activations + laid + logitRows * c.vocabulary + rotations + own) * sizeof(float);
}

}  // namespace

std::uint64_t packedBytes(const Checkpoint& checkpoint) {
  std::uint64_t sum = 0;
  for (const auto& [name, tensor] : checkpoint.tensors) sum += tensor.bytes();
  return sum;
}

Result<RunForecast> forecastRun(const ModelConfig& config, std::uint64_t weightBytes, const Plan& plan, std::int64_t positions,
                                std::int64_t prompt, int threads) {
  RunForecast forecast;
  TS_TRY(const KeptRows rows, rowsOf(plan));
  forecast.atMost = rows.evicts;
  forecast.use.weights = weightBytes;
  for (const LayerConfig& layer : config.layers)
    forecast.use.kv += static_cast<std::uint64_t>(config.kvHeadsOf(layer)) * rowBytes(rows, positions, config.headDim);
  if (threads == 0) threads = cpuInfo().physicalCores;
  std::int64_t logitRows = 1;
  const auto guesses = registry().resolve(Family::Decoding, effectiveDecode(plan));
  if (guesses && guesses->values().contains("length")) logitRows += guesses->integer("length");
  forecast.use.scratch = scratchBytes(config, prompt, std::min(prompt, rows.chunk), positions, logitRows, threads, willGoInLanes(config, weightBytes, plan));
  for (const LayerConfig& layer : config.layers)
    forecast.passing += static_cast<std::uint64_t>(config.kvHeadsOf(layer)) * passBytes(rows, std::min(prompt, rows.chunk), config.headDim);
  forecast.tokenizer = static_cast<std::uint64_t>(config.vocabulary) * kTokenizerToken;
  for (const NamedModel& named : modelsNamed(plan)) {
    TS_TRY(const std::filesystem::path path, modelPath(named.source));
    TS_TRY(const Checkpoint draft, openCheckpoint(path));
    TS_TRY(const RunForecast own, forecastRun(draft.config, packedBytes(draft), {.activations = plan.activations}, positions, positions, threads));  // it reads the whole sequence at once
    forecast.use.draft += own.use.total();
    forecast.passing += own.passing;
    forecast.tokenizer += own.tokenizer;
  }
  return forecast;
}

}  // namespace ts
