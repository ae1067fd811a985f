// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/core/result.h"

namespace ts {

/// The JSON header of a safetensors file, as written: nothing is checked against the file yet.
struct SafeTensorsHeader {
  struct Entry {
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::vector<std::uint64_t> offsets;
    std::uint64_t at = 0;  ///< position in the header, for messages
  };
  std::vector<std::pair<std::string, Entry>> entries;
  std::map<std::string, std::string> metadata;
};

/// Parses event by event, so that a hostile header takes no more memory than its own size suggests. Errors name `place`
/// plus the position in the text: broken JSON, unknown fields, fields or names given twice, wrong kinds of values.
Result<SafeTensorsHeader> parseSafeTensorsHeader(std::string_view text, const std::string& file);

}  // namespace ts
