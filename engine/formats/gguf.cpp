// SPDX-License-Identifier: GPL-3.0-or-later
// Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#include "engine/formats/gguf.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <unordered_set>

#include "engine/core/mapped_file.h"
#include "engine/formats/byte_reader.h"
#include "engine/formats/gguf_types.h"

static_assert(std::endian::native == std::endian::little, "GGUF is read in place: little-endian machines only");

namespace ts {
namespace {

constexpr std::uint64_t kMostArrayElements = std::uint64_t{1} << 24;  ///< fifty times the largest vocabulary
constexpr std::uint32_t kMostDimensions = 4;

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& path)
      : bytes_(bytes), owner_(std::move(owner)), in_(bytes, path) {
    file_.path = path;
    file_.fileBytes = bytes.size();
  }

  Result<GgufFile> read() {
    TS_CHECK(header());
    for (std::uint64_t i = 0; i < valueCount_; ++i) TS_CHECK(keyAndValue());
    TS_CHECK(readAlignment());
    for (std::uint64_t i = 0; i < tensorCount_; ++i) TS_CHECK(tensorInfo());
    TS_CHECK(placeTensors());
    return std::move(file_);
  }

 private:
  Result<void> header() {
    TS_TRY(const auto magic, in_.read<std::uint32_t>("the GGUF magic number"));
    if (magic != kGgufMagic) return fail("expected a GGUF file (it starts with \"GGUF\")", in_.placeAt(0));
    TS_TRY(file_.version, in_.read<std::uint32_t>("the GGUF version"));
    if ((file_.version & 0xFFFFu) == 0)
      return fail(ErrorKind::Unsupported, "expected a little-endian GGUF file, this one is big-endian", in_.placeAt(4));
    if (file_.version != 2 && file_.version != 3)
      return fail(ErrorKind::Unsupported, "expected GGUF version 2 or 3, found " + std::to_string(file_.version), in_.placeAt(4));
    TS_TRY(tensorCount_, in_.read<std::uint64_t>("the number of tensors"));
    TS_TRY(valueCount_, in_.read<std::uint64_t>("the number of metadata values"));
    // The shortest tensor entry has 32 bytes (empty name, one dimension), the shortest value 13.
    if (tensorCount_ > in_.left() / 32)
      return fail("expected a number of tensors this file can hold, found " + std::to_string(tensorCount_), in_.placeAt(8));
    if (valueCount_ > in_.left() / 13)
      return fail("expected a number of metadata values this file can hold, found " + std::to_string(valueCount_), in_.placeAt(16));
    return {};
  }

  Result<std::string_view> string(std::string_view what) {
    TS_TRY(const auto length, in_.read<std::uint64_t>("the length of " + std::string(what)));
    return in_.text(length, what);
  }

  template <class Stored>
  Result<std::int64_t> integer() {
    const std::uint64_t at = in_.offset();
    TS_TRY(const auto value, in_.read<Stored>("an integer"));
    if constexpr (std::is_same_v<Stored, std::uint64_t>)
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return fail("expected an integer below 2^63, found " + std::to_string(value), in_.placeAt(at));
    return static_cast<std::int64_t>(value);
  }

  Result<std::int64_t> integerOf(GgufType type) {
    switch (type) {
      case GgufType::Uint8: return integer<std::uint8_t>();
      case GgufType::Int8: return integer<std::int8_t>();
      case GgufType::Uint16: return integer<std::uint16_t>();
      case GgufType::Int16: return integer<std::int16_t>();
      case GgufType::Uint32: return integer<std::uint32_t>();
      case GgufType::Int32: return integer<std::int32_t>();
      case GgufType::Uint64: return integer<std::uint64_t>();
      default: return integer<std::int64_t>();
    }
  }

  Result<bool> boolean() {
    const std::uint64_t at = in_.offset();
    TS_TRY(const auto value, in_.read<std::uint8_t>("a truth value"));
    if (value > 1) return fail("expected a truth value 0 or 1, found " + std::to_string(value), in_.placeAt(at));
    return value == 1;
  }

  Result<double> real(GgufType type) {
    if (type == GgufType::Float64) return in_.read<double>("a number");
    TS_TRY(const auto value, in_.read<float>("a number"));
    return static_cast<double>(value);
  }

