// SPDX-License-Identifier: GPL-3.0-or-later
// A model with layers of different sizes and low-rank factors, written and opened again, computes what the dense model
// with zeros in the removed places computes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/formats/export.h"
#include "engine/session/session.h"
#include "tests/engine/formats/files.h"

namespace ts {
namespace {

using Floats = std::vector<float>;

ExportTensor floatsOf(std::string name, std::int64_t rows, std::int64_t cols, Floats values) {
  auto held = std::make_shared<const Floats>(std::move(values));
  return {std::move(name), rows, cols, TensorType::F32, {}, [held, cols](std::int64_t first, std::int64_t count, float* out) {
            std::copy_n(held->begin() + first * cols, count * cols, out);
          }};
}

/// Rows (or columns) whose flag is set.
Floats keptRows(const Floats& values, std::int64_t cols, const std::vector<bool>& keep) {
  Floats out;
  for (std::size_t r = 0; r < keep.size(); ++r)
    if (keep[r]) out.insert(out.end(), values.begin() + static_cast<std::int64_t>(r) * cols, values.begin() + static_cast<std::int64_t>(r + 1) * cols);
  return out;
}
Floats keptCols(const Floats& values, const std::vector<bool>& keep) {
  Floats out;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (keep[i % keep.size()]) out.push_back(values[i]);
  return out;
}

std::vector<Floats> logitsOf(const Checkpoint& checkpoint) {
  ThreadPool pool(1);
  const auto model = buildModel(checkpoint, pool);
  if (!model) throw std::runtime_error(model.error().message);
  const auto session = Session::open(*model, pool, {});
  if (!session) throw std::runtime_error(session.error().message);
  std::vector<int> ids;
  for (int i = 0; i < 24; ++i) ids.push_back(3 + 11 * i % 300);
  std::vector<Floats> out;
  const auto done = (*session)->prefill(ids, 0, [&](std::int64_t, std::span<const float> logits) { out.emplace_back(logits.begin(), logits.end()); });
  if (!done) throw std::runtime_error(done.error().message);
  return out;
}

Checkpoint written(const Checkpoint& source, const std::vector<ExportTensor>& tensors, std::span<const LayerConfig> layers, const std::filesystem::path& path) {
  const auto result = exportGguf(path, source, tensors, {}, layers);
  if (!result) throw std::runtime_error(result.error().message);
  auto checkpoint = openCheckpoint(path);
  if (!checkpoint) throw std::runtime_error(checkpoint.error().message);
  return *std::move(checkpoint);
}

TEST(OwnContainer, APrunedModelComputesWhatZerosCompute) {
  const auto source = openCheckpoint(TS_SOURCE_DIR "/tests/data/families/llama");
  ASSERT_TRUE(source) << source.error().message;
  const files::Folder folder;
  const std::int64_t hidden = source->config.hidden, dims = source->config.headDim;
  // Layer 0 loses query head 1, so that its key/value heads serve one and two heads; layer 1 loses neurons 100 to 131.
  std::vector<bool> channels(static_cast<std::size_t>(source->config.heads * dims), true), neurons(static_cast<std::size_t>(source->config.intermediate), true);
  std::fill_n(channels.begin() + dims, dims, false);
  std::fill_n(neurons.begin() + 100, 32, false);

  std::vector<ExportTensor> dense, pruned;
  for (ExportTensor& tensor : exportTensors(*source, std::nullopt)) {
    const Floats values = source->find(tensor.name)->toFloats();
    const bool o = tensor.name == "layers.0.o.weight", down = tensor.name == "layers.1.down.weight";
    if (o || down) {
      const std::vector<bool>& keep = o ? channels : neurons;
      Floats zeros = values;
      for (std::size_t i = 0; i < zeros.size(); ++i)
        if (!keep[i % keep.size()]) zeros[i] = 0.0f;
      dense.push_back(floatsOf(tensor.name, tensor.rows, tensor.cols, std::move(zeros)));
      pruned.push_back(floatsOf(tensor.name, hidden, std::count(keep.begin(), keep.end(), true), keptCols(values, keep)));
    } else if (tensor.name == "layers.0.q.weight") {
      dense.push_back(tensor);
      pruned.push_back(floatsOf(tensor.name, tensor.rows - dims, hidden, keptRows(values, hidden, channels)));
    } else if (tensor.name == "layers.1.gate.weight" || tensor.name == "layers.1.up.weight") {
      dense.push_back(tensor);
      pruned.push_back(floatsOf(tensor.name, tensor.rows - 32, hidden, keptRows(values, hidden, neurons)));
    } else if (tensor.name == "layers.2.q.weight") {  // a product with the identity
      dense.push_back(tensor);
      Floats identity(static_cast<std::size_t>(hidden * hidden), 0.0f);
      for (std::int64_t i = 0; i < hidden; ++i) identity[static_cast<std::size_t>(i * hidden + i)] = 1.0f;
      pruned.push_back(floatsOf("layers.2.q.low_rank_a.weight", tensor.rows, hidden, values));
      pruned.push_back(floatsOf("layers.2.q.low_rank_b.weight", hidden, hidden, std::move(identity)));
    } else {
      dense.push_back(tensor);
      pruned.push_back(tensor);
    }
  }
  std::vector<LayerConfig> layers = source->config.layers;
  layers[0].queryToKv = {0, 1, 1};

  const Checkpoint small = written(*source, pruned, layers, folder / "small.gguf");
  EXPECT_EQ(small.config.layers[0].heads, 3);
  EXPECT_EQ(small.config.layers[0].queryToKv, (std::vector<int>{0, 1, 1}));
  EXPECT_EQ(small.config.layers[1].intermediate, 128);
  EXPECT_EQ(small.config.heads, 4);
  EXPECT_TRUE(small.config.ropes.front().interleaved);
  const auto expected = logitsOf(written(*source, dense, {}, folder / "dense.gguf")), actual = logitsOf(small);
  ASSERT_EQ(expected.size(), actual.size());
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (std::size_t n = 0; n < expected[i].size(); ++n) worst = std::max<double>(worst, std::abs(expected[i][n] - actual[i][n]));
  EXPECT_LT(worst, 1e-4);

  // Written once more from that file, it is the same model.
  const Checkpoint again = written(small, exportTensors(small, std::nullopt), small.config.layers, folder / "again.gguf");
  EXPECT_EQ(again.fingerprint, small.fingerprint);
}

TEST(OwnContainer, GroupsThatCannotBeAreRefused) {
  const auto source = openCheckpoint(TS_SOURCE_DIR "/tests/data/families/llama");
  ASSERT_TRUE(source);
  std::vector<LayerConfig> layers = source->config.layers;
  layers[1].queryToKv = {0, 0, 1};
  const auto result = exportGguf(std::filesystem::path(testing::TempDir()) / "never.gguf", *source, exportTensors(*source, std::nullopt), {}, layers);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("layer 1"), std::string::npos) << result.error().message;
}

}  // namespace
}  // namespace ts
