// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/chat_template_value.h"

#include <cassert>
#include <charconv>
#include <cmath>

namespace ts::chat {

namespace {

constexpr int kDeepest = 32;  // nested lists, when written out: a list can be put into itself

std::string realText(double d) {
  if (std::floor(d) == d && std::abs(d) < 1e15) return std::to_string(static_cast<std::int64_t>(d)) + ".0";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, d).ptr;
  return std::string(buffer, end);
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          constexpr char digits[] = "0123456789abcdef";
          out += std::string("\\u00") + digits[c >> 4] + digits[c & 15];
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

thread_local Arena* currentArena = nullptr;

}  // namespace

Arena::Arena() : outer_(currentArena) { currentArena = this; }
Arena::~Arena() { currentArena = outer_; }
Arena& Arena::current() {
  assert(currentArena);
  return *currentArena;
}
void Arena::charge(std::size_t bytes) {
  charged_ += bytes;
  if (charged_ > kMostBytes) throw TemplateError("the template uses more than 256 MiB");
}
void Arena::spend(std::size_t work) {
  spent_ += work;
  if (spent_ > kMostWork) throw TemplateError("the template does not come to an end");
}
List* Arena::keep(List list) {
  charge(sizeof(List) + list.size() * sizeof(Value));
  return &lists_.emplace_back(std::move(list));
}
Dict* Arena::keep(Dict dict) {
  charge(sizeof(Dict) + dict.size() * sizeof(Dict::value_type));
  return &dicts_.emplace_back(std::move(dict));
}

Value::Value(std::string s) {
  Arena::current().charge(sizeof(std::string) + s.size());
  v_ = std::make_shared<const std::string>(std::move(s));
}
Value::Value(List l) : v_(Arena::current().keep(std::move(l))) {}
Value::Value(Dict d) : v_(Arena::current().keep(std::move(d))) {}

const char* Value::typeName() const {
  constexpr const char* names[] = {"undefined", "none", "boolean", "integer", "float", "string", "list", "dictionary", "macro"};
  return names[v_.index()];
}

const std::string& Value::text() const {
  if (!isText()) throw TemplateError(std::string("a string was expected, not a ") + typeName());
  const std::string& text = *std::get<Text>(v_);
  Arena::current().spend(text.size() / 64);
  return text;
}
List& Value::list() const {
  if (!isList()) throw TemplateError(std::string("a list was expected, not a ") + typeName());
  return *std::get<List*>(v_);
}
Dict& Value::dict() const {
  if (!isDict()) throw TemplateError(std::string("a dictionary was expected, not a ") + typeName());
  return *std::get<Dict*>(v_);
}
const Macro& Value::macro() const {
  if (!isMacro()) throw TemplateError(std::string("a ") + typeName() + " cannot be called");
  return *std::get<std::shared_ptr<const Macro>>(v_);
}
std::int64_t Value::integer() const {
  if (isBool()) return std::get<bool>(v_);
  if (!isInteger()) throw TemplateError(std::string("an integer was expected, not a ") + typeName());
  return std::get<std::int64_t>(v_);
}
double Value::real() const { return isReal() ? std::get<double>(v_) : static_cast<double>(integer()); }

bool Value::truth() const {
  if (isBool()) return std::get<bool>(v_);
  if (isInteger()) return std::get<std::int64_t>(v_) != 0;
  if (isReal()) return std::get<double>(v_) != 0;
  if (isText()) return !text().empty();
  if (isList()) return !list().empty();
  if (isDict()) return !dict().empty();
  return isMacro();
}

std::string Value::toText() const {
  if (isUndefined()) return "";
  if (isNone()) return "None";
  if (isBool()) return truth() ? "True" : "False";
  if (isInteger()) return std::to_string(std::get<std::int64_t>(v_));
  if (isReal()) return realText(std::get<double>(v_));
  if (isText()) return text();
  return toJson();
}

std::string Value::toJson(int indent, int depth) const {
  if (depth > kDeepest) throw TemplateError("a value is nested too deep to be written out");
  const std::string line = indent < 0 ? "" : "\n" + std::string(static_cast<std::size_t>(indent) * (static_cast<std::size_t>(depth) + 1), ' ');
  const std::string lastLine = indent < 0 ? "" : "\n" + std::string(static_cast<std::size_t>(indent) * static_cast<std::size_t>(depth), ' ');
  const std::string comma = indent < 0 ? ", " : ",";
  if (isUndefined() || isNone()) return "null";
  if (isBool()) return truth() ? "true" : "false";
  if (isNumber()) return toText();
  if (isText()) return quoted(text());
  std::string out;
  const auto join = [&](const std::string& item) {
    Arena::current().charge(item.size());
    out += (out.empty() ? "" : comma) + line + item;
  };
  if (isList()) {
    for (const Value& v : list()) join(v.toJson(indent, depth + 1));
    return out.empty() ? "[]" : "[" + out + lastLine + "]";
  }
  if (isDict()) {
    for (const auto& [key, v] : dict()) join(quoted(key) + ": " + v.toJson(indent, depth + 1));
    return out.empty() ? "{}" : "{" + out + lastLine + "}";
  }
  throw TemplateError("a macro cannot be written out");
}

Value Value::member(std::string_view name) const {
  if (!isDict()) return {};
  Arena::current().spend(dict().size());
  for (const auto& [key, value] : dict())
    if (key == name) return value;
  return {};
}

void Value::setMember(const std::string& name, Value value) const {
  Arena::current().spend(dict().size());
  for (auto& [key, old] : dict()) {
    if (key != name) continue;
    old = std::move(value);
    return;
  }
  Arena::current().charge(sizeof(Dict::value_type) + name.size());
  dict().emplace_back(name, std::move(value));
}

bool Value::operator==(const Value& o) const {
  Arena::current().spend(1);
  if (isNumber() && o.isNumber()) return real() == o.real();
  if (v_.index() != o.v_.index()) return false;
  if (isText()) return text() == o.text();
  // Containers are equal if they are written alike; that also ends where a list contains itself.
  if (isList()) return &list() == &o.list() || (list().size() == o.list().size() && toJson() == o.toJson());
  if (isDict()) return &dict() == &o.dict() || (dict().size() == o.dict().size() && toJson() == o.toJson());
  if (isMacro()) return &macro() == &o.macro();
  return true;
}

bool Value::operator<(const Value& o) const {
  if (isNumber() && o.isNumber()) return real() < o.real();
  if (isText() && o.isText()) return text() < o.text();
  throw TemplateError(std::string("a ") + typeName() + " and a " + o.typeName() + " have no order");
}

}  // namespace ts::chat
