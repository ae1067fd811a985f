// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace ts {

/// "model.gguf @ byte 24": where in a file something is.
inline std::string placeIn(const std::filesystem::path& path, std::uint64_t offset) {
  return path.string() + " @ byte " + std::to_string(offset);
}

/// A name out of an untrusted file, in quotes: shortened, everything but printable ASCII as \xNN. Safe in a message, a
/// log and JSON.
std::string inQuotes(std::string_view text);

/// Valid UTF-8 of at most `limit` bytes out of an untrusted text; broken bytes become U+FFFD, more text becomes "…".
std::string shortText(std::string_view text, std::size_t limit);

/// a * b, or false when it does not fit.
inline bool multiplied(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product);
}

/// Reads little-endian values one after another and never past the end.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::filesystem::path path) : bytes_(bytes), path_(std::move(path)) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t left() const { return bytes_.size() - offset_; }
  std::string place() const { return placeIn(path_, offset_); }
  std::string placeAt(std::uint64_t offset) const { return placeIn(path_, offset); }

  template <class T>
  Result<T> read(std::string_view what) {
    static_assert(std::is_trivially_copyable_v<T>);
    TS_CHECK(expect(sizeof(T), what));
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof(T));
    offset_ += sizeof(T);
    return value;
  }

  /// `length` bytes as a view into the file.
  Result<std::string_view> text(std::uint64_t length, std::string_view what) {
    TS_CHECK(expect(length, what));
    const std::string_view view(reinterpret_cast<const char*>(bytes_.data()) + offset_, static_cast<std::size_t>(length));
    offset_ += length;
    return view;
  }

  Result<void> expect(std::uint64_t length, std::string_view what) const {
    if (length <= left()) return {};
    return fail("expected " + std::string(what) + " of " + std::to_string(length) + " bytes, the file ends after " +
                    std::to_string(left()) + " (it has " + std::to_string(bytes_.size()) + ")",
                place());
  }

 private:
  std::span<const std::byte> bytes_;
  std::filesystem::path path_;
  std::uint64_t offset_ = 0;
};

}  // namespace ts
