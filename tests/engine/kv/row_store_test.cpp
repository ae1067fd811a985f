// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/kv/row_store.h"

#include <gtest/gtest.h>

#include <numeric>

#include "engine/registry/registry.h"

namespace ts {
namespace {

constexpr int kDim = 32;

std::shared_ptr<const KvCodec> codec(const char* spec) { return *registry().make<KvCodec>(Family::KeyValue, *parseStrategy(spec, "")); }

void appendRow(HeadRows& rows, std::int32_t position) {
  std::vector<float> key(kDim, static_cast<float>(position)), value(kDim, -static_cast<float>(position));
  rows.append({&position, 1}, {key.data(), 1, kDim, kDim}, {value.data(), 1, kDim, kDim});
}
void commitAll(HeadRows& rows) {
  std::vector<std::int32_t> offsets(static_cast<std::size_t>(rows.size() - rows.committed()));
  std::iota(offsets.begin(), offsets.end(), 0);
  rows.commit(offsets);
}
std::vector<float> fullKey(const HeadRows& rows, std::int64_t index) {
  std::vector<float> key(kDim);
  rows.fullKey(index, key.data());
  return key;
}
/// A row in the form that the next query sees.
float keyOf(const HeadRows& rows, std::int64_t index) {
  if (index >= rows.boundary(rows.committed())) return fullKey(rows, index)[0];
  const int group = rows.codec()->group();
  std::vector<float> decoded(static_cast<std::size_t>(group * kDim));
  rows.codec()->decodeKeys(rows.keyGroup(index / group), kDim, decoded.data());
  return decoded[static_cast<std::size_t>(index % group) * kDim];
}

TEST(HeadRows, ADroppedDraftNeverHappened) {
  HeadRows rows(codec("q8"), kDim, true), plain(codec("q8"), kDim, true);
  for (int i = 0; i < 100; ++i) {
    appendRow(rows, i);
    commitAll(rows);
    for (int d = 1; d < 5; ++d) appendRow(rows, i + d);
    rows.dropDraft();
    appendRow(plain, i);
    commitAll(plain);
  }
  EXPECT_EQ(rows.bytes(), plain.bytes());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(keyOf(rows, i), keyOf(plain, i));
}

TEST(HeadRows, CommitKeepsTheChosenPathOnly) {
  HeadRows rows(nullptr, kDim, false);
  const std::int32_t positions[] = {10, 11, 11, 12, 12};
  for (int i = 0; i < 5; ++i) {
    std::vector<float> key(kDim, static_cast<float>(i)), value(kDim, static_cast<float>(-i));
    rows.append({positions + i, 1}, {key.data(), 1, kDim, kDim}, {value.data(), 1, kDim, kDim});
  }
  const std::int32_t path[] = {0, 2, 4};
  rows.commit(path);
  ASSERT_EQ(rows.size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(fullKey(rows, i), std::vector<float>(kDim, static_cast<float>(2 * i)));
    EXPECT_EQ(rows.fullValues(i)[1], static_cast<float>(-2 * i));
    EXPECT_EQ(rows.positions()[static_cast<std::size_t>(i)], 10 + i);
  }
}

TEST(HeadRows, OneByOneAndAllAtOnceGiveTheSameStore) {
  for (const char* spec : {"f16", "q8", "q4"}) {
    HeadRows single(codec(spec), kDim, false), batch(codec(spec), kDim, false);
    for (int i = 0; i < 200; ++i) {
      appendRow(single, i);
      commitAll(single);
      appendRow(batch, i);
      if (i % 50 == 49) commitAll(batch);
    }
    for (int i = 0; i < 200; ++i) EXPECT_EQ(keyOf(single, i), keyOf(batch, i)) << spec << " row " << i;
  }
}

TEST(HeadRows, RowsThatComeTogetherLieAsThoseThatComeOneByOne) {
  constexpr std::int64_t stride = 3 * kDim;  // as one head's of several
  std::vector<float> keys(100 * stride), values(100 * stride);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<float>(i), values[i] = -static_cast<float>(i);
  std::vector<std::int32_t> positions(100);
  std::iota(positions.begin(), positions.end(), 7);
  HeadRows single(nullptr, kDim, true), together(nullptr, kDim, true);
  std::int64_t at = 0;
  for (const std::int64_t count : {5, 1, 10, 16, 40, 3, 25}) {  // panels of 16 begun, filled and passed
    together.append(std::span(positions).subspan(static_cast<std::size_t>(at)), {keys.data() + at * stride, count, kDim, stride}, {values.data() + at * stride, count, kDim, stride});
    at += count;
  }
  ASSERT_EQ(at, 100);
  for (std::int64_t i = 0; i < 100; ++i)
    single.append({positions.data() + i, 1}, {keys.data() + i * stride, 1, kDim, stride}, {values.data() + i * stride, 1, kDim, stride});
  commitAll(single), commitAll(together);
  ASSERT_EQ(together.size(), 100);
  EXPECT_EQ(together.mass().size(), 100u);
  for (std::int64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(fullKey(together, i), fullKey(single, i));
    EXPECT_EQ(fullKey(together, i), std::vector<float>(keys.begin() + i * stride, keys.begin() + i * stride + kDim));
    EXPECT_TRUE(std::equal(together.fullValues(i), together.fullValues(i) + kDim, values.begin() + i * stride));
    EXPECT_EQ(together.positions()[static_cast<std::size_t>(i)], i + 7);
  }
}

TEST(HeadRows, TheLastRowsAreFullPrecision) {
  HeadRows rows(codec("q4"), kDim, false);
  for (int i = 0; i < 150; ++i) {
    appendRow(rows, i);
    commitAll(rows);
  }
  EXPECT_EQ(rows.boundary(150), 96);  // (150 + 1 - 32) rounded down to a group of 32
  for (int i = 118; i < 150; ++i) EXPECT_EQ(keyOf(rows, i), static_cast<float>(i));
}

TEST(HeadRows, EvictionFreesMemoryAndKeepsPositionsAndValues) {
  for (const char* spec : {"", "f16"}) {  // f16 holds these small integers exactly, so values must survive re-encoding
    HeadRows rows(*spec ? codec(spec) : nullptr, kDim, true);
    for (int i = 0; i < 300; ++i) {
      appendRow(rows, i);
      commitAll(rows);
    }
    const std::size_t before = rows.bytes();
    std::vector<std::int32_t> kept;
    for (int i = 0; i < 300; i += 3) kept.push_back(i);
    rows.keepOnly(kept);
    EXPECT_LT(rows.bytes(), before * 2 / 3);
    ASSERT_EQ(rows.committed(), 100);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(rows.positions()[static_cast<std::size_t>(i)], 3 * i);
      EXPECT_EQ(keyOf(rows, i), static_cast<float>(3 * i));
    }
  }
}

}  // namespace
}  // namespace ts
