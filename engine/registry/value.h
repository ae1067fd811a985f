// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "engine/core/result.h"

namespace ts {

/// The value of one strategy parameter.
using Value = std::variant<bool, std::int64_t, double, std::string>;

/// The shortest text that reads back as the same value ("true", "4", "0.2", "model").
std::string toText(const Value& value);

/// Every parameter of one strategy with its value, defaults filled in: what a strategy's factory is given.
/// Asking for a name the descriptor does not declare is a bug (assertion), not an input error.
class Settings {
 public:
  explicit Settings(std::map<std::string, Value> values = {}) : values_(std::move(values)) {}

  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;  ///< integers are widened
  const std::string& text(std::string_view name) const;

  const std::map<std::string, Value>& values() const { return values_; }

 private:
  const Value& at(std::string_view name) const;
  std::map<std::string, Value> values_;
};

/// One strategy as a user wrote it: an id and the parameters that were given. `awq:bits=4,group=64`.
struct StrategySpec {
  std::string id;
  std::map<std::string, Value> values;

  bool operator==(const StrategySpec&) const = default;
};

/// `id` or `id:name=value,name=value`. Values read as bool, integer, real, else text; the registry checks them later.
Result<StrategySpec> parseStrategy(std::string_view text, std::string_view where);
std::string toText(const StrategySpec& spec);

}  // namespace ts
