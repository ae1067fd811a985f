// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/chat_template_library.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "engine/formats/tokenizer_utf8.h"

namespace ts::chat {

namespace {

constexpr std::size_t kLongest = 16u << 20;  // bytes of one text

std::string mapped(std::string text, int (*f)(int)) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(f(c));
  return text;
}

std::string capitalized(std::string text) {
  text = mapped(std::move(text), std::tolower);
  if (!text.empty()) text[0] = mapped(text.substr(0, 1), std::toupper)[0];
  return text;
}

std::string titled(std::string text) {
  bool start = true;
  for (char& c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80) c = static_cast<char>(start ? std::toupper(u) : std::tolower(u));
    start = u < 0x80 && !std::isalnum(u);
  }
  return text;
}

std::string stripped(const std::string& text, const Value& characters, bool left, bool right) {
  const std::string set = characters.isText() ? characters.text() : " \t\n\r\f\v";
  std::size_t begin = left ? text.find_first_not_of(set) : 0;
  if (begin == std::string::npos) return "";
  const std::size_t last = right ? text.find_last_not_of(set) : text.size() - 1;
  return text.substr(begin, last == std::string::npos ? 0 : last - begin + 1);
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to, std::int64_t count) {
  std::string out;
  std::size_t done = 0;
  if (from.empty()) return text;
  for (std::size_t at = text.find(from); at != std::string::npos && count-- != 0; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
    if (out.size() > kLongest) throw TemplateError("a text grows beyond 16 MiB");
  }
  return out.append(text, done);
}

List splitText(const std::string& text, const Value& separator, std::int64_t count) {
  List out;
  if (!separator.isText()) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = text.find_first_not_of(" \t\n\r\f\v", at);
      if (begin == std::string::npos) break;
      const std::size_t end = std::min(text.find_first_of(" \t\n\r\f\v", begin), text.size());
      out.emplace_back(text.substr(begin, end - begin));
      at = end;
    }
    return out;
  }
  const std::string& by = separator.text();
  if (by.empty()) throw TemplateError("split needs a separator");
  std::size_t done = 0;
  for (std::size_t at = text.find(by); at != std::string::npos && count-- != 0; at = text.find(by, done)) {
    out.emplace_back(text.substr(done, at - done));
    done = at + by.size();
  }
  out.emplace_back(text.substr(done));
  return out;
}

std::int64_t lengthOf(const Value& v) {
  if (v.isText()) {
    return std::count_if(v.text().begin(), v.text().end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  }
  if (v.isDict()) return static_cast<std::int64_t>(v.dict().size());
  if (v.isUndefined()) return 0;
  return static_cast<std::int64_t>(v.list().size());
}

List dictItems(const Value& v) {
  List out;
  for (const auto& [key, value] : v.dict()) out.emplace_back(List{Value(key), value});
  return out;
}

Value attributeOf(const Value& item, const std::string& path) {
  Value v = item;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t dot = std::min(path.find('.', at), path.size());
    v = v.member(path.substr(at, dot - at));
    at = dot + 1;
  }
  return v;
}

// selectattr, rejectattr, select, reject
List selected(const std::string& name, const Value& value, const Arguments& a) {
  const bool byAttribute = name.ends_with("attr"), keep = name.starts_with("select");
  const std::size_t skip = byAttribute ? 1 : 0;
  const Value test = a.get(skip);
  Arguments rest;
  for (std::size_t i = skip + 1; i < a.positional.size(); ++i) rest.positional.push_back(a.positional[i]);
  List out;
  for (const Value& item : itemsOf(value)) {
    const Value subject = byAttribute ? attributeOf(item, a.get(0).text()) : item;
    if ((test.isText() ? applyTest(test.text(), subject, rest) : subject.truth()) == keep) out.push_back(item);
  }
  return out;
}

std::string indented(const std::string& text, std::int64_t width, bool first) {
  const std::string pad(static_cast<std::size_t>(std::clamp<std::int64_t>(width, 0, 1000)), ' ');
  std::string out = first ? pad : "";
  for (const char c : text) {
    if (!out.empty() && out.back() == '\n' && c != '\n') out += pad;
    out += c;
  }
  return out;
}

}  // namespace

