// SPDX-License-Identifier: GPL-3.0-or-later
// Matrix products: format x activations x rows x threads. The weights of narrow products are several times the last-level
// cache, taken in turn, so that they come from memory as in decoding; `cached` takes one small matrix again and again.
//   tradespace_benchmarks --benchmark_filter='product/.*/rows:1/'
#include <benchmark/benchmark.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

#include "engine/core/cpu.h"
#include "engine/core/half.h"
#include "engine/weights/formats.h"

namespace {

using namespace ts;
struct Shape {
  std::int64_t outputs, inputs;
};
constexpr Shape kLarge{5632, 2048};  // gate and up of a 1.1B model
constexpr Shape kSmall{224, 576};    // fits a second-level cache in 8 bits

MatrixPtr make(const std::string& format, Shape shape, ThreadPool& pool) {
  const auto [outputs, inputs] = shape;
  std::mt19937 generator(1);
  std::vector<float> w(static_cast<std::size_t>(outputs * inputs));
  for (float& x : w) x = static_cast<float>(static_cast<int>(generator() % 2001) - 1000) * 1e-5f;
  if (format == "f32") return packF32(w.data(), outputs, inputs, pool);
  if (format == "f16") return packF16(w.data(), outputs, inputs, pool);
  if (format == "bf16") return packBf16(w.data(), outputs, inputs, pool);
  if (format == "q8") return packQ8(w.data(), outputs, inputs, 32, pool);
  if (format == "q4") return packQ4(w.data(), outputs, inputs, 32, true, pool);
  for (const TensorType type : {TensorType::Q4_1, TensorType::Q5_0, TensorType::Q5_1, TensorType::Q2_K, TensorType::Q3_K, TensorType::Q4_K,
                                TensorType::Q5_K, TensorType::Q6_K, TensorType::IQ4_NL, TensorType::IQ4_XS})
    if (format == info(type).name) {  // any bytes are valid codes; a small positive half everywhere keeps scales finite
      std::vector<std::byte> bytes(static_cast<std::size_t>(outputs * inputs / info(type).blockValues) * info(type).blockBytes, std::byte{0x2A});
      Tensor tensor;
      tensor.type = type, tensor.rows = outputs, tensor.cols = inputs, tensor.data = bytes.data();
      return packTensor(tensor, pool);
    }
  std::abort();
}

/// Enough copies of one matrix that the last-level cache holds a quarter of them at most; of the small one, one.
const std::vector<MatrixPtr>& ring(const std::string& format, bool cached) {
  static std::map<std::pair<std::string, bool>, std::vector<MatrixPtr>> rings;
  auto& matrices = rings[{format, cached}];
  if (matrices.empty()) {
    rings.clear();
    auto& made = rings[{format, cached}];
    ThreadPool pool(0);
    std::size_t bytes = 0;
    const std::size_t enough = cached ? 1 : std::max<std::size_t>(4 * cpuInfo().lastLevelBytes, 64 << 20);
    while (bytes < enough) made.push_back(make(format, cached ? kSmall : kLarge, pool)), bytes += made.back()->bytes();
    return made;
  }
  return matrices;
}

void product(benchmark::State& state, const std::string& format, bool cached, Activations activations, std::int64_t rows, int threads) {
  const auto [outputs, inputs] = cached ? kSmall : kLarge;
  const auto& matrices = ring(format, cached);
  ThreadPool pool(threads);
  Execution execution(pool, activations);
  std::vector<float> in(static_cast<std::size_t>(rows * inputs), 0.01f), out(static_cast<std::size_t>(rows * outputs));
  std::size_t next = 0;
  for (auto _ : state) {
    matrices[next]->multiply(ConstRows(in.data(), rows, inputs, inputs), Rows{out.data(), rows, outputs, outputs}, execution, rows > kNarrowRows);
    next = (next + 1) % matrices.size();
    benchmark::DoNotOptimize(out.data());
  }
  const double n = static_cast<double>(state.iterations());
  using benchmark::Counter;
  state.counters["GB/s"] = Counter(n * static_cast<double>(matrices[0]->bytesRead()) * 1e-9, Counter::kIsRate);
  state.counters["GOP/s"] = Counter(n * static_cast<double>(matrices[0]->operations() * static_cast<std::uint64_t>(rows)) * 1e-9, Counter::kIsRate);
}

const bool registered = [] {
  const auto add = [](const std::string& format, bool cached, const std::string& name, Activations activations, std::int64_t rows, int threads) {
    const std::string what = std::string("product/") + (cached ? "cached/" : "") + format + "/activations:" + name + "/rows:" + std::to_string(rows) + "/threads:" + std::to_string(threads);
    benchmark::RegisterBenchmark(what.c_str(), product, format, cached, activations, rows, threads)->UseRealTime()->Unit(benchmark::kMicrosecond);
  };
  for (const std::string format : {"f32", "f16", "bf16", "q8", "q4", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"})
    for (const auto& [name, activations] : {std::pair{"f32", Activations::F32}, {"q8", Activations::Q8}}) {
      if (activations == Activations::Q8 && (format == "f32" || format == "f16" || format == "bf16")) continue;
      for (const std::int64_t rows : {1, 2, 4, 8, 16, 512})
        for (const int threads : {1, cpuInfo().physicalCores})
          if (threads == 1 || cpuInfo().physicalCores > 1) add(format, false, name, activations, rows, threads);
      if (format != "q8" && format != "q4") continue;  // others' blocks of 256 do not fit kSmall
      for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 8, 16, 32}) add(format, true, name, activations, rows, 1);
    }
  return true;
}();

}  // namespace
