// SPDX-License-Identifier: GPL-3.0-or-later
// Products of every format against double precision, and promise 3: a row's result does not depend on how many rows travel
// with it, on the number of threads, or on which matrices are multiplied together.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/kernels/isa.h"
#include "samples.h"

namespace ts {
namespace {

using samples::floats;

std::vector<float> product(const Matrix& m, const std::vector<float>& in, std::int64_t rows, int threads, Activations activations, bool wide) {
  ThreadPool pool(threads);
  Execution execution(pool, activations);
  std::vector<float> out(static_cast<std::size_t>(rows * m.rows()), NAN);
  m.multiply(ConstRows(in.data(), rows, m.cols(), m.cols()), Rows{out.data(), rows, m.rows(), m.rows()}, execution, wide);
  return out;
}

class MultiplyTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = kernelIsa();
    ASSERT_TRUE(forceIsa(GetParam()));
  }
  void TearDown() override {
    forceIsa(before_);
    unsetenv("TRADESPACE_WIDE");
  }
  std::string before_;
};

TEST_P(MultiplyTest, AgreesWithDoublePrecision) {
  ThreadPool pool(2);
  for (const auto& [rows, cols] : {std::pair<std::int64_t, std::int64_t>{37, 256}, {16, 96}, {18, 512}, {18, 168}, {5, 40}, {19, 320}, {18, 160}, {17, 768}})
    for (const auto& sample : samples::all(rows, cols, pool)) {
      const Matrix& m = *sample.matrix;
      std::vector<float> w(static_cast<std::size_t>(rows * cols));
      m.unpackRows(0, rows, w.data());
      for (const std::int64_t count : {1, 3, 7, 40, 41, 42})
        for (const Activations activations : {Activations::F32, Activations::Q8})
          for (const bool wide : {false, true}) {
            if (wide && count <= kNarrowRows) continue;
            // All wide paths, whatever this machine would choose.
            setenv("TRADESPACE_WIDE", count == 40 ? "onednn" : count == 41 ? "tiles" : "floats", 1);
            const auto in = floats(count * cols, 21);
            const auto out = product(m, in, count, 2, activations, wide);
            double error = 0, norm = 0;
            for (std::int64_t r = 0; r < count; ++r)
              for (std::int64_t n = 0; n < rows; ++n) {
                double want = 0;
                for (std::int64_t k = 0; k < cols; ++k) want += double(w[static_cast<std::size_t>(n * cols + k)]) * in[static_cast<std::size_t>(r * cols + k)];
                const double got = out[static_cast<std::size_t>(r * rows + n)];
                error += (got - want) * (got - want), norm += want * want;
              }
            const bool exact = activations == Activations::F32 || sample.name[0] == 'F' || sample.name[0] == 'B';
            EXPECT_LE(std::sqrt(error / norm), exact ? 1e-6 : 0.02) << sample.name << " " << rows << "x" << cols << " M=" << count << (wide ? " wide" : "");
          }
    }
}

