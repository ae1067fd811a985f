// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace ts {

/// Typed access to a JSON object of an untrusted file: every value has a range, every error names the file and the key.
/// A key that is absent or null takes the default; without a default it is an error.
class JsonFields {
 public:
  JsonFields(nlohmann::json object, std::string place) : object_(std::move(object)), place_(std::move(place)) {}

  bool has(std::string_view key) const { return find(key) != nullptr; }
  const nlohmann::json* find(std::string_view key) const;  ///< null when absent or null
  const nlohmann::json& object() const { return object_; }
  const std::string& place() const { return place_; }

  Result<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most, std::optional<std::int64_t> otherwise = {}) const;
  Result<double> number(std::string_view key, double least, double most, std::optional<double> otherwise = {}) const;
  Result<bool> truth(std::string_view key, std::optional<bool> otherwise = {}) const;
  Result<std::string> text(std::string_view key, std::optional<std::string> otherwise = {}) const;
  Result<std::vector<double>> numbers(std::string_view key, double least, double most) const;
  Result<std::vector<std::string>> texts(std::string_view key, std::size_t most) const;

  /// The object under `key`; the place of its errors says so.
  Result<JsonFields> child(std::string_view key) const;

 private:
  tl::unexpected<Error> expected(std::string_view key, const std::string& what) const;
  nlohmann::json object_;
  std::string place_;
};

/// Fails where a JSON text nests deeper than any file here has reason to: copying and writing a value recurse over it.
Result<void> checkJsonDepth(std::string_view text, const std::filesystem::path& place);

/// A JSON text whose top is an object. Errors: broken JSON (with the byte of `place`).
Result<JsonFields> parseJsonObject(std::string_view text, const std::filesystem::path& place);

/// A JSON file whose top is an object. Errors: unreadable, larger than `limit` bytes, broken JSON (with the byte).
Result<JsonFields> readJsonObject(const std::filesystem::path& path, std::size_t limit = std::size_t{16} << 20);

}  // namespace ts
