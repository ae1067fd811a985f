// SPDX-License-Identifier: GPL-3.0-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/kv/strategy.h"
#include "engine/registry/registry.h"

namespace ts {
namespace {

struct Case {
  const char* spec;
  double bytesPerValue;
};
class Codecs : public testing::TestWithParam<Case> {
 protected:
  static constexpr int kDim = 64;
  std::unique_ptr<KvCodec> codec = *registry().make<KvCodec>(Family::KeyValue, *parseStrategy(GetParam().spec, ""));
  std::vector<float> rows = [this] {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> r(static_cast<std::size_t>(codec->group() * kDim));
    // Channels of different size, as keys have.
    for (std::size_t i = 0; i < r.size(); ++i) r[i] = normal(random) * (1.0f + static_cast<float>(i % kDim % 7));
    return r;
  }();
};

TEST_P(Codecs, DecodesWithinHalfAStepAndUsesTheBytesItSays) {
  std::vector<std::byte> keys(codec->keyGroupBytes(kDim)), values(codec->valueGroupBytes(kDim));
  codec->encodeKeys(rows.data(), kDim, keys.data());
  codec->encodeValues(rows.data(), kDim, values.data());
  std::vector<float> k(rows.size()), v(rows.size());
  codec->decodeKeys(keys.data(), kDim, k.data());
  codec->decodeValues(values.data(), kDim, v.data());
  const double step = codec->name() == "f16" ? 2.0 * 40 / 2048 : codec->name() == "q8" ? 40.0 / 127 : 80.0 / 15;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_NEAR(rows[i], k[i], step / 2);
    ASSERT_NEAR(rows[i], v[i], step / 2);
  }
  EXPECT_DOUBLE_EQ(static_cast<double>(keys.size()) / static_cast<double>(rows.size()), GetParam().bytesPerValue);
}

TEST_P(Codecs, ProductsAreThoseOfTheDecodedRows) {
  std::vector<std::byte> keys(codec->keyGroupBytes(kDim)), values(codec->valueGroupBytes(kDim));
  codec->encodeKeys(rows.data(), kDim, keys.data());
  codec->encodeValues(rows.data(), kDim, values.data());
  std::vector<float> k(rows.size()), v(rows.size());
  codec->decodeKeys(keys.data(), kDim, k.data());
  codec->decodeValues(values.data(), kDim, v.data());
  std::vector<float> query(kDim), scores(static_cast<std::size_t>(codec->group())), weights(scores.size()), out(kDim, 0.5f);
  for (int d = 0; d < kDim; ++d) query[static_cast<std::size_t>(d)] = std::sin(static_cast<float>(d));
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 1.0f / static_cast<float>(i + 1);
  const std::int64_t group = codec->group();
  codec->scoreKeys(keys.data(), {query.data(), 1, kDim, kDim}, {0, group}, {scores.data(), 1, group, group});
  codec->addValues(values.data(), {weights.data(), 1, group, group}, {0, group}, {out.data(), 1, kDim, kDim});
  for (std::size_t r = 0; r < scores.size(); ++r) {
    double sum = 0;
    for (std::size_t d = 0; d < kDim; ++d) sum += static_cast<double>(query[d]) * k[r * kDim + d];
    ASSERT_NEAR(scores[r], sum, 1e-3);
  }
  for (std::size_t d = 0; d < kDim; ++d) {
    double sum = 0.5;
    for (std::size_t r = 0; r < weights.size(); ++r) sum += static_cast<double>(weights[r]) * v[r * kDim + d];
    ASSERT_NEAR(out[d], sum, 1e-3);
  }
}

TEST_P(Codecs, PartsOfAGroupGiveTheBitsOfTheWhole) {
  std::vector<std::byte> keys(codec->keyGroupBytes(kDim)), values(codec->valueGroupBytes(kDim));
  codec->encodeKeys(rows.data(), kDim, keys.data());
  codec->encodeValues(rows.data(), kDim, values.data());
  const std::int64_t group = codec->group(), cut = group / 2 + 3;
  const ConstRows queries(rows.data(), 3, kDim, kDim);
  std::vector<float> whole(static_cast<std::size_t>(3 * group)), parts = whole, out(3 * kDim), outParts = out;
  codec->scoreKeys(keys.data(), queries, {0, group}, {whole.data(), 3, group, group});
  codec->scoreKeys(keys.data(), queries, {0, cut}, {parts.data(), 3, cut, group});
  codec->scoreKeys(keys.data(), queries, {cut, group}, {parts.data() + cut, 3, group - cut, group});
  EXPECT_EQ(whole, parts);
  codec->addValues(values.data(), {whole.data(), 3, group, group}, {0, group}, {out.data(), 3, kDim, kDim});
  codec->addValues(values.data(), {whole.data(), 3, cut, group}, {0, cut}, {outParts.data(), 3, kDim, kDim});
  codec->addValues(values.data(), {whole.data() + cut, 3, group - cut, group}, {cut, group}, {outParts.data(), 3, kDim, kDim});
  EXPECT_EQ(out, outParts);
}

TEST_P(Codecs, ARangeOverSeveralGroupsGivesTheBitsOfItsParts) {
  constexpr std::int64_t groups = 5;
  const std::int64_t group = codec->group(), begin = group / 2, end = 4 * group + std::min<std::int64_t>(3, group), n = end - begin;
  const std::size_t keyBytes = codec->keyGroupBytes(kDim), valueBytes = codec->valueGroupBytes(kDim);
  std::vector<std::byte> keys(groups * keyBytes), values(groups * valueBytes);
  for (std::size_t g = 0; g < groups; ++g) {
    auto scaled = rows;
    for (float& x : scaled) x *= static_cast<float>(g + 1);
    codec->encodeKeys(scaled.data(), kDim, keys.data() + g * keyBytes);
    codec->encodeValues(scaled.data(), kDim, values.data() + g * valueBytes);
  }
  for (const std::int64_t many : {3, 7}) {  // which may go different ways
    const auto size = static_cast<std::size_t>(many);
    std::vector<float> queries(size * kDim), scores(size * static_cast<std::size_t>(n)), out(size * kDim), parts(size * kDim);
    for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = std::sin(static_cast<float>(i));
    codec->scoreKeys(keys.data(), {queries.data(), many, kDim, kDim}, {begin, end}, {scores.data(), many, n, n});
    codec->addValues(values.data(), {scores.data(), many, n, n}, {begin, end}, {out.data(), many, kDim, kDim});
    for (std::int64_t at = begin; at < end;) {
      const std::int64_t g = at / group, until = std::min(end, (g + 1) * group), m = until - at;
      const Range within{at - g * group, until - g * group};
      std::vector<float> some(size * static_cast<std::size_t>(m));
      codec->scoreKeys(keys.data() + static_cast<std::size_t>(g) * keyBytes, {queries.data(), many, kDim, kDim}, within, {some.data(), many, m, m});
      for (std::int64_t q = 0; q < many; ++q)
        for (std::int64_t r = 0; r < m; ++r) ASSERT_EQ(some[static_cast<std::size_t>(q * m + r)], scores[static_cast<std::size_t>(q * n + at - begin + r)]);
      codec->addValues(values.data() + static_cast<std::size_t>(g) * valueBytes, {scores.data() + (at - begin), many, m, n}, within, {parts.data(), many, kDim, kDim});
      at = until;
    }
    EXPECT_EQ(out, parts);
  }
}

TEST_P(Codecs, AQueryAloneGetsTheBitsOfOneAmongMany) {
  constexpr std::int64_t many = 24;
  const std::int64_t group = codec->group();
  std::vector<std::byte> keys(codec->keyGroupBytes(kDim)), values(codec->valueGroupBytes(kDim));
  codec->encodeKeys(rows.data(), kDim, keys.data());
  codec->encodeValues(rows.data(), kDim, values.data());
  std::vector<float> queries(many * kDim), scores(static_cast<std::size_t>(many * group)), out(many * kDim);
  for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = std::sin(static_cast<float>(i));
  codec->scoreKeys(keys.data(), {queries.data(), many, kDim, kDim}, {0, group}, {scores.data(), many, group, group});
  codec->addValues(values.data(), {scores.data(), many, group, group}, {0, group}, {out.data(), many, kDim, kDim});
  for (std::int64_t q = 0; q < many; ++q) {
    std::vector<float> alone(static_cast<std::size_t>(group)), sum(kDim);
    codec->scoreKeys(keys.data(), {queries.data() + q * kDim, 1, kDim, kDim}, {0, group}, {alone.data(), 1, group, group});
    codec->addValues(values.data(), {alone.data(), 1, group, group}, {0, group}, {sum.data(), 1, kDim, kDim});
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), scores.begin() + q * group)) << q;
    ASSERT_TRUE(std::equal(sum.begin(), sum.end(), out.begin() + q * kDim)) << q;
  }
}