TEST_P(MultiplyTest, NothingSaturatesAtTheLargestCodesAndActivations) {
  ThreadPool pool(1);
  constexpr std::int64_t rows = 17, cols = 256;
  for (const TensorType type : samples::kAllTypes) {
    if (type == TensorType::F32 || type == TensorType::F16 || type == TensorType::BF16) continue;
    for (const int fill : {0x00, 0x7F, 0x80, 0xFF}) {
      const auto matrix = packTensor(samples::tensor(type, rows, cols, 5, fill), pool);
      std::vector<float> w(static_cast<std::size_t>(rows * cols));
      matrix->unpackRows(0, rows, w.data());
      double size = 0;  // of the largest row: what a code's scale and offset give may cancel in a weight
      for (std::int64_t n = 0; n < rows; ++n) {
        double sum = 0;
        for (std::int64_t k = 0; k < cols; ++k) sum += std::abs(double(w[static_cast<std::size_t>(n * cols + k)]));
        size = std::max(size, sum);
      }
      if (size == 0) continue;  // the fill is that of the scales, too
      // Ones are the largest of a block, so that even int8 activations are exact: 127. The last two have digits of -128, after
      // a one that makes them so: 8290176 of 8355000 is (-128, -128, 127).
      for (const int pattern : {0, 1, 2, 3, 4})
        for (const std::int64_t count : {1, 2, 4, 7}) {
          std::vector<float> in(static_cast<std::size_t>(count * cols));
          for (std::size_t i = 0; i < in.size(); ++i) {
            in[i] = pattern == 0 || pattern == 3 || (pattern == 2 && i % 2 == 0) ? 1.0f : -1.0f;
            if (pattern >= 3 && i % 32 != 0) in[i] *= 8290176.0f / 8355000.0f;
          }
          for (const Activations activations : {Activations::F32, Activations::Q8}) {
            if (activations == Activations::Q8 && pattern >= 3) continue;
            const auto out = product(*matrix, in, count, 1, activations, false);
            for (std::int64_t n = 0; n < rows; ++n) {
              double want = 0;
              for (std::int64_t k = 0; k < cols; ++k) want += double(w[static_cast<std::size_t>(n * cols + k)]) * in[static_cast<std::size_t>(k)];
              for (std::int64_t r = 0; r < count; ++r)
                EXPECT_NEAR(out[static_cast<std::size_t>(r * rows + n)], want, 1e-6 * size)
                    << info(type).name << " fill " << fill << " pattern " << pattern << " M=" << count << (activations == Activations::Q8 ? " q8" : " f32");
            }
          }
        }
    }
  }
}

TEST_P(MultiplyTest, ARowsResultDoesNotDependOnItsCompany) {
  ThreadPool pool(2);
  const std::int64_t rows = 53;
  for (const std::int64_t cols : {256, 168, 768})  // whole sections; an end within a block (not of GGUF's types); more sections
    for (const auto& sample : samples::all(rows, cols, pool))
      for (const Activations activations : {Activations::F32, Activations::Q8}) {
        const auto in = floats(kNarrowRows * cols, 31);
        const auto all = product(*sample.matrix, in, kNarrowRows, 1, activations, false);
        for (const std::int64_t count : {1, 2, 3, 4, 5, 6, 7, 8, 11, 16})
          for (const int threads : {1, 3}) {
            // The last `count` rows, so that a row's place in its batch changes too.
            const std::vector<float> some(in.end() - count * cols, in.end());
            const auto part = product(*sample.matrix, some, count, threads, activations, count % 2 == 0);
            ASSERT_TRUE(std::equal(part.begin(), part.end(), all.end() - count * rows)) << sample.name << " of " << cols << " columns, M=" << count << ", " << threads << " threads";
          }
      }
}

TEST_P(MultiplyTest, ARowInSeveralTilesIsTheRowAlone) {
  ThreadPool pool(2);
  const std::int64_t rows = 21, count = 70;  // more rows than a tile of digits or of floats has
  for (const std::int64_t cols : {256, 168})  // blocks in whole groups, and in part of one that ends within a block
    for (const auto& sample : samples::all(rows, cols, pool))
      for (const Activations activations : {Activations::F32, Activations::Q8}) {
        const auto in = floats(count * cols, 51);
        const auto all = product(*sample.matrix, in, count, 2, activations, false);
        for (const std::int64_t r : {0, 1, 31, 32, 35, 63, 64, 69}) {
          const auto alone = product(*sample.matrix, std::vector<float>(in.begin() + r * cols, in.begin() + (r + 1) * cols), 1, 1, activations, false);
          ASSERT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + r * rows)) << sample.name << " row " << r;
        }
      }
}

