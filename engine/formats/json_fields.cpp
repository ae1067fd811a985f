// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/json_fields.h"

#include <cmath>
#include <limits>

#include "engine/core/mapped_file.h"
#include "engine/formats/byte_reader.h"

namespace ts {
namespace {

using Json = nlohmann::json;

std::string shown(const Json& value) {
  if (value.is_structured()) return value.is_array() ? "a list" : "an object";
  return shortText(value.dump(-1, ' ', true, Json::error_handler_t::replace), 60);
}

std::string range(double least, double most) {
  char text[96];
  std::snprintf(text, sizeof text, "from %.6g to %.6g", least, most);
  return text;
}

}  // namespace

const Json* JsonFields::find(std::string_view key) const {
  const auto it = object_.find(std::string(key));
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

tl::unexpected<Error> JsonFields::expected(std::string_view key, const std::string& what) const {
  const Json* value = find(key);
  return fail("expected \"" + std::string(key) + "\" to be " + what + (value == nullptr ? ", it is missing" : ", found " + shown(*value)), place_);
}

Result<std::int64_t> JsonFields::integer(std::string_view key, std::int64_t least, std::int64_t most, std::optional<std::int64_t> otherwise) const {
  const Json* value = find(key);
  if (value == nullptr && otherwise) return *otherwise;
  const std::string what = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (value == nullptr || !value->is_number_integer()) return expected(key, what);
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return expected(key, what);
  const auto number = value->get<std::int64_t>();
  if (number < least || number > most) return expected(key, what);
  return number;
}

Result<double> JsonFields::number(std::string_view key, double least, double most, std::optional<double> otherwise) const {
  const Json* value = find(key);
  if (value == nullptr && otherwise) return *otherwise;
  if (value == nullptr || !value->is_number()) return expected(key, "a number " + range(least, most));
  const double number = value->get<double>();
  if (!(number >= least && number <= most)) return expected(key, "a number " + range(least, most));
  return number;
}

Result<bool> JsonFields::truth(std::string_view key, std::optional<bool> otherwise) const {
  const Json* value = find(key);
  if (value == nullptr && otherwise) return *otherwise;
  if (value == nullptr || !value->is_boolean()) return expected(key, "true or false");
  return value->get<bool>();
}

Result<std::string> JsonFields::text(std::string_view key, std::optional<std::string> otherwise) const {
  const Json* value = find(key);
  if (value == nullptr && otherwise) return *std::move(otherwise);
  if (value == nullptr || !value->is_string()) return expected(key, "a text");
  return value->get<std::string>();
}

Result<std::vector<double>> JsonFields::numbers(std::string_view key, double least, double most) const {
  const Json* value = find(key);
  const std::string what = "a list of numbers " + range(least, most);
  if (value == nullptr || !value->is_array()) return expected(key, what);
  std::vector<double> out;
  for (const Json& item : *value) {
    if (!item.is_number() || !(item.get<double>() >= least && item.get<double>() <= most)) return expected(key, what);
    out.push_back(item.get<double>());
  }
  return out;
}

Result<std::vector<std::string>> JsonFields::texts(std::string_view key, std::size_t most) const {
  const Json* value = find(key);
  const std::string what = "a list of at most " + std::to_string(most) + " texts";
  if (value == nullptr || !value->is_array() || value->size() > most) return expected(key, what);
  std::vector<std::string> out;
  for (const Json& item : *value) {
    if (!item.is_string()) return expected(key, what);
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<JsonFields> JsonFields::child(std::string_view key) const {
  const Json* value = find(key);
  if (value == nullptr || !value->is_object()) return expected(key, "an object");
  return JsonFields(*value, place_ + ", \"" + std::string(key) + "\"");
}

Result<void> checkJsonDepth(std::string_view text, const std::filesystem::path& path) {
  constexpr int kDeepest = 100;
  int depth = 0;
  bool inString = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (inString) {
      at += c == '\\';
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return fail("expected JSON nested at most " + std::to_string(kDeepest) + " deep", placeIn(path, at));
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return {};
}

Result<JsonFields> parseJsonObject(std::string_view text, const std::filesystem::path& path) {
  TS_CHECK(checkJsonDepth(text, path));
  try {
    Json json = Json::parse(text);
    if (!json.is_object()) return fail("expected a JSON object", placeIn(path, 0));
    return JsonFields(std::move(json), path.string());
  } catch (const Json::parse_error& error) {
    return fail("expected JSON, cannot read on here", placeIn(path, error.byte > 0 ? error.byte - 1 : 0));
  } catch (const Json::exception&) {  // a number that no double can hold
    return fail("expected JSON with ordinary numbers", path.string());
  }
}

Result<JsonFields> readJsonObject(const std::filesystem::path& path, std::size_t limit) {
  TS_TRY(const std::string text, readTextFile(path, limit));
  return parseJsonObject(text, path);
}

}  // namespace ts