Value Arguments::get(std::size_t index, std::string_view name) const {
  if (index < positional.size()) return positional[index];
  for (const auto& [n, v] : named)
    if (!name.empty() && n == name) return v;
  return {};
}

std::vector<Value> itemsOf(const Value& value) {
  if (value.isUndefined()) return {};
  if (value.isList()) {
    Arena::current().spend(value.list().size());
    return value.list();
  }
  std::vector<Value> out;
  if (value.isDict()) {
    Arena::current().spend(value.dict().size());
    for (const auto& [key, v] : value.dict()) out.emplace_back(key);
    return out;
  }
  for (std::string_view rest = value.text(); !rest.empty();) {
    const std::size_t n = std::max<std::size_t>(utf8Length(rest), 1);
    out.emplace_back(std::string(rest.substr(0, n)));
    rest.remove_prefix(n);
  }
  return out;
}

Value applyFilter(const std::string& name, const Value& v, const Arguments& a) {
  if (name == "trim") return stripped(v.toText(), a.get(0, "chars"), true, true);
  if (name == "length" || name == "count") return lengthOf(v);
  if (name == "tojson") {
    const Value indent = a.get(0, "indent");
    return v.toJson(indent.isInteger() ? static_cast<int>(std::clamp<std::int64_t>(indent.integer(), 0, 16)) : -1);
  }
  if (name == "string") return v.toText();
  if (name == "safe" || name == "e" || name == "escape") return v;
  if (name == "upper") return mapped(v.toText(), std::toupper);
  if (name == "lower") return mapped(v.toText(), std::tolower);
  if (name == "capitalize") return capitalized(v.toText());
  if (name == "title") return titled(v.toText());
  if (name == "default" || name == "d") return v.isUndefined() || (a.get(1, "boolean").truth() && !v.truth()) ? a.get(0, "default_value") : v;
  if (name == "list") return itemsOf(v);
  if (name == "items" || name == "dictsort") {
    List items = dictItems(v);
    if (name == "dictsort") std::stable_sort(items.begin(), items.end(), [](const Value& x, const Value& y) { return x.list()[0] < y.list()[0]; });
    return items;
  }
  if (name == "first" || name == "last") {
    const std::vector<Value> items = itemsOf(v);
    return items.empty() ? Value() : name == "first" ? items.front() : items.back();
  }
  if (name == "reverse") {
    List items = itemsOf(v);
    std::reverse(items.begin(), items.end());
    return items;
  }
  if (name == "sort") {
    List items = itemsOf(v);
    std::stable_sort(items.begin(), items.end());
    return items;
  }
  if (name == "unique") {
    List out;
    for (const Value& item : itemsOf(v))
      if (std::find(out.begin(), out.end(), item) == out.end()) out.push_back(item);
    return out;
  }
  if (name == "join") {
    const Value separator = a.get(0, "d"), attribute = a.get(1, "attribute");
    std::string out;
    bool first = true;
    for (const Value& item : itemsOf(v)) {
      if (!first) out += separator.toText();
      out += (attribute.isText() ? attributeOf(item, attribute.text()) : item).toText();
      if (out.size() > kLongest) throw TemplateError("a text grows beyond 16 MiB");
      first = false;
    }
    return out;
  }
  if (name == "map") {
    const Value attribute = a.get(1, "attribute");
    List out;
    for (const Value& item : itemsOf(v)) out.push_back(attribute.isText() ? attributeOf(item, attribute.text()) : applyFilter(a.get(0).text(), item, {}));
    return out;
  }
  if (name == "replace") return replaced(v.toText(), a.get(0).text(), a.get(1).toText(), a.get(2).isInteger() ? a.get(2).integer() : -1);
  if (name == "indent") return indented(v.toText(), a.get(0, "width").isInteger() ? a.get(0, "width").integer() : 4, a.get(1, "first").truth());
  if (name == "int") {
    if (v.isNumber()) return v.isReal() ? static_cast<std::int64_t>(std::clamp(v.real(), -9e18, 9e18)) : v.integer();
    return v.isText() ? static_cast<std::int64_t>(std::strtoll(v.text().c_str(), nullptr, 10)) : std::int64_t{0};
  }
  if (name == "float") return v.isNumber() ? v.real() : std::strtod(v.text().c_str(), nullptr);
  if (name == "abs") return v.isReal() ? Value(std::abs(v.real())) : Value(v.integer() < 0 ? applyBinary("-", 0, v) : v);
  if (name == "selectattr" || name == "rejectattr" || name == "select" || name == "reject") return selected(name, v, a);
  throw TemplateError("the filter \"" + name + "\" is not supported");
}