TEST_P(MultiplyTest, ARowAmongManyAsFloatsDoesNotDependOnItsCompany) {
  setenv("TRADESPACE_WIDE", "floats", 1);
  ThreadPool pool(2);
  const std::int64_t rows = 21, most = 70;
  for (const std::int64_t cols : {256, 168, 320})  // one slab; blocks that end within one; more than a slab
    for (const auto& sample : samples::all(rows, cols, pool)) {
      const auto in = floats(most * cols, 51);
      const auto all = product(*sample.matrix, in, most, 2, Activations::F32, true);
      for (const std::int64_t count : {17, 31, 55}) {  // tiles of other sizes
        const std::vector<float> some(in.end() - count * cols, in.end());
        const auto part = product(*sample.matrix, some, count, 3, Activations::F32, true);
        ASSERT_TRUE(std::equal(part.begin(), part.end(), all.end() - count * rows)) << sample.name << " of " << cols << " columns, M=" << count;
      }
    }
}

TEST_P(MultiplyTest, ManyRowsOfCodesAsFloatsMultiplyTheirWeights) {
  ThreadPool pool(2);
  const std::int64_t rows = 37, cols = 768, count = 40;
  for (const TensorType type : {TensorType::Q4_0, TensorType::Q6_K}) {  // whose weights are the same numbers however they are computed
    const MatrixPtr codes = packTensor(samples::tensor(type, rows, cols, 7), pool);
    std::vector<float> w(static_cast<std::size_t>(rows * cols));
    codes->unpackRows(0, rows, w.data());
    const auto in = floats(count * cols, 51);
    setenv("TRADESPACE_WIDE", "tiles", 1);
    const auto weights = product(*packF32(w.data(), rows, cols, pool), in, count, 2, Activations::F32, true), tiles = product(*codes, in, count, 2, Activations::F32, true);
    setenv("TRADESPACE_WIDE", "floats", 1);
    const auto got = product(*codes, in, count, 2, Activations::F32, true);
    if (GetParam() == "scalar") {
      EXPECT_EQ(got, tiles) << "the plain reference is never replaced";
    } else if (codes->digits(Activations::F32) == 3) {
      EXPECT_EQ(got, weights) << info(type).name;
      EXPECT_NE(got, tiles) << info(type).name;
    } else {
      EXPECT_EQ(got, tiles) << info(type).name;  // floats already
    }
  }
}

TEST_P(MultiplyTest, ALastTileOfOneRowIsTheRowAlone) {
  ThreadPool pool(1);
  const std::int64_t rows = 17, cols = 32, count = 31 * 32 + 1;  // the least that leaves one row over
  const auto in = floats(count * cols, 61);
  for (const auto& sample : samples::all(rows, cols, pool))
    for (const Activations activations : {Activations::F32, Activations::Q8}) {
      const auto all = product(*sample.matrix, in, count, 1, activations, false);
      for (const std::int64_t r : {0, 991, 992}) {
        const auto alone = product(*sample.matrix, std::vector<float>(in.begin() + r * cols, in.begin() + (r + 1) * cols), 1, 1, activations, false);
        ASSERT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + r * rows)) << sample.name << " row " << r;
      }
    }
}

TEST_P(MultiplyTest, WhatIsNotANumberStaysSoAndInItsRow) {
  ThreadPool pool(2);
  const std::int64_t rows = 19, cols = 256;
  for (const auto& sample : samples::all(rows, cols, pool))
    for (const Activations activations : {Activations::F32, Activations::Q8})
      for (const float broken : {NAN, INFINITY, -INFINITY})
        for (const std::int64_t count : {1, 5}) {
          auto in = floats(count * cols, 61);
          const auto whole = product(*sample.matrix, in, count, 2, activations, false);
          in[static_cast<std::size_t>((count - 1) * cols + 77)] = broken;
          const auto out = product(*sample.matrix, in, count, 2, activations, false);
          for (std::int64_t i = 0; i < count * rows; ++i) {
            const auto at = static_cast<std::size_t>(i);
            if (i < (count - 1) * rows) ASSERT_EQ(out[at], whole[at]) << sample.name << ": another row's trouble";
            else ASSERT_FALSE(std::isfinite(out[at])) << sample.name << " made a number of " << broken;
          }
        }
}

