// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string_view>
#include <vector>

namespace ts {

/// Turns one word (or a whole text, where nothing splits it) into ids. Immutable and thread-safe.
class TokenModel {
 public:
  virtual ~TokenModel() = default;
  virtual void encode(std::string_view word, std::vector<int>& out) const = 0;
};

}  // namespace ts
