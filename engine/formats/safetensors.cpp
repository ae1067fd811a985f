// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/core/mapped_file.h"
#include "engine/formats/byte_reader.h"
#include "engine/formats/json_fields.h"
#include "engine/formats/safetensors_header.h"

namespace ts {
namespace {

constexpr std::uint64_t kMostHeaderBytes = 100'000'000;  ///< the bound of the format's own implementation

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
  std::optional<TensorType> type;
};
constexpr std::array<Dtype, 14> kDtypes{{
    {"F32", 4, TensorType::F32}, {"F16", 2, TensorType::F16}, {"BF16", 2, TensorType::BF16},
    {"F64", 8, {}}, {"I64", 8, {}}, {"U64", 8, {}}, {"I32", 4, {}}, {"U32", 4, {}}, {"I16", 2, {}}, {"U16", 2, {}},
    {"I8", 1, {}}, {"U8", 1, {}}, {"BOOL", 1, {}}, {"F8_E4M3", 1, {}},
}};

const Dtype* dtypeNamed(std::string_view name) {
  const auto it = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& d) { return d.name == name; });
  return it == kDtypes.end() ? nullptr : &*it;
}

/// Checks one entry against its own shape and the data's size, and makes a tensor of it.
Result<SafeTensor> tensorOf(const std::string& name, const SafeTensorsHeader::Entry& entry, std::span<const std::byte> data,
                            const std::shared_ptr<const void>& owner, const std::filesystem::path& path) {
  const std::string which = "tensor " + inQuotes(name);
  const std::string place = placeIn(path, entry.at);
  if (entry.offsets.size() != 2 || entry.offsets[0] > entry.offsets[1] || entry.offsets[1] > data.size())
    return fail("expected \"data_offsets\" of " + which + " to be a range within the file's " + std::to_string(data.size()) +
                    " data bytes (is the file complete?)",
                place);
  SafeTensor out;
  out.dtype = entry.dtype;
  out.shape = entry.shape;
  const Dtype* dtype = dtypeNamed(entry.dtype);
  if (dtype == nullptr) return out;  // a type of the future: harmless unless the model needs the tensor
  std::uint64_t values = 1, bytes = 0;
  for (const std::uint64_t d : entry.shape)
    if (!multiplied(values, d, values)) return fail("expected a shape of " + which + " that this file can hold", place);
  if (!multiplied(values, dtype->bytes, bytes) || bytes != entry.offsets[1] - entry.offsets[0])
    return fail("expected " + std::to_string(values) + " values of " + entry.dtype + " for " + which + ", \"data_offsets\" spans " +
                    std::to_string(entry.offsets[1] - entry.offsets[0]) + " bytes",
                place);
  if (!dtype->type || values == 0) return out;
  out.readable = true;
  out.tensor.type = *dtype->type;
  out.tensor.cols = static_cast<std::int64_t>(entry.shape.empty() ? 1 : entry.shape.back());
  out.tensor.rows = static_cast<std::int64_t>(values) / out.tensor.cols;
  out.tensor.data = data.data() + entry.offsets[0];
  out.tensor.owner = owner;
  return out;
}

Result<void> checkApart(const SafeTensorsHeader& header, const std::filesystem::path& path) {
  std::vector<const std::pair<std::string, SafeTensorsHeader::Entry>*> order;
  for (const auto& entry : header.entries) order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->second.offsets < b->second.offsets; });
  std::uint64_t end = 0;
  for (const auto* entry : order) {
    if (entry->second.offsets[0] == entry->second.offsets[1]) continue;
    if (entry->second.offsets[0] < end)
      return fail("expected tensors that do not overlap, tensor " + inQuotes(entry->first) + " does", placeIn(path, entry->second.at));
    end = entry->second.offsets[1];
  }
  return {};
}