TEST_P(MultiplyTest, TogetherIsTheSameAsOneByOne) {
  ThreadPool pool(2);
  const std::int64_t cols = 256;
  auto samples = samples::all(40, cols, pool);
  for (auto& s : samples::all(7, cols, pool)) samples.push_back(s);
  for (const Activations activations : {Activations::F32, Activations::Q8})
    for (const auto& [count, path] : {std::pair<std::int64_t, const char*>{1, ""}, {5, ""}, {33, ""}, {33, "tiles"}, {33, "floats"}, {33, "onednn"}}) {
      const bool wide = *path != 0;
      if (wide) setenv("TRADESPACE_WIDE", path, 1);
      Execution execution(pool, activations);
      const auto in = floats(count * cols, 41);
      std::vector<std::vector<float>> outs;
      for (const auto& s : samples) outs.emplace_back(static_cast<std::size_t>(count * s.matrix->rows()));
      std::vector<Product> products;
      for (std::size_t i = 0; i < samples.size(); ++i)
        products.push_back({samples[i].matrix.get(), Rows{outs[i].data(), count, samples[i].matrix->rows(), samples[i].matrix->rows()}});
      multiplyTogether(ConstRows(in.data(), count, cols, cols), products, execution, wide);
      for (std::size_t i = 0; i < samples.size(); ++i)
        EXPECT_EQ(outs[i], product(*samples[i].matrix, in, count, 2, activations, wide)) << samples[i].name << ' ' << path;
    }
}

/// What surrounds products, taken to pieces: rows doubled before, a column's results of all products added up after.
struct Surrounded {
  std::vector<float> sums, calls;
  std::vector<std::vector<float>> outs;
};

Surrounded surrounded(std::span<const MatrixPtr> matrices, std::span<const float> in, std::int64_t count, ThreadPool& pool, Activations activations, bool wide, bool before) {
  Execution execution(pool, activations);
  const std::int64_t cols = matrices[0]->cols(), rows = matrices[0]->rows();
  Surrounded r;
  r.sums.resize(static_cast<std::size_t>(count * rows)), r.calls.resize(r.sums.size()), r.outs.resize(matrices.size());
  std::vector<Product> products;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    r.outs[i].resize(r.sums.size());
    products.push_back({matrices[i].get(), Rows{r.outs[i].data(), count, rows, rows}});
  }
  std::vector<float> made(static_cast<std::size_t>(count * cols));
  const auto doubled = [&](ConstRows from, Rows to, int) {
    for (std::int64_t i = 0; i < from.count; ++i)
      for (std::int64_t k = 0; k < cols; ++k) to.row(i)[k] = 2 * from.row(i)[k];
  };
  const auto add = [&](Range columns, int worker) {
    EXPECT_LT(worker, pool.size());
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t n = columns.begin; n < columns.end; ++n) {
        const auto at = static_cast<std::size_t>(i * rows + n);
        ++r.calls[at];
        for (const auto& out : r.outs) r.sums[at] += out[at];
      }
  };
  Around around{.before = {}, .made = Rows{made.data(), count, cols, cols}, .after = add};
  if (before) around.before = doubled;
  multiplyTogether(ConstRows(in.data(), count, cols, cols), products, execution, wide, around);
  return r;
}

