// SPDX-License-Identifier: GPL-3.0-or-later
// Attention over rows of a cache against a plain softmax in doubles, and against itself: however rows come, whoever computes what.
#include "engine/session/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "engine/kv/strategy.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

constexpr int kDim = 24;
constexpr std::int64_t kRows = 1700;  // chunks of each length, the last a part of one

/// One layer's queries, keys and values.
struct Input {
  Input(int heads, int kvHeads) : heads(heads), kvHeads(kvHeads) {
    std::mt19937 generator(7);
    std::normal_distribution<float> normal;
    for (auto [list, width] : {std::pair{&q, heads}, {&k, kvHeads}, {&v, kvHeads}}) {
      list->resize(static_cast<std::size_t>(kRows * width * kDim));
      for (float& x : *list) x = normal(generator);
    }
  }
  static ConstRows some(const std::vector<float>& list, int width, std::int64_t begin, std::int64_t count) {
    return {list.data() + begin * width * kDim, count, std::int64_t{width} * kDim, std::int64_t{width} * kDim};
  }
  int heads, kvHeads;
  std::vector<float> q, k, v;
};

/// Every row's result, rows given in passes of these sizes.
std::vector<float> attended(const Input& in, std::span<const std::int64_t> passes, int threads, const char* codec = nullptr, bool mass = false) {
  Model model;
  model.config.headDim = kDim, model.config.heads = in.heads, model.config.kvHeads = in.kvHeads;
  model.config.layers.resize(1);
  model.blocks.resize(1);
  model.blocks[0].kvHeads = in.kvHeads;
  for (int h = 0; h < in.heads; ++h) model.blocks[0].queryToKv.push_back(h / (in.heads / in.kvHeads));
  KvState kv;
  kv.certain = true, kv.wantsMass = mass, kv.mass.resize(1);
  if (codec) kv.codec = *registry().make<KvCodec>(Family::KeyValue, *parseStrategy(codec, ""));
  auto& heads = kv.layers.emplace_back(static_cast<std::size_t>(in.kvHeads), HeadRows(kv.codec, kDim, mass));
  ThreadPool pool(threads);
  Execution execution(pool);
  RopeCache ropes(model.config, kRows);
  KvAttention attention(model, kv, execution, ropes);
  std::vector<float> out(in.q.size());
  std::int64_t begin = 0;
  for (const std::int64_t count : passes) {
    std::vector<std::int32_t> positions(static_cast<std::size_t>(count)), offsets(positions.size());
    std::iota(positions.begin(), positions.end(), static_cast<std::int32_t>(begin));
    std::iota(offsets.begin(), offsets.end(), 0);
    attention.setPositions(positions);
    const std::int64_t width = std::int64_t{in.heads} * kDim;
    attention.attend(0, Input::some(in.q, in.heads, begin, count), Input::some(in.k, in.kvHeads, begin, count), Input::some(in.v, in.kvHeads, begin, count),
                     {out.data() + begin * width, count, width, width});
    for (const auto& rows : kv.mass[0])
      for (const auto& received : rows)  // what a row's queries have given to all rows: each of them gives 1
        EXPECT_NEAR(std::accumulate(received.begin(), received.end(), 0.0), in.heads / in.kvHeads, 1e-4);
    for (HeadRows& head : heads) head.commit(offsets);
    begin += count;
  }
  EXPECT_EQ(begin, kRows);
  return out;
}

TEST(KvAttention, LongListsAreWhatAPlainSoftmaxSays) {
  const Input in(6, 2);
  const std::vector<std::int64_t> passes{512, 512, 512, kRows - 3 * 512};
  const auto out = attended(in, passes, 2);
  for (const std::int64_t row : {0, 1, 127, 128, 511, 512, 640, 767, 768, 1023, 1024, 1535, 1536, 1699})
    for (int h = 0; h < in.heads; ++h) {
      const float* q = in.q.data() + (row * in.heads + h) * kDim;
      const auto at = [&](const std::vector<float>& list, std::int64_t r) { return list.data() + (r * in.kvHeads + h / 3) * kDim; };
      std::vector<double> score;
      for (std::int64_t r = 0; r <= row; ++r) score.push_back(std::inner_product(q, q + kDim, at(in.k, r), 0.0) / std::sqrt(double{kDim}));
      const double most = *std::max_element(score.begin(), score.end());
      double sum = 0;
      std::vector<double> want(kDim);
      for (std::int64_t r = 0; r <= row; ++r) {
        const double weight = std::exp(score[static_cast<std::size_t>(r)] - most);
        sum += weight;
        for (int i = 0; i < kDim; ++i) want[static_cast<std::size_t>(i)] += weight * at(in.v, r)[i];
      }
      for (int i = 0; i < kDim; ++i)
        EXPECT_NEAR(out[static_cast<std::size_t>((row * in.heads + h) * kDim + i)], want[static_cast<std::size_t>(i)] / sum, 2e-6) << "row " << row << ", head " << h;
    }
}

TEST(KvAttention, HoweverRowsComeAndWhoeverComputesThem) {
  for (const auto& [heads, kvHeads] : {std::pair{6, 2}, {4, 1}, {3, 3}, {8, 1}})
    for (const char* codec : {static_cast<const char*>(nullptr), "f16", "q8"}) {
      const Input in(heads, kvHeads);
      // Prompts; single rows behind short and long chunks, and drafts.
      std::vector<std::int64_t> large{512, 512, 512, kRows - 3 * 512}, mixed{505, 1, 1, 5, 1, 1, 12, 480, 512};
      for (int i = 0; i < 5; ++i) mixed.insert(mixed.end(), {1, 1, 1, 1, 9, 16});
      mixed.push_back(kRows - 1 - std::accumulate(mixed.begin(), mixed.end(), std::int64_t{0}));
      mixed.push_back(1);
      const auto one = attended(in, large, 1, codec);
      for (const int threads : {1, 2}) {
        EXPECT_EQ(std::memcmp(one.data(), attended(in, large, threads, codec).data(), one.size() * sizeof(float)), 0) << heads << "/" << kvHeads << ", " << threads << " threads";
        const auto other = attended(in, mixed, threads, codec);
        EXPECT_EQ(std::memcmp(one.data(), other.data(), one.size() * sizeof(float)), 0) << heads << "/" << kvHeads << ", " << threads << " threads, codec " << (codec ? codec : "none");
      }
    }
}

TEST(KvAttention, WeighingRowsChangesNoResult) {
  const Input in(6, 2);
  const std::vector<std::int64_t> passes{512, 512, 512, kRows - 3 * 512 - 1, 1};
  const auto plain = attended(in, passes, 1);
  for (const int threads : {1, 2})
    EXPECT_EQ(std::memcmp(plain.data(), attended(in, passes, threads, nullptr, true).data(), plain.size() * sizeof(float)), 0) << threads << " threads";
}

}  // namespace
}  // namespace ts