Result<void> addFile(const std::filesystem::path& path, SafeTensorsFolder& folder) {
  TS_TRY(auto file, readSafeTensors(path));
  folder.fileBytes += file.fileBytes;
  ++folder.files;
  for (auto& [name, tensor] : file.tensors)
    if (!folder.tensors.emplace(name, std::move(tensor)).second)
      return fail("expected each tensor in one shard, found " + inQuotes(name) + " again", path.string());
  return {};
}

Result<void> addShards(const std::filesystem::path& index, SafeTensorsFolder& folder) {
  TS_TRY(const std::string text, readTextFile(index, std::size_t{64} << 20));
  TS_CHECK(checkJsonDepth(text, index));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object())
    return fail("expected a JSON object with \"weight_map\", the shard of each tensor", index.string());
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [name, file] : json["weight_map"].items()) {
    const std::string shard = file.is_string() ? file.get<std::string>() : "";
    if (shard.empty() || shard.find('/') != std::string::npos || shard.find('\0') != std::string::npos || shard == "." || shard == "..")
      return fail("expected the plain name of a file for tensor " + inQuotes(name) + ", found " + inQuotes(shard), index.string());
    shards[shard].push_back(name);
  }
  for (const auto& [shard, names] : shards) {
    const auto path = index.parent_path() / shard;
    TS_CHECK(addFile(path, folder));
    for (const std::string& name : names)
      if (!folder.tensors.contains(name)) return fail("expected tensor " + inQuotes(name) + ", as " + index.filename().string() + " says", path.string());
  }
  return {};
}

}  // namespace

Result<SafeTensorsFile> readSafeTensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& path) {
  ByteReader in(bytes, path);
  TS_TRY(const auto headerBytes, in.read<std::uint64_t>("the length of the safetensors header"));
  if (headerBytes > in.left() || headerBytes > kMostHeaderBytes)
    return fail("expected a header of at most " + std::to_string(std::min(in.left(), kMostHeaderBytes)) + " bytes, found a length of " +
                    std::to_string(headerBytes) + " (is this a complete safetensors file?)",
                placeIn(path, 0));
  TS_TRY(const auto text, in.text(headerBytes, "the safetensors header"));
  if (text.empty() || text.front() != '{') return fail("expected the header to start with \"{\"", placeIn(path, 8));
  TS_TRY(const auto header, parseSafeTensorsHeader(text, path.string()));

  SafeTensorsFile file;
  file.path = path;
  file.fileBytes = bytes.size();
  file.metadata = header.metadata;
  const auto data = bytes.subspan(in.offset());
  for (const auto& [name, entry] : header.entries) {
    TS_TRY(SafeTensor tensor, tensorOf(name, entry, data, owner, path));
    file.tensors.emplace(name, std::move(tensor));
  }
  TS_CHECK(checkApart(header, path));
  return file;
}

Result<SafeTensorsFile> readSafeTensors(const std::filesystem::path& path) {
  TS_TRY(const auto file, MappedFile::open(path));
  return readSafeTensors(file->bytes(), file, path);
}

Result<SafeTensorsFolder> readSafeTensorsFolder(const std::filesystem::path& folder) {
  SafeTensorsFolder out;
  std::error_code ignored;
  if (const auto index = folder / "model.safetensors.index.json"; std::filesystem::exists(index, ignored)) {
    TS_CHECK(addShards(index, out));
    return out;
  }
  if (const auto single = folder / "model.safetensors"; std::filesystem::exists(single, ignored)) {
    TS_CHECK(addFile(single, out));
    return out;
  }
  std::vector<std::filesystem::path> others;
  bool pickled = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".safetensors") others.push_back(entry.path());
    if (entry.path().extension() == ".bin" || entry.path().extension() == ".pt") pickled = true;
  }
  if (others.size() != 1)
    return fail(std::string("expected model.safetensors or model.safetensors.index.json in the folder") +
                    (pickled ? "; its weights are in PyTorch's own format, which can run code: convert them to safetensors first" : ""),
                folder.string());
  TS_CHECK(addFile(others.front(), out));
  return out;
}

}  // namespace ts