  Result<void> keyAndValue() {
    const std::uint64_t at = in_.offset();
    TS_TRY(const auto keyView, string("a metadata key"));
    std::string key(keyView);
    if (file_.metadata.contains(key)) return fail("expected each metadata key once, found " + inQuotes(key) + " again", in_.placeAt(at));
    const std::uint64_t typeAt = in_.offset();
    TS_TRY(const auto type, in_.read<std::uint32_t>("the type of a metadata value"));
    GgufValue value;
    std::uint32_t stored = type;
    switch (static_cast<GgufType>(type)) {
      case GgufType::Bool: {
        TS_TRY(value, boolean());
        break;
      }
      case GgufType::String: {
        TS_TRY(const auto text, string("a metadata text"));
        value = std::string(text);
        break;
      }
      case GgufType::Float32:
      case GgufType::Float64: {
        TS_TRY(value, real(static_cast<GgufType>(type)));
        break;
      }
      case GgufType::Array: {
        TS_TRY(value, array(stored));
        break;
      }
      default: {
        if (type > static_cast<std::uint32_t>(GgufType::Last))
          return fail("expected a metadata type from 0 to 12 for " + inQuotes(key) + ", found " + std::to_string(type), in_.placeAt(typeAt));
        TS_TRY(value, integerOf(static_cast<GgufType>(type)));
      }
    }
    file_.valueTypes.emplace(key, stored);
    file_.metadata.emplace(std::move(key), std::move(value));
    return {};
  }

  Result<GgufValue> array(std::uint32_t& elementType) {
    const std::uint64_t at = in_.offset();
    TS_TRY(elementType, in_.read<std::uint32_t>("the type of an array's elements"));
    const auto type = static_cast<GgufType>(elementType);
    if (type == GgufType::Array) return fail(ErrorKind::Unsupported, "expected an array of plain values, found an array of arrays", in_.placeAt(at));
    if (elementType > static_cast<std::uint32_t>(GgufType::Last))
      return fail("expected an element type from 0 to 12, found " + std::to_string(elementType), in_.placeAt(at));
    const std::uint64_t countAt = in_.offset();
    TS_TRY(const auto count, in_.read<std::uint64_t>("the number of an array's elements"));
    if (count > kMostArrayElements || count > in_.left() / ggufTypeBytes(type))
      return fail("expected a number of elements this file can hold, found " + std::to_string(count), in_.placeAt(countAt));
    auto out = std::make_shared<GgufArray>();
    const auto n = static_cast<std::size_t>(count);
    if (type == GgufType::String) {
      auto& items = out->items.emplace<std::vector<std::string>>();
      items.reserve(n);
      for (std::size_t i = 0; i < n; ++i) {
        TS_TRY(const auto text, string("an array's text"));
        items.emplace_back(text);
      }
    } else if (type == GgufType::Float32 || type == GgufType::Float64) {
      auto& items = out->items.emplace<std::vector<double>>();
      items.reserve(n);
      for (std::size_t i = 0; i < n; ++i) {
        TS_TRY(const double number, real(type));
        items.push_back(number);
      }
    } else {
      auto& items = out->items.emplace<std::vector<std::int64_t>>();
      items.reserve(n);
      for (std::size_t i = 0; i < n; ++i) {
        if (type == GgufType::Bool) {
          TS_TRY(const bool truth, boolean());
          items.push_back(truth ? 1 : 0);
        } else {
          TS_TRY(const std::int64_t number, integerOf(type));
          items.push_back(number);
        }
      }
    }
    return GgufValue(std::shared_ptr<const GgufArray>(std::move(out)));
  }

  Result<void> readAlignment() {
    if (!file_.metadata.contains("general.alignment")) return {};
    const auto value = file_.get<std::int64_t>("general.alignment");
    if (!value || *value <= 0 || *value > (1 << 20) || !std::has_single_bit(static_cast<std::uint64_t>(*value)))
      return fail("expected general.alignment to be a power of two up to 1048576", file_.path.string());
    alignment_ = static_cast<std::uint64_t>(*value);
    return {};
  }