TEST(CodecsOfAnyWidth, ProductsAreThoseOfTheDecodedRows) {
  std::mt19937 random(3);
  for (const int dim : {8, 40, 64, 80, 96})
    for (const char* spec : {"f16", "q8", "q4", "q4:keys=row"}) {
      const auto codec = *registry().make<KvCodec>(Family::KeyValue, *parseStrategy(spec, ""));
      const std::int64_t group = codec->group();
      std::vector<float> rows(static_cast<std::size_t>(group * dim)), k = rows, v = rows, query(static_cast<std::size_t>(dim)), scores(static_cast<std::size_t>(group)), out(query.size());
      for (float& x : rows) x = std::normal_distribution<float>()(random);
      for (float& x : query) x = std::normal_distribution<float>()(random);
      std::vector<std::byte> keys(codec->keyGroupBytes(dim)), values(codec->valueGroupBytes(dim));
      codec->encodeKeys(rows.data(), dim, keys.data());
      codec->encodeValues(rows.data(), dim, values.data());
      codec->decodeKeys(keys.data(), dim, k.data());
      codec->decodeValues(values.data(), dim, v.data());
      for (std::size_t i = 0; i < rows.size(); ++i) {
        ASSERT_NEAR(k[i], rows[i], 0.3) << spec << ", " << dim << " values";
        ASSERT_NEAR(v[i], rows[i], 0.3) << spec << ", " << dim << " values";
      }
      codec->scoreKeys(keys.data(), {query.data(), 1, dim, dim}, {0, group}, {scores.data(), 1, group, group});
      codec->addValues(values.data(), {scores.data(), 1, group, group}, {0, group}, {out.data(), 1, dim, dim});
      for (std::int64_t r = 0; r < group; ++r) {
        double sum = 0;
        for (int i = 0; i < dim; ++i) sum += static_cast<double>(query[static_cast<std::size_t>(i)]) * k[static_cast<std::size_t>(r * dim + i)];
        ASSERT_NEAR(scores[static_cast<std::size_t>(r)], sum, 1e-4) << spec << ", " << dim << " values";
      }
      for (int i = 0; i < dim; ++i) {
        double sum = 0;
        for (std::int64_t r = 0; r < group; ++r) sum += static_cast<double>(scores[static_cast<std::size_t>(r)]) * v[static_cast<std::size_t>(r * dim + i)];
        ASSERT_NEAR(out[static_cast<std::size_t>(i)], sum, 1e-3) << spec << ", " << dim << " values";
      }
    }
}

INSTANTIATE_TEST_SUITE_P(All, Codecs, testing::Values(Case{"f16", 2.0}, Case{"q8", 1.125}, Case{"q4", 0.75}, Case{"q4:keys=row", 0.75}));

TEST(Q4Codec, KeysByChannelLoseLessWhereChannelsDifferInSize) {
  const auto error = [](const char* spec) {
    const auto codec = *registry().make<KvCodec>(Family::KeyValue, *parseStrategy(spec, ""));
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    std::vector<float> rows(static_cast<std::size_t>(codec->group() * 64)), decoded(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = normal(random) * (i % 64 == 5 ? 30.0f : 1.0f);
    std::vector<std::byte> bytes(codec->keyGroupBytes(64));
    codec->encodeKeys(rows.data(), 64, bytes.data());
    codec->decodeKeys(bytes.data(), 64, decoded.data());
    double sum = 0;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (i % 64 != 5) sum += std::pow(rows[i] - decoded[i], 2);
    return sum;
  };
  EXPECT_LT(error("q4:keys=channel"), 0.3 * error("q4:keys=row"));
}

}  // namespace
}  // namespace ts
