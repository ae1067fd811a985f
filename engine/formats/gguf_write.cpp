// SPDX-License-Identifier: GPL-3.0-or-later
#include <cassert>
#include <limits>

#include "engine/formats/atomic_file.h"
#include "engine/formats/gguf.h"
#include "engine/formats/gguf_types.h"

namespace ts {
namespace {

constexpr std::uint64_t kDefaultAlignment = 32;

/// The header grows in memory (a few megabytes of vocabulary at most); tensor data goes straight to the file.
class Header {
 public:
  template <class T>
  void put(T value) {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    out_.append(bytes, sizeof(T));
  }
  void string(std::string_view text) {
    put<std::uint64_t>(text.size());
    out_.append(text);
  }
  void number(GgufType type, std::int64_t value) {
    switch (type) {
      case GgufType::Uint8:
      case GgufType::Int8:
      case GgufType::Bool: return put(static_cast<std::uint8_t>(value));
      case GgufType::Uint16:
      case GgufType::Int16: return put(static_cast<std::uint16_t>(value));
      case GgufType::Uint32:
      case GgufType::Int32: return put(static_cast<std::uint32_t>(value));
      default: return put(value);
    }
  }
  void number(GgufType type, double value) { type == GgufType::Float64 ? put(value) : put(static_cast<float>(value)); }
  void pad(std::uint64_t alignment) { out_.resize((out_.size() + alignment - 1) / alignment * alignment, '\0'); }
  const std::string& bytes() const { return out_; }

 private:
  std::string out_;
};

bool fits(GgufType type, std::int64_t v) {
  switch (type) {
    case GgufType::Uint8: return v >= 0 && v <= 0xFF;
    case GgufType::Int8: return v >= -0x80 && v <= 0x7F;
    case GgufType::Bool: return v == 0 || v == 1;
    case GgufType::Uint16: return v >= 0 && v <= 0xFFFF;
    case GgufType::Int16: return v >= -0x8000 && v <= 0x7FFF;
    case GgufType::Uint32: return v >= 0 && v <= 0xFFFFFFFFll;
    case GgufType::Int32: return v >= std::numeric_limits<std::int32_t>::min() && v <= std::numeric_limits<std::int32_t>::max();
    case GgufType::Uint64: return v >= 0;
    case GgufType::Int64: return true;
    default: return false;
  }
}

GgufType typeFor(std::int64_t value) {
  for (const GgufType type : {GgufType::Uint32, GgufType::Int32})
    if (fits(type, value)) return type;
  return GgufType::Int64;
}

GgufType typeFor(const std::vector<std::int64_t>& values) {
  for (const std::int64_t v : values)
    if (!fits(GgufType::Int32, v)) return GgufType::Int64;
  return GgufType::Int32;
}

void putArray(Header& out, const GgufArray& array, const std::uint32_t* wanted) {
  out.put(static_cast<std::uint32_t>(GgufType::Array));
  const auto type = wanted != nullptr ? static_cast<GgufType>(*wanted) : GgufType::Array;
  if (const auto* texts = std::get_if<std::vector<std::string>>(&array.items)) {
    out.put(static_cast<std::uint32_t>(GgufType::String));
    out.put<std::uint64_t>(texts->size());
    for (const auto& text : *texts) out.string(text);
  } else if (const auto* reals = std::get_if<std::vector<double>>(&array.items)) {
    const GgufType stored = type == GgufType::Float64 ? type : GgufType::Float32;
    out.put(static_cast<std::uint32_t>(stored));
    out.put<std::uint64_t>(reals->size());
    for (const double v : *reals) out.number(stored, v);
  } else {
    const auto& numbers = std::get<std::vector<std::int64_t>>(array.items);
    bool keeps = wanted != nullptr;
    for (const std::int64_t v : numbers) keeps = keeps && fits(type, v);
    const GgufType stored = keeps ? type : typeFor(numbers);
    out.put(static_cast<std::uint32_t>(stored));
    out.put<std::uint64_t>(numbers.size());
    for (const std::int64_t v : numbers) out.number(stored, v);
  }
}

void putValue(Header& out, const GgufValue& value, const std::uint32_t* wanted) {
  if (const bool* truth = std::get_if<bool>(&value)) {
    out.put(static_cast<std::uint32_t>(GgufType::Bool));
    out.put(static_cast<std::uint8_t>(*truth));
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    const bool keeps = wanted != nullptr && static_cast<GgufType>(*wanted) != GgufType::Bool && fits(static_cast<GgufType>(*wanted), *integer);
    const GgufType stored = keeps ? static_cast<GgufType>(*wanted) : typeFor(*integer);
    out.put(static_cast<std::uint32_t>(stored));
    out.number(stored, *integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    const bool wide = wanted != nullptr && static_cast<GgufType>(*wanted) == GgufType::Float64;
    const GgufType stored = wide ? GgufType::Float64 : GgufType::Float32;
    out.put(static_cast<std::uint32_t>(stored));
    out.number(stored, *real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    out.put(static_cast<std::uint32_t>(GgufType::String));
    out.string(*text);
  } else {
    putArray(out, *std::get<std::shared_ptr<const GgufArray>>(value), wanted);
  }
}

}  // namespace

Result<void> writeGguf(const std::filesystem::path& path, const GgufFile& file, const GgufData& data) {
  const auto alignment = static_cast<std::uint64_t>(file.get<std::int64_t>("general.alignment").value_or(kDefaultAlignment));
  assert(alignment > 0);
  const auto padded = [&](std::uint64_t n) { return (n + alignment - 1) / alignment * alignment; };

  Header header;
  header.put(kGgufMagic);
  header.put<std::uint32_t>(3);
  header.put<std::uint64_t>(file.tensors.size());
  header.put<std::uint64_t>(file.metadata.size());
  for (const auto& [key, value] : file.metadata) {
    header.string(key);
    const auto type = file.valueTypes.find(key);
    putValue(header, value, type == file.valueTypes.end() ? nullptr : &type->second);
  }
  std::uint64_t offset = 0;
  for (const GgufTensor& entry : file.tensors) {
    header.string(entry.name);
    header.put(static_cast<std::uint32_t>(entry.dimensions.size()));
    for (const std::uint64_t d : entry.dimensions) header.put(d);
    header.put(info(entry.tensor.type).ggufId);
    header.put(offset);
    offset = padded(offset + entry.tensor.bytes());
  }
  header.pad(alignment);

  TS_TRY(AtomicFile out, AtomicFile::create(path));
  TS_CHECK(out.write(header.bytes().data(), header.bytes().size()));
  const std::string zeros(static_cast<std::size_t>(alignment), '\0');
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    const std::uint64_t bytes = file.tensors[i].tensor.bytes();
    std::uint64_t written = 0;
    TS_CHECK(data(i, [&](const std::byte* from, std::size_t count) {
      written += count;
      return out.write(from, count);
    }));
    assert(written == bytes);
    TS_CHECK(out.write(zeros.data(), padded(bytes) - bytes));
  }
  return out.commit();
}

Result<void> writeGguf(const std::filesystem::path& path, const GgufFile& file) {
  return writeGguf(path, file, [&](std::size_t index, const GgufSink& sink) {
    const Tensor& tensor = file.tensors[index].tensor;
    return sink(tensor.data, tensor.bytes());
  });
}

}  // namespace ts
