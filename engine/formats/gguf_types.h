// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace ts {

inline constexpr std::uint32_t kGgufMagic = 0x46554747;  ///< "GGUF", little-endian

/// gguf_metadata_value_type
enum class GgufType : std::uint32_t {
  Uint8, Int8, Uint16, Int16, Uint32, Int32, Float32, Bool, String, Array, Uint64, Int64, Float64,
  Last = Float64,
};

/// Bytes of one value; of a string, its length field (the least it takes).
constexpr std::size_t ggufTypeBytes(GgufType type) {
  switch (type) {
    case GgufType::Uint8:
    case GgufType::Int8:
    case GgufType::Bool: return 1;
    case GgufType::Uint16:
    case GgufType::Int16: return 2;
    case GgufType::Uint32:
    case GgufType::Int32:
    case GgufType::Float32: return 4;
    case GgufType::Array: return 12;
    default: return 8;
  }
}

}  // namespace ts
