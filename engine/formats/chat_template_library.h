// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/formats/chat_template_value.h"

namespace ts::chat {

/// Arguments of a call, evaluated.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  /// The argument at `index` or called `name`; undefined if neither was given.
  Value get(std::size_t index, std::string_view name = {}) const;
};

Value applyFilter(const std::string& name, const Value& value, const Arguments& arguments);
bool applyTest(const std::string& name, const Value& value, const Arguments& arguments);
/// A method of a string, list or dictionary.
Value callMethod(const Value& value, const std::string& name, const Arguments& arguments);
Value applyBinary(const std::string& op, const Value& left, const Value& right);
Value indexValue(const Value& value, const Value& index);
Value sliceValue(const Value& value, const Value& from, const Value& to, const Value& step);
std::vector<Value> itemsOf(const Value& value);  ///< what a for loop walks over

}  // namespace ts::chat