  Result<void> tensorInfo() {
    const std::uint64_t at = in_.offset();
    TS_TRY(const auto nameView, string("a tensor's name"));
    GgufTensor entry;
    entry.name = nameView;
    const std::string which = "tensor " + inQuotes(entry.name);
    if (!names_.insert(entry.name).second) return fail("expected each tensor once, found " + which + " again", in_.placeAt(at));
    const std::uint64_t dimensionsAt = in_.offset();
    TS_TRY(const auto dimensionCount, in_.read<std::uint32_t>("a tensor's number of dimensions"));
    if (dimensionCount < 1 || dimensionCount > kMostDimensions)
      return fail("expected 1 to 4 dimensions for " + which + ", found " + std::to_string(dimensionCount), in_.placeAt(dimensionsAt));
    std::uint64_t values = 1;
    for (std::uint32_t i = 0; i < dimensionCount; ++i) {
      const std::uint64_t dimensionAt = in_.offset();
      TS_TRY(const auto dimension, in_.read<std::uint64_t>("a tensor's dimension"));
      // A block of 256 values takes 84 bytes at the least: no dimension can exceed four values a byte.
      if (dimension == 0 || dimension > file_.fileBytes * 4 || !multiplied(values, dimension, values) || values > file_.fileBytes * 4)
        return fail("expected dimensions of " + which + " that this file can hold, found " + std::to_string(dimension), in_.placeAt(dimensionAt));
      entry.dimensions.push_back(dimension);
    }
    const std::uint64_t typeAt = in_.offset();
    TS_TRY(const auto typeId, in_.read<std::uint32_t>("a tensor's type"));
    const auto type = tensorTypeOfGguf(typeId);
    if (!type)
      return fail(ErrorKind::Unsupported,
                  "expected a tensor type that can be read here (F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K to Q6_K, "
                  "IQ4_NL, IQ4_XS) for " + which + ", found ggml type " + std::to_string(typeId),
                  in_.placeAt(typeAt));
    Tensor& tensor = entry.tensor;
    tensor.type = *type;
    tensor.cols = static_cast<std::int64_t>(entry.dimensions[0]);
    tensor.rows = static_cast<std::int64_t>(values / entry.dimensions[0]);
    if (tensor.cols % info(*type).blockValues != 0)
      return fail("expected a first dimension of " + which + " that is a multiple of " + std::to_string(info(*type).blockValues) +
                      " (" + std::string(info(*type).name) + "), found " + std::to_string(tensor.cols),
                  in_.placeAt(dimensionsAt + 4));
    const std::uint64_t offsetAt = in_.offset();
    TS_TRY(const auto offset, in_.read<std::uint64_t>("a tensor's offset"));
    if (offset % alignment_ != 0)
      return fail("expected the offset of " + which + " to be a multiple of " + std::to_string(alignment_) + ", found " + std::to_string(offset),
                  in_.placeAt(offsetAt));
    offsets_.push_back({offset, file_.tensors.size(), offsetAt});
    file_.tensors.push_back(std::move(entry));
    return {};
  }

  Result<void> placeTensors() {
    const std::uint64_t base = (in_.offset() + alignment_ - 1) / alignment_ * alignment_;
    std::sort(offsets_.begin(), offsets_.end(), [](const Placed& a, const Placed& b) { return a.offset < b.offset; });
    std::uint64_t end = 0;
    for (const Placed& placed : offsets_) {
      GgufTensor& entry = file_.tensors[placed.index];
      const std::uint64_t bytes = entry.tensor.bytes();
      if (base > bytes_.size() || placed.offset > bytes_.size() - base || bytes > bytes_.size() - base - placed.offset)
        return fail("expected " + std::to_string(bytes) + " bytes of tensor " + inQuotes(entry.name) + " from byte " +
                        std::to_string(base) + " + " + std::to_string(placed.offset) + ", the file has " + std::to_string(bytes_.size()) +
                        " (is it complete?)",
                    in_.placeAt(placed.entryAt));
      if (placed.offset < end) return fail("expected tensors that do not overlap, tensor " + inQuotes(entry.name) + " does", in_.placeAt(placed.entryAt));
      end = placed.offset + bytes;
      entry.tensor.data = bytes_.data() + base + placed.offset;
      entry.tensor.owner = owner_;
    }
    return {};
  }

  struct Placed {
    std::uint64_t offset;
    std::size_t index;
    std::uint64_t entryAt;  ///< where the offset is written in the file
  };

  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  ByteReader in_;
  GgufFile file_;
  std::uint64_t tensorCount_ = 0, valueCount_ = 0, alignment_ = 32;
  std::vector<Placed> offsets_;
  std::unordered_set<std::string> names_;
};

}  // namespace

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto it = std::find_if(tensors.begin(), tensors.end(), [&](const GgufTensor& t) { return t.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

Result<GgufFile> readGguf(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& path) {
  return Reader(bytes, std::move(owner), path).read();
}

Result<GgufFile> readGguf(const std::filesystem::path& path) {
  TS_TRY(const auto file, MappedFile::open(path));
  return readGguf(file->bytes(), file, path);
}

}  // namespace ts