bool applyTest(const std::string& name, const Value& v, const Arguments& a) {
  if (name == "defined") return !v.isUndefined();
  if (name == "undefined") return v.isUndefined();
  if (name == "none") return v.isNone();
  if (name == "string") return v.isText();
  if (name == "mapping") return v.isDict();
  if (name == "sequence" || name == "iterable") return v.isText() || v.isList() || v.isDict();
  if (name == "number") return v.isNumber();
  if (name == "integer") return v.isInteger();
  if (name == "float") return v.isReal();
  if (name == "boolean") return v.isBool();
  if (name == "true") return v.isBool() && v.truth();
  if (name == "false") return v.isBool() && !v.truth();
  if (name == "callable") return v.isMacro();
  if (name == "odd") return v.integer() % 2 != 0;
  if (name == "even") return v.integer() % 2 == 0;
  if (name == "divisibleby") return a.get(0).integer() != 0 && v.integer() % a.get(0).integer() == 0;
  if (name == "equalto" || name == "eq" || name == "sameas") return v == a.get(0);
  if (name == "ne") return !(v == a.get(0));
  if (name == "in") return applyBinary("in", v, a.get(0)).truth();
  if (name == "lower") return v.isText() && mapped(v.text(), std::tolower) == v.text();
  if (name == "upper") return v.isText() && mapped(v.text(), std::toupper) == v.text();
  throw TemplateError("the test \"is " + name + "\" is not supported");
}

Value callMethod(const Value& v, const std::string& name, const Arguments& a) {
  if (v.isText()) {
    const std::string& text = v.text();
    if (name == "strip") return stripped(text, a.get(0), true, true);
    if (name == "lstrip") return stripped(text, a.get(0), true, false);
    if (name == "rstrip") return stripped(text, a.get(0), false, true);
    if (name == "startswith") return text.starts_with(a.get(0).text());
    if (name == "endswith") return text.ends_with(a.get(0).text());
    if (name == "split") return splitText(text, a.get(0), a.get(1).isInteger() ? a.get(1).integer() : -1);
    if (name == "replace") return applyFilter("replace", v, a);
    if (name == "upper" || name == "lower" || name == "title" || name == "capitalize") return applyFilter(name, v, {});
    if (name == "find") {
      const std::size_t at = text.find(a.get(0).text());
      return at == std::string::npos ? std::int64_t{-1} : lengthOf(text.substr(0, at));
    }
    if (name == "join") {
      Arguments by;
      by.positional.push_back(v);
      return applyFilter("join", a.get(0), by);
    }
  } else if (v.isDict()) {
    if (name == "items") return dictItems(v);
    if (name == "keys") return itemsOf(v);
    if (name == "values") {
      List out;
      for (const auto& [key, value] : v.dict()) out.push_back(value);
      return out;
    }
    if (name == "get") {
      const Value found = v.member(a.get(0).text());
      return !found.isUndefined() ? found : a.positional.size() > 1 ? a.get(1) : Value(None{});
    }
    if (name == "update") {
      for (const auto& [key, value] : Dict(a.get(0).dict())) v.setMember(key, value);
      return None{};
    }
  } else if (v.isList()) {
    if (name == "append") {
      Arena::current().charge(sizeof(Value));
      v.list().push_back(a.get(0));
      return None{};
    }
    if (name == "pop" && !v.list().empty()) {
      Value last = v.list().back();
      v.list().pop_back();
      return last;
    }
  }
  throw TemplateError(std::string("a ") + v.typeName() + " has no method \"" + name + "\" here");
}