TEST_P(MultiplyTest, WhatSurroundsProductsIsDoneOnceToEachColumnAndWithMadeRows) {
  ThreadPool one(1), two(2), five(5);
  for (const std::int64_t cols : {96, 168}) {  // the second is padded
    const std::int64_t rows = 37;              // the last panel is not full
    const auto left = floats(rows * 8, 4), right = floats(8 * cols, 5);
    const auto packed = samples::all(rows, cols, one);
    const MatrixPtr lowRank = makeLowRank(packF32(left.data(), rows, 8, one), packF32(right.data(), 8, cols, one));
    std::vector<std::vector<MatrixPtr>> sets{{lowRank}, {packed[0].matrix}, {packed[0].matrix, lowRank}};
    for (std::size_t i = 0; i < packed.size(); ++i) {
      sets.push_back({packed[i].matrix, packed[i].matrix});
      if (i > 0) sets.push_back({packed[i - 1].matrix, packed[i].matrix});  // some are multiplied in the same way with other zeros
    }
    for (const auto& set : sets)
      for (const Activations activations : {Activations::F32, Activations::Q8})
        for (const auto& [count, path] : {std::pair<std::int64_t, const char*>{1, "tiles"}, {3, "tiles"}, {16, "tiles"}, {17, "tiles"}, {40, "onednn"}, {41, "floats"}})
          for (ThreadPool* team : {&one, &two, &five})
            for (const bool before : {false, true}) {
              if (before && count > kAloneRows && team != &one) continue;
              const bool wide = count > kNarrowRows;
              setenv("TRADESPACE_WIDE", path, 1);
              const auto in = floats(count * cols, 6);
              auto multiplied = in;
              if (before)
                for (float& x : multiplied) x *= 2;
              const Surrounded got = surrounded(set, in, count, *team, activations, wide, before);
              const std::string what = set[0]->format() + " and " + set.back()->format() + ", M=" + std::to_string(count) + ", workers " + std::to_string(team->size());
              std::vector<float> sums(got.sums.size());
              for (std::size_t i = 0; i < set.size(); ++i) {
                const auto want = product(*set[i], multiplied, count, 1, activations, wide);
                ASSERT_EQ(got.outs[i], want) << what;
                for (std::size_t n = 0; n < sums.size(); ++n) sums[n] += want[n];
              }
              ASSERT_EQ(got.sums, sums) << what << ": after all of them";
              ASSERT_EQ(got.calls, std::vector<float>(sums.size(), 1.0f)) << what;
            }
  }
}

TEST_P(MultiplyTest, NothingIsWrittenBesideTheResults) {
  setenv("TRADESPACE_WIDE", "tiles", 1);
  ThreadPool pool(2);
  const std::int64_t rows = 37, cols = 96, stride = 61;  // the last panel is not full
  for (const auto& sample : samples::all(rows, cols, pool))
    for (const Activations activations : {Activations::F32, Activations::Q8})
      for (const std::int64_t count : {1, 5, 40}) {
        const auto in = floats(count * cols, 51);
        const bool wide = count > kNarrowRows;
        const auto dense = product(*sample.matrix, in, count, 2, activations, wide);
        std::vector<float> out(static_cast<std::size_t>(count * stride), 77.0f);
        Execution execution(pool, activations);
        sample.matrix->multiply(ConstRows(in.data(), count, cols, cols), Rows{out.data(), count, rows, stride}, execution, wide);
        for (std::int64_t r = 0; r < count; ++r)
          for (std::int64_t n = 0; n < stride; ++n)
            ASSERT_EQ(out[static_cast<std::size_t>(r * stride + n)], n < rows ? dense[static_cast<std::size_t>(r * rows + n)] : 77.0f) << sample.name << " M=" << count << " row " << r << " column " << n;
      }
}

TEST_P(MultiplyTest, RowsMayBeStridedAndLowRankNests) {
  ThreadPool pool(2);
  const auto a = floats(48 * 8, 1), b = floats(8 * 64, 2), in = floats(3 * 100, 3);
  const MatrixPtr m = makeLowRank(packF32(a.data(), 48, 8, pool), packF32(b.data(), 8, 64, pool));
  std::vector<float> w(48 * 64), out(3 * 50);
  m->unpackRows(0, 48, w.data());
  Execution execution(pool);
  m->multiply(ConstRows(in.data(), 3, 64, 100), Rows{out.data(), 3, 48, 50}, execution, false);
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t n = 0; n < 48; ++n) {
      double want = 0;
      for (std::size_t k = 0; k < 64; ++k) want += double(w[n * 64 + k]) * in[r * 100 + k];
      EXPECT_NEAR(out[r * 50 + n], want, 1e-4);
    }
  EXPECT_EQ(out[48], 0.0f) << "nothing beyond a row's width is written";
}

INSTANTIATE_TEST_SUITE_P(Isa, MultiplyTest, testing::ValuesIn(availableIsas()), [](const auto& i) { return i.param; });

}  // namespace
}  // namespace ts
