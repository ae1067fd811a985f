// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/export.h"

#include <algorithm>
#include <map>

#include "engine/formats/byte_reader.h"
#include "engine/formats/export_metadata.h"
#include "engine/formats/export_shapes.h"
#include "engine/formats/gguf_types.h"
#include "engine/formats/quantize.h"

namespace ts {
namespace {

/// A tensor of the file: one of the model's, or several below each other (fused projections).
struct Item {
  std::vector<const ExportTensor*> parts;
  int permutedHeads = 0;  ///< rows of each head reordered for neighbouring rotary pairs; 0: as they are
};

/// llama_model_type's general.file_type for the type most values have; none for types quantize() does not write.
std::optional<std::int64_t> fileType(TensorType type) {
  static const std::map<TensorType, std::int64_t> kTypes = {
      {TensorType::F32, 0}, {TensorType::F16, 1},   {TensorType::Q4_0, 2},  {TensorType::Q4_1, 3},  {TensorType::Q8_0, 7},  {TensorType::Q5_0, 8},
      {TensorType::Q5_1, 9}, {TensorType::Q2_K, 10}, {TensorType::Q3_K, 12}, {TensorType::Q4_K, 15}, {TensorType::Q5_K, 17}, {TensorType::Q6_K, 18},
      {TensorType::IQ4_NL, 25}, {TensorType::IQ4_XS, 30}, {TensorType::BF16, 32}};
  const auto it = kTypes.find(type);
  return it == kTypes.end() ? std::nullopt : std::optional(it->second);
}

/// Row of the model that row `r` of the file holds (llama.cpp's convert_hf_to_gguf.py, LlamaModel.permute): of a head of
/// D rows, 2i and 2i + 1 are i and i + D/2.
std::int64_t sourceRow(std::int64_t r, std::int64_t rows, int heads) {
  if (heads == 0) return r;
  const std::int64_t dims = rows / heads, within = r % dims;
  return r - within + within / 2 + (within % 2) * (dims / 2);
}

class Exporter {
 public:
  Exporter(const Checkpoint& source, const std::vector<ExportTensor>& tensors, std::span<const LayerConfig> layers)
      : source_(source), family_(*familyOf(source.config)), layers_(layers) {
    for (const ExportTensor& tensor : tensors) byName_.emplace(tensor.name, &tensor);
  }

  Result<void> write(const std::filesystem::path& path, std::stop_token stop) {
    if (source_.container.starts_with("GGUF")) {
      TS_TRY(GgufFile original, readGguf(source_.path));
      file_.metadata = std::move(original.metadata);
      file_.valueTypes = std::move(original.valueTypes);
      for (GgufTensor& tensor : original.tensors)
        if (tensor.name.starts_with("rope_f")) addOwned(std::move(tensor));
    } else {
      GgufFile made;
      putHyperParameters(source_.config, family_, made);
      TS_CHECK(putTokenizer(source_, made));
      file_.metadata = std::move(made.metadata);
      file_.valueTypes = std::move(made.valueTypes);
      for (GgufTensor& tensor : made.tensors) addOwned(std::move(tensor));
    }
    TS_TRY(const ExportShapes shapes, exportShapes(source_, byName_, layers_));
    bool own = shapes.differ || file_.get<std::string>("general.architecture").value_or("").starts_with(kOwnArchitecture);
    TS_CHECK(addAll(own));
    if (own) putOwnLayers(source_.config, shapes.layers, file_);
    file_.metadata["general.file_type"] = fileType(dominant()).value_or(1);
    return writeGguf(path, file_, [&](std::size_t index, const GgufSink& sink) { return put(index, sink, stop); });
  }

 private:
  /// `own`: whether some tensor has no name in GGUF.
  Result<void> addAll(bool& own) {
    for (const TensorNames& names : family_.outer)
      for (const std::string ending : {".weight", ".bias"}) TS_CHECK(add(names, "", "", ending));
    for (int layer = 0; layer < source_.config.layerCount(); ++layer) {
      const std::string number = std::to_string(layer) + ".";
      for (const TensorNames& names : family_.layers)
        for (const std::string ending : {".weight", ".bias"}) TS_CHECK(add(names, "layers." + number, "blk." + number, ending));
    }
    own = own || !byName_.empty();
    for (const auto& [name, tensor] : byName_) TS_CHECK(addItem(std::string(kOwnTensor) + name, name, {tensor}));
    byName_.clear();
    return {};
  }

