// SPDX-License-Identifier: GPL-3.0-or-later
// Matrix products: format x activations x rows x threads. The weights of narrow products are several times the last-level
// cache, taken in turn, so that they come from memory as in decoding.
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
constexpr std::int64_t kOutputs = 5632, kInputs = 2048;  // gate and up of a 1.1B model

MatrixPtr make(const std::string& format, ThreadPool& pool) {
  std::mt19937 generator(1);
  std::vector<float> w(static_cast<std::size_t>(kOutputs * kInputs));
  for (float& x : w) x = static_cast<float>(static_cast<int>(generator() % 2001) - 1000) * 1e-5f;
  if (format == "f32") return packF32(w.data(), kOutputs, kInputs, pool);
  if (format == "f16") return packF16(w.data(), kOutputs, kInputs, pool);
  if (format == "bf16") return packBf16(w.data(), kOutputs, kInputs, pool);
  if (format == "q8") return packQ8(w.data(), kOutputs, kInputs, 32, pool);
  if (format == "q4") return packQ4(w.data(), kOutputs, kInputs, 32, true, pool);
  for (const TensorType type : {TensorType::Q4_1, TensorType::Q5_0, TensorType::Q5_1, TensorType::Q2_K, TensorType::Q3_K, TensorType::Q4_K,
                                TensorType::Q5_K, TensorType::Q6_K, TensorType::IQ4_NL, TensorType::IQ4_XS})
    if (format == info(type).name) {  // any bytes are valid codes; a small positive half everywhere keeps scales finite
      std::vector<std::byte> bytes(static_cast<std::size_t>(kOutputs * kInputs / info(type).blockValues) * info(type).blockBytes, std::byte{0x2A});
      Tensor tensor;
      tensor.type = type, tensor.rows = kOutputs, tensor.cols = kInputs, tensor.data = bytes.data();
      return packTensor(tensor, pool);
    }
  std::abort();
}

/// Enough copies of one matrix that the last-level cache holds a quarter of them at most.
const std::vector<MatrixPtr>& ring(const std::string& format) {
  static std::map<std::string, std::vector<MatrixPtr>> rings;
  auto& matrices = rings[format];
  if (matrices.empty()) {
    rings.clear();
    auto& made = rings[format];
    ThreadPool pool(0);
    std::size_t bytes = 0;
    while (bytes < std::max<std::size_t>(4 * cpuInfo().lastLevelBytes, 64 << 20)) made.push_back(make(format, pool)), bytes += made.back()->bytes();
    return made;
  }
  return matrices;
}

void product(benchmark::State& state, const std::string& format, Activations activations, std::int64_t rows, int threads) {
  const auto& matrices = ring(format);
  ThreadPool pool(threads);
  Execution execution(pool, activations);
  std::vector<float> in(static_cast<std::size_t>(rows * kInputs), 0.01f), out(static_cast<std::size_t>(rows * kOutputs));
  std::size_t next = 0;
  for (auto _ : state) {
    matrices[next]->multiply(ConstRows(in.data(), rows, kInputs, kInputs), Rows{out.data(), rows, kOutputs, kOutputs}, execution, rows > kNarrowRows);
    next = (next + 1) % matrices.size();
    benchmark::DoNotOptimize(out.data());
  }
  const double n = static_cast<double>(state.iterations());
  using benchmark::Counter;
  state.counters["GB/s"] = Counter(n * static_cast<double>(matrices[0]->bytesRead()) * 1e-9, Counter::kIsRate);
  state.counters["GOP/s"] = Counter(n * static_cast<double>(matrices[0]->operations() * static_cast<std::uint64_t>(rows)) * 1e-9, Counter::kIsRate);
}

const bool registered = [] {
  for (const std::string format : {"f32", "f16", "bf16", "q8", "q4", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"})
    for (const auto& [name, activations] : {std::pair{"f32", Activations::F32}, {"q8", Activations::Q8}})
      for (const std::int64_t rows : {1, 2, 4, 8, 16, 512})
        for (const int threads : {1, cpuInfo().physicalCores}) {
          if (activations == Activations::Q8 && (format == "f32" || format == "f16" || format == "bf16")) continue;
          if (threads != 1 && cpuInfo().physicalCores == 1) continue;
          benchmark::RegisterBenchmark(("product/" + format + "/activations:" + name + "/rows:" + std::to_string(rows) + "/threads:" + std::to_string(threads)).c_str(),
                                       product, format, activations, rows, threads)
              ->UseRealTime()
              ->Unit(benchmark::kMicrosecond);
        }
  return true;
}();

}  // namespace