Value applyBinary(const std::string& op, const Value& l, const Value& r) {
  if (op == "==") return l == r;
  if (op == "!=") return !(l == r);
  if (op == "<") return l < r;
  if (op == ">") return r < l;
  if (op == "<=") return !(r < l);
  if (op == ">=") return !(l < r);
  if (op == "in") {
    if (r.isText()) return r.text().find(l.text()) != std::string::npos;
    const std::vector<Value> items = itemsOf(r);
    return std::find(items.begin(), items.end(), l) != items.end();
  }
  const bool texts = op == "~" || (op == "+" && l.isText() && r.isText());
  if (texts) {
    std::string out = l.toText() + r.toText();
    if (out.size() > kLongest) throw TemplateError("a text grows beyond 16 MiB");
    return out;
  }
  if (op == "+" && l.isList() && r.isList()) {
    List out = l.list();
    out.insert(out.end(), r.list().begin(), r.list().end());
    if (out.size() > 100'000) throw TemplateError("a list grows beyond 100000 items");
    return out;
  }
  if (op == "*" && l.isText() && r.isInteger()) {
    std::string out;
    for (std::int64_t i = 0; i < r.integer() && !l.text().empty(); ++i) {
      out += l.text();
      if (out.size() > kLongest) throw TemplateError("a text grows beyond 16 MiB");
    }
    return out;
  }
  if (!l.isNumber() || !r.isNumber()) throw TemplateError("\"" + op + "\" does not work on a " + l.typeName() + " and a " + r.typeName());
  if (op == "/") {
    if (r.real() == 0) throw TemplateError("division by zero");
    return l.real() / r.real();
  }
  if (l.isReal() || r.isReal()) {
    const double a = l.real(), b = r.real();
    if (op == "+") return a + b;
    if (op == "-") return a - b;
    if (op == "*") return a * b;
    if (b == 0) throw TemplateError("division by zero");
    return op == "//" ? std::floor(a / b) : a - b * std::floor(a / b);
  }
  const std::int64_t a = l.integer(), b = r.integer();
  std::int64_t out = 0;
  if ((op == "+" && __builtin_add_overflow(a, b, &out)) || (op == "-" && __builtin_sub_overflow(a, b, &out)) || (op == "*" && __builtin_mul_overflow(a, b, &out)))
    throw TemplateError("a number grows beyond 64 bits");
  if (op == "+" || op == "-" || op == "*") return out;
  if (b == 0 || (b == -1 && a == std::numeric_limits<std::int64_t>::min())) throw TemplateError("division by zero");
  const std::int64_t quotient = a / b - (a % b != 0 && (a < 0) != (b < 0));
  return op == "//" ? quotient : a - b * quotient;
}

Value indexValue(const Value& v, const Value& index) {
  if (v.isDict()) return index.isText() ? v.member(index.text()) : Value();
  if (v.isUndefined()) throw TemplateError("an undefined value has no items");
  const std::vector<Value> items = itemsOf(v);
  const std::int64_t n = static_cast<std::int64_t>(items.size()), i = index.integer();
  const std::int64_t at = i < 0 ? i + n : i;
  return at < 0 || at >= n ? Value() : items[static_cast<std::size_t>(at)];
}

Value sliceValue(const Value& v, const Value& from, const Value& to, const Value& stepValue) {
  const std::vector<Value> items = itemsOf(v);
  const auto n = static_cast<std::int64_t>(items.size());
  const std::int64_t step = stepValue.isInteger() ? stepValue.integer() : 1;
  if (step == 0 || step > n + 1 || step < -n - 1) {
    if (step == 0) throw TemplateError("a slice's step is zero");
  }
  const auto bound = [&](const Value& b, std::int64_t fallback) {
    if (!b.isInteger()) return fallback;
    const std::int64_t i = b.integer() < 0 ? b.integer() + n : b.integer();
    return step > 0 ? std::clamp<std::int64_t>(i, 0, n) : std::clamp<std::int64_t>(i, -1, n - 1);
  };
  const std::int64_t begin = bound(from, step > 0 ? 0 : n - 1), end = bound(to, step > 0 ? n : -1);
  List out;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end;) {
    out.push_back(items[static_cast<std::size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  if (!v.isText()) return out;
  std::string text;
  for (const Value& c : out) text += c.text();
  return text;
}

}  // namespace ts::chat
