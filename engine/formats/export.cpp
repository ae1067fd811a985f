// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/export.h"

#include <algorithm>
#include <map>

#include "engine/formats/byte_reader.h"
#include "engine/formats/export_metadata.h"
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
  Exporter(const Checkpoint& source, const std::vector<ExportTensor>& tensors) : source_(source), family_(*familyOf(source.config)) {
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
    TS_CHECK(addAll());
    file_.metadata["general.file_type"] = fileType(dominant()).value_or(1);
    return writeGguf(path, file_, [&](std::size_t index, const GgufSink& sink) { return put(index, sink, stop); });
  }

 private:
  Result<void> addAll() {
    for (const TensorNames& names : family_.outer)
      for (const std::string ending : {".weight", ".bias"}) TS_CHECK(add(names, "", "", ending));
    for (int layer = 0; layer < source_.config.layerCount(); ++layer) {
      const std::string number = std::to_string(layer) + ".";
      for (const TensorNames& names : family_.layers)
        for (const std::string ending : {".weight", ".bias"}) TS_CHECK(add(names, "layers." + number, "blk." + number, ending));
    }
    if (!byName_.empty())
      return fail(ErrorKind::Unsupported, "expected tensors a " + std::string(family_.title) + " model has, found " + inQuotes(byName_.begin()->first) + " too",
                  source_.path.string());
    return {};
  }

  void addOwned(GgufTensor tensor) {
    file_.tensors.push_back(std::move(tensor));
    items_.push_back({});
  }

  Result<void> add(const TensorNames& names, const std::string& from, const std::string& to, const std::string& ending) {
    std::vector<std::string> parts{std::string(names.canonical)};
    if (names.canonical == "qkv") parts = {"q", "k", "v"};
    if (names.canonical == "gate_up") parts = {"gate", "up"};
    Item item;
    std::int64_t rows = 0, values = 0;
    for (const std::string& part : parts) {
      const auto it = byName_.find(from + part + ending);
      if (it == byName_.end()) continue;
      item.parts.push_back(it->second);
      rows += it->second->rows;
      values += it->second->cols;
      byName_.erase(it);
    }
    if (item.parts.empty()) return {};
    const ExportTensor& first = *item.parts.front();
    if (item.parts.size() != parts.size()) return fail(ErrorKind::InvalidInput, "expected all of the fused projections beside " + inQuotes(first.name), source_.path.string());
    for (const ExportTensor* part : item.parts) TS_CHECK(check(*part, first));
    GgufTensor entry{to + std::string(names.gguf) + ending, {}, {first.type, rows, first.cols}};
    if (ending == ".bias" || names.canonical.ends_with("norm")) {
      entry.tensor.rows = 1;
      entry.tensor.cols = values;
      entry.dimensions = {static_cast<std::uint64_t>(values)};
    } else {
      entry.dimensions = {static_cast<std::uint64_t>(first.cols), static_cast<std::uint64_t>(rows)};
    }
    const bool permute = family_.ggufInterleaved && !source_.config.ropes.front().interleaved;
    if (permute && names.canonical == "q") item.permutedHeads = source_.config.heads;
    if (permute && names.canonical == "k") item.permutedHeads = source_.config.kvHeads;
    file_.tensors.push_back(std::move(entry));
    items_.push_back(std::move(item));
    return {};
  }

  Result<void> check(const ExportTensor& part, const ExportTensor& first) const {
    const std::string which = "tensor " + inQuotes(part.name);
    if (part.cols % info(part.type).blockValues != 0)
      return fail(ErrorKind::Unsupported, "expected rows of " + which + " that are a multiple of " + std::to_string(info(part.type).blockValues) + " values (" +
                                              std::string(info(part.type).name) + "), found " + std::to_string(part.cols));
    if (part.type != first.type || (part.rows > 1 && part.cols != first.cols))
      return fail(ErrorKind::Unsupported, "expected " + which + " of the same type as " + inQuotes(first.name) + ": GGUF stores them as one tensor");
    if (part.blocks.data == nullptr && !canQuantize(part.type))
      return fail(ErrorKind::Unsupported, "expected a type that can be written (F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1) for " + which + ", found " +
                                              std::string(info(part.type).name));
    if (const Tensor* original = source_.find(part.name); original != nullptr && (original->rows != part.rows || original->cols != part.cols))
      return fail(ErrorKind::Unsupported, "expected " + which + " as large as in the model it came from (" + std::to_string(original->rows) + " x " +
                                              std::to_string(original->cols) + "), found " + std::to_string(part.rows) + " x " + std::to_string(part.cols) +
                                              ": GGUF has one shape for all layers, and cannot hold a structurally pruned model");
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

Result<void> exportGguf(const std::filesystem::path& path, const Checkpoint& source, const std::vector<ExportTensor>& tensors, std::stop_token stop) {
  return Exporter(source, tensors).write(path, std::move(stop));
}

}  // namespace ts
