// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ts {

inline constexpr std::uint32_t kGgufMagic = 0x46554747;  ///< "GGUF", little-endian

/// What llama.cpp has no word for goes into a GGUF of our own: its architecture has this before the family's name, so
/// that other programs refuse it instead of misreading it, its tensors outside of the family's table are called
/// "tradespace." + canonical name, and layers may differ in heads and neurons.
inline constexpr std::string_view kOwnArchitecture = "tradespace-";
inline constexpr std::string_view kOwnTensor = "tradespace.";
inline constexpr std::string_view kOwnGroups = "tradespace.query_to_kv";  ///< of all layers' query heads, one after another

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