  void addOwned(GgufTensor tensor) {
    file_.tensors.push_back(std::move(tensor));
    items_.push_back({});
  }

  /// Under GGUF's name, if the model has the tensor (all of the fused ones, in one type).
  Result<void> add(const TensorNames& names, const std::string& from, const std::string& to, const std::string& ending) {
    std::vector<std::string> canonical{std::string(names.canonical)};
    if (names.canonical == "qkv") canonical = {"q", "k", "v"};
    if (names.canonical == "gate_up") canonical = {"gate", "up"};
    std::vector<const ExportTensor*> parts;
    for (const std::string& part : canonical)
      if (const auto it = byName_.find(from + part + ending); it != byName_.end() && (parts.empty() || it->second->type == parts.front()->type))
        parts.push_back(it->second);
    if (parts.size() != canonical.size()) return {};
    const std::string first = parts.front()->name;
    TS_CHECK(addItem(to + std::string(names.gguf) + ending, first, parts));
    for (const std::string& part : canonical) byName_.erase(from + part + ending);
    return {};
  }

  Result<void> addItem(std::string name, const std::string& canonical, std::vector<const ExportTensor*> parts) {
    Item item;
    GgufTensor entry{std::move(name), {}, {parts.front()->type, 0, parts.front()->cols}};
    const bool vector = canonical.ends_with(".bias") || canonical.ends_with("norm.weight");
    std::int64_t values = 0;
    for (const ExportTensor* part : parts) {
      TS_CHECK(checkType(*part));
      entry.tensor.rows += part->rows;
      values += part->cols;
    }
    entry.dimensions = {static_cast<std::uint64_t>(entry.tensor.cols), static_cast<std::uint64_t>(entry.tensor.rows)};
    if (vector) {
      entry.tensor.rows = 1;
      entry.tensor.cols = values;
      entry.dimensions = {static_cast<std::uint64_t>(values)};
    }
    // Rows of the queries and keys are permuted, also those of a low-rank product's left factor.
    const bool permute = family_.ggufInterleaved && !source_.config.ropes.front().interleaved;
    const bool rotated = canonical.find(".q.") != std::string::npos || canonical.find(".k.") != std::string::npos;
    if (permute && rotated && !canonical.ends_with("low_rank_b.weight"))
      item.permutedHeads = static_cast<int>((vector ? values : entry.tensor.rows) / source_.config.headDim);
    item.parts = std::move(parts);
    file_.tensors.push_back(std::move(entry));
    items_.push_back(std::move(item));
    return {};
  }

  Result<void> checkType(const ExportTensor& part) const {
    const std::string which = "tensor " + inQuotes(part.name);
    if (part.cols % info(part.type).blockValues != 0)
      return fail(ErrorKind::Unsupported, "expected rows of " + which + " that are a multiple of " + std::to_string(info(part.type).blockValues) + " values (" +
                                              std::string(info(part.type).name) + "), found " + std::to_string(part.cols));
    if (part.blocks.data == nullptr && !canQuantize(part.type))
      return fail(ErrorKind::Unsupported, "expected a type that can be written (F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1) for " + which + ", found " +
                                              std::string(info(part.type).name));
    return {};
  }

