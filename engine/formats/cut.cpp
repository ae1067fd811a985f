// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/cut.h"

#include <cassert>
#include <cstring>
#include <vector>

#include "engine/formats/byte_reader.h"

namespace ts {
namespace {

struct Part {
  std::string_view canonical;
  std::int64_t rows;
};

/// Rows of a matrix, or values of a vector (plain types).
Tensor piece(const Tensor& tensor, bool vector, std::int64_t first, std::int64_t count) {
  if (!vector) return tensor.slice(first, count);
  Tensor out = tensor;
  out.data = tensor.data + static_cast<std::size_t>(first) * info(tensor.type).blockBytes;
  out.cols = count;
  return out;
}

}  // namespace

Tensor transposed(const Tensor& tensor) {
  const std::size_t size = info(tensor.type).blockBytes;
  assert(info(tensor.type).blockValues == 1);
  auto copy = std::make_shared<std::vector<std::byte>>(tensor.bytes());
  const auto rows = static_cast<std::size_t>(tensor.rows), cols = static_cast<std::size_t>(tensor.cols);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < cols; ++c) std::memcpy(copy->data() + (c * rows + r) * size, tensor.data + (r * cols + c) * size, size);
  Tensor out{tensor.type, tensor.cols, tensor.rows, copy->data(), copy};
  return out;
}

Result<void> putCut(std::string_view canonical, std::string_view ending, const Tensor& tensor, const ModelConfig& config, int layer,
                    const std::string& name, const std::string& place, std::map<std::string, Tensor, std::less<>>& out) {
  std::vector<Part> parts;
  const std::string prefix = "layers." + std::to_string(layer) + ".";
  const LayerConfig& own = config.layers[static_cast<std::size_t>(layer)];
  const std::int64_t query = std::int64_t{config.headsOf(own)} * config.headDim, keys = std::int64_t{config.kvHeadsOf(own)} * config.headDim;
  if (canonical == "qkv") parts = {{"q", query}, {"k", keys}, {"v", keys}};
  if (canonical == "gate_up") parts = {{"gate", config.intermediateOf(own)}, {"up", config.intermediateOf(own)}};
  if (parts.empty()) {
    out.emplace(prefix + std::string(canonical) + std::string(ending), tensor);
    return {};
  }
  const bool vector = ending == ".bias";
  std::int64_t wanted = 0;
  for (const Part& part : parts) wanted += part.rows;
  const bool shaped = vector ? tensor.rows == 1 && tensor.cols == wanted : tensor.rows == wanted;
  if (!shaped || (vector && info(tensor.type).blockValues != 1))
    return fail("expected " + std::to_string(wanted) + (vector ? " values" : " rows") + " in tensor " + inQuotes(name) + " (of " + std::string(parts.front().canonical) +
                    " and what follows), found " + std::to_string(vector ? tensor.cols : tensor.rows),
                place);
  std::int64_t first = 0;
  for (const Part& part : parts) {
    out.emplace(prefix + std::string(part.canonical) + std::string(ending), piece(tensor, vector, first, part.rows));
    first += part.rows;
  }
  return {};
}

}  // namespace ts
