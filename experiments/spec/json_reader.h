// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace ts {

/// One value of a JSON document with its place in it, for messages: `FILE: groups[0].weights[2]`.
class JsonReader {
 public:
  JsonReader(const nlohmann::json& value, std::string file, std::string path = {})
      : value_(value), file_(std::move(file)), path_(std::move(path)) {}

  const nlohmann::json& value() const { return value_; }
  std::string where() const { return path_.empty() ? file_ : file_ + ": " + path_; }
  bool has(const char* key) const { return value_.contains(key); }
  JsonReader at(const char* key) const { return {value_.at(key), file_, path_.empty() ? key : path_ + "." + key}; }
  JsonReader at(std::size_t index) const {
    return {value_.at(index), file_, path_ + "[" + std::to_string(index) + "]"};
  }

  tl::unexpected<Error> expected(const std::string& what) const;
  Result<void> object(std::initializer_list<std::string_view> known) const;  ///< is one, with no other keys
  Result<std::string> text() const;
  Result<bool> boolean() const;
  Result<double> number(double minimum, double maximum) const;
  Result<std::int64_t> integer(std::int64_t minimum, std::int64_t maximum) const;

 private:
  const nlohmann::json& value_;
  std::string file_, path_;
};

/// Comments allowed. Errors tell line and column.
Result<nlohmann::json> parseJson(std::string_view text, const std::string& file);

}  // namespace ts
