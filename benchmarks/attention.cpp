// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of one decode step: rows x queries that share them, on one thread. The rows are several times the last-level
// cache, taken in turn, so that they come from memory as in decoding; `cached` takes the same ones again. And a prompt's: rows
// that see each other.
//   tradespace_benchmarks --benchmark_filter='attention/'
#include <benchmark/benchmark.h>

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/cpu.h"
#include "engine/kernels/attention.h"
#include "engine/kernels/vector.h"
#include "engine/model/model.h"
#include "engine/registry/registry.h"
#include "engine/session/attention.h"

namespace {

using namespace ts;
constexpr std::int64_t kRows = 128, kDim = 64;  // a chunk of the rows of one head

template <class T>
void attention(benchmark::State& state, const std::string& part, std::int64_t queries, bool cached) {
  const std::size_t each = kRows * kDim;
  const std::size_t chunks = cached ? 1 : std::max<std::size_t>(4 * cpuInfo().lastLevelBytes, 64 << 20) / (each * sizeof(T));
  Buffer<T> rows(chunks * each, T{1});  // aligned, as a cache's are
  Buffer<float> q(static_cast<std::size_t>(queries * kDim), 0.01f), scores(static_cast<std::size_t>(queries * kRows), 0.01f), out(q.size());
  std::size_t next = 0;
  for (auto _ : state) {
    const T* chunk = rows.data() + next * each;
    if (part == "keys") scoreKeys({q.data(), queries, kDim, kDim}, chunk, {0, kRows}, {scores.data(), queries, kRows, kRows});
    if (part == "values") addValues({scores.data(), queries, kRows, kRows}, chunk, {out.data(), queries, kDim, kDim});
    if (part == "softmax") exponentials(0.125f, {scores.data(), queries, kRows, kRows}, {out.data(), queries, 2, 2});
    next = (next + 1) % chunks;
    benchmark::ClobberMemory();
  }
  const double n = static_cast<double>(state.iterations());
  using benchmark::Counter;
  if (part != "softmax") state.counters["GB/s"] = Counter(n * static_cast<double>(each * sizeof(T)) * 1e-9, Counter::kIsRate);
  if (part != "softmax") state.counters["GOP/s"] = Counter(n * 2e-9 * static_cast<double>(each) * static_cast<double>(queries), Counter::kIsRate);
}

/// One layer after another of a model of 30 with 3 x 3 heads, as in decoding; each step's row is dropped again.
void step(benchmark::State& state, const std::string& codec, std::int64_t rows, int threads) {
  constexpr int kLayers = 30, kKvHeads = 3, kHeads = 9;
  Model model;
  model.config.headDim = kDim, model.config.heads = kHeads, model.config.kvHeads = kKvHeads;
  model.config.layers.resize(kLayers);
  model.blocks.resize(kLayers);
  KvState kv;
  if (!codec.empty()) kv.codec = *registry().make<KvCodec>(Family::KeyValue, *parseStrategy(codec, ""));
  const std::vector<float> ones(kHeads * kDim, 0.1f);
  std::vector<std::int32_t> offsets(HeadRows::kTail);
  std::iota(offsets.begin(), offsets.end(), 0);
  for (Block& block : model.blocks) {
    block.kvHeads = kKvHeads;
    for (int h = 0; h < kHeads; ++h) block.queryToKv.push_back(h / (kHeads / kKvHeads));
    auto& heads = kv.layers.emplace_back(kKvHeads, HeadRows(kv.codec, kDim, false));
    for (HeadRows& head : heads) {
      head.reserve(rows + HeadRows::kTail);
      for (std::int64_t r = 0; r < rows; r += HeadRows::kTail) {
        for (const std::int32_t i : offsets) {
          const std::int32_t position = static_cast<std::int32_t>(r) + i;
          head.append({&position, 1}, {ones.data(), 1, kDim, kDim}, {ones.data(), 1, kDim, kDim});
        }
        head.commit(offsets);
      }
    }
  }
  ThreadPool pool(threads);
  Execution execution(pool);
  RopeCache ropes(model.config, rows + 1);
  KvAttention attention(model, kv, execution, ropes);
  const std::int32_t position = static_cast<std::int32_t>(rows);
  attention.setPositions({&position, 1});
  std::vector<float> out(ones.size());
  const auto run = [&](int layer) {
    attention.attend(layer, {ones.data(), 1, kHeads * kDim, kHeads * kDim}, {ones.data(), 1, kKvHeads * kDim, kKvHeads * kDim},
                     {ones.data(), 1, kKvHeads * kDim, kKvHeads * kDim}, {out.data(), 1, kHeads * kDim, kHeads * kDim});
    for (HeadRows& head : kv.layers[static_cast<std::size_t>(layer)]) head.dropDraft();
  };
  for (int layer = 0; layer < kLayers; ++layer) run(layer);  // buffers reach their size
  execution.ledger.clear();
  int layer = 0;
  for (auto _ : state) run(std::exchange(layer, (layer + 1) % kLayers));
  const Cost cost = execution.ledger.of(Operation::Attention);
  using benchmark::Counter;
  state.counters["GB/s"] = Counter(1e-9 * static_cast<double>(cost.bytes), Counter::kIsRate);
  state.counters["GOP/s"] = Counter(1e-9 * static_cast<double>(cost.operations), Counter::kIsRate);
}

/// A prompt of `rows`, in one pass (a session's passes are of 512 at most), through one layer of 3 x 3 heads.
void prompt(benchmark::State& state, const std::string& codec, std::int64_t rows, int threads) {
  constexpr int kKvHeads = 3, kHeads = 9;
  Model model;
  model.config.headDim = kDim, model.config.heads = kHeads, model.config.kvHeads = kKvHeads;
  model.config.layers.resize(1);
  model.blocks.resize(1);
  model.blocks[0].kvHeads = kKvHeads;
  for (int h = 0; h < kHeads; ++h) model.blocks[0].queryToKv.push_back(h / (kHeads / kKvHeads));
  KvState kv;
  kv.certain = true;
  if (!codec.empty()) kv.codec = *registry().make<KvCodec>(Family::KeyValue, *parseStrategy(codec, ""));
  auto& heads = kv.layers.emplace_back(kKvHeads, HeadRows(kv.codec, kDim, false));
  ThreadPool pool(threads);
  Execution execution(pool);
  RopeCache ropes(model.config, rows);
  KvAttention attention(model, kv, execution, ropes);
  std::vector<std::int32_t> positions(static_cast<std::size_t>(rows));
  std::iota(positions.begin(), positions.end(), 0);
  attention.setPositions(positions);
  std::vector<float> q(static_cast<std::size_t>(rows * kHeads * kDim)), k(static_cast<std::size_t>(rows * kKvHeads * kDim)), out(q.size());
  for (std::size_t i = 0; i < q.size(); ++i) q[i] = static_cast<float>(i * 7919 % 1000) * 1e-3f;
  for (std::size_t i = 0; i < k.size(); ++i) k[i] = static_cast<float>(i * 6553 % 1000) * 1e-3f;
  for (auto _ : state) {
    attention.attend(0, {q.data(), rows, kHeads * kDim, kHeads * kDim}, {k.data(), rows, kKvHeads * kDim, kKvHeads * kDim},
                     {k.data(), rows, kKvHeads * kDim, kKvHeads * kDim}, {out.data(), rows, kHeads * kDim, kHeads * kDim});
    for (HeadRows& head : heads) head.clear();
  }
  state.counters["GOP/s"] = benchmark::Counter(1e-9 * static_cast<double>(execution.ledger.of(Operation::Attention).operations), benchmark::Counter::kIsRate);
}

const bool registered = [] {
  for (const std::string codec : {"", "f16", "q8", "q4"})
    for (const std::int64_t rows : {512, 4096})
      for (const int threads : {1, cpuInfo().physicalCores})
        benchmark::RegisterBenchmark(("attention/prompt/rows:" + std::to_string(rows) + "/cache:" + (codec.empty() ? "f32" : codec) + "/threads:" + std::to_string(threads)).c_str(),
                                     prompt, codec, rows, threads)->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const std::string codec : {"", "f16", "q8", "q4"})
    for (const std::int64_t rows : {64, 512, 4096})
      for (const int threads : {1, cpuInfo().physicalCores}) {
        const std::string name = "attention/step/rows:" + std::to_string(rows) + "/cache:" + (codec.empty() ? "f32" : codec) + "/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark((name).c_str(), step, codec, rows, threads)->UseRealTime()->Unit(benchmark::kMicrosecond);
      }
  for (const std::string part : {"keys", "values", "softmax"})
    for (const int queries : {1, 3, 4, 24})
      for (const bool cached : {true, false}) {
        if (part == "softmax" && !cached) continue;
        const std::string name = "attention/" + part + "/queries:" + std::to_string(queries) + (cached ? "/cached" : "/memory");
        benchmark::RegisterBenchmark((name + "/f32").c_str(), attention<float>, part, queries, cached)->Unit(benchmark::kMicrosecond);
        if (part != "softmax") benchmark::RegisterBenchmark((name + "/f16").c_str(), attention<std::uint16_t>, part, queries, cached)->Unit(benchmark::kMicrosecond);
      }
  return true;
}();

}  // namespace