  TensorType dominant() const {
    std::map<TensorType, std::int64_t> values;
    for (const GgufTensor& entry : file_.tensors) values[entry.tensor.type] += entry.tensor.rows * entry.tensor.cols;
    const auto most = std::max_element(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == values.end() ? TensorType::F32 : most->first;
  }

  Result<void> put(std::size_t index, const GgufSink& sink, const std::stop_token& stop) const {
    const Item& item = items_[index];
    if (item.parts.empty()) return sink(file_.tensors[index].tensor.data, file_.tensors[index].tensor.bytes());
    for (const ExportTensor* part : item.parts) {
      if (part->rows == 1 && item.permutedHeads != 0) {
        TS_CHECK(putPermutedVector(*part, item.permutedHeads, sink));
        continue;
      }
      Tensor shape{part->type, part->rows, part->cols};
      const std::size_t rowBytes = shape.rowBytes();
      const std::int64_t step = std::clamp<std::int64_t>((std::int64_t{1} << 18) / std::max<std::int64_t>(part->cols, 1), 1, part->rows);
      std::vector<float> values(static_cast<std::size_t>(step * part->cols));
      std::vector<std::byte> bytes(static_cast<std::size_t>(step) * rowBytes);
      for (std::int64_t first = 0; first < part->rows; first += step) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "stopped while writing the model");
        const std::int64_t count = std::min(step, part->rows - first);
        for (std::int64_t r = 0; r < count; ++r) {
          const std::int64_t from = sourceRow(first + r, part->rows, item.permutedHeads);
          std::byte* to = bytes.data() + static_cast<std::size_t>(r) * rowBytes;
          if (part->blocks.data != nullptr) {
            std::copy_n(part->blocks.row(from), rowBytes, to);
          } else if (item.permutedHeads != 0) {
            part->readRows(from, 1, values.data());
            quantize(part->type, values.data(), part->cols, to);
          }
        }
        if (part->blocks.data == nullptr && item.permutedHeads == 0) {
          part->readRows(first, count, values.data());
          quantize(part->type, values.data(), count * part->cols, bytes.data());
        }
        TS_CHECK(sink(bytes.data(), static_cast<std::size_t>(count) * rowBytes));
      }
    }
    return {};
  }

  /// A bias of q or k: its values are reordered as the matrix's rows.
  static Result<void> putPermutedVector(const ExportTensor& part, int heads, const GgufSink& sink) {
    std::vector<float> values(static_cast<std::size_t>(part.cols)), ordered(values.size());
    if (part.blocks.data != nullptr) {
      dequantize(part.type, part.blocks.data, part.cols, values.data());
    } else {
      part.readRows(0, 1, values.data());
    }
    for (std::int64_t i = 0; i < part.cols; ++i) ordered[static_cast<std::size_t>(i)] = values[static_cast<std::size_t>(sourceRow(i, part.cols, heads))];
    std::vector<std::byte> bytes(Tensor{part.type, 1, part.cols}.bytes());
    quantize(part.type, ordered.data(), part.cols, bytes.data());
    return sink(bytes.data(), bytes.size());
  }

  const Checkpoint& source_;
  const Family& family_;
  std::span<const LayerConfig> layers_;
  std::map<std::string, const ExportTensor*> byName_;
  GgufFile file_;
  std::vector<Item> items_;  ///< beside file_.tensors
};

}  // namespace

TensorType typeThatFits(TensorType wanted, std::int64_t cols) { return cols % info(wanted).blockValues == 0 ? wanted : TensorType::F16; }

std::vector<ExportTensor> exportTensors(const Checkpoint& source, std::optional<TensorType> type) {
  std::vector<ExportTensor> out;
  for (const auto& [name, tensor] : source.tensors) {
    const bool vector = tensor.rows == 1;
    const float added = name.ends_with("norm.weight") && source.config.norm == NormKind::RmsPlusOne ? 1.0f : 0.0f;
    ExportTensor one{name, tensor.rows, tensor.cols, vector ? TensorType::F32 : type ? typeThatFits(*type, tensor.cols) : tensor.type, {}, {}};
    if (one.type == tensor.type && added == 0.0f) {
      one.blocks = tensor;
    } else {
      one.readRows = [tensor = tensor, added](std::int64_t first, std::int64_t count, float* values) {
        dequantize(tensor.type, tensor.row(first), count * tensor.cols, values);
        for (std::int64_t i = 0; added != 0.0f && i < count * tensor.cols; ++i) values[i] += added;
      };
    }
    out.push_back(std::move(one));
  }
  return out;
}

Result<void> exportGguf(const std::filesystem::path& path, const Checkpoint& source, const std::vector<ExportTensor>& tensors, std::stop_token stop,
                        std::span<const LayerConfig> layers) {
  return Exporter(source, tensors, layers).write(path, std::move(stop));
}

}  // namespace ts
