// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ts::chat {

/// Anything that stops a template; becomes the Error of applyChatTemplate.
struct TemplateError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Macro;
class Value;
using List = std::vector<Value>;
using Dict = std::vector<std::pair<std::string, Value>>;  ///< in order of insertion, as Python's

struct Undefined {};
struct None {};

/// Owns the lists and dictionaries of one rendering, which may refer to each other in any way, and counts what is made: a
/// template cannot use more than kMostBytes, nor look at more than kMostWork items. Values made on a thread belong to the arena alive there.
class Arena {
 public:
  static constexpr std::size_t kMostBytes = 256u << 20;
  static constexpr std::size_t kMostWork = 20'000'000;  ///< items compared or copied (64 characters of a text are one): about a second
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  static Arena& current();
  void charge(std::size_t bytes);
  void spend(std::size_t work);
  List* keep(List list);
  Dict* keep(Dict dict);

 private:
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::size_t charged_ = 0, spent_ = 0;
  Arena* outer_;
};

/// A Python value, as far as templates need them. Lists and dictionaries are shared, as in Python.
class Value {
 public:
  Value() : v_(Undefined{}) {}
  Value(None n) : v_(n) {}
  Value(bool b) : v_(b) {}
  Value(std::int64_t i) : v_(i) {}
  Value(int i) : v_(static_cast<std::int64_t>(i)) {}
  Value(double d) : v_(d) {}
  Value(std::string s);
  Value(const char* s) : Value(std::string(s)) {}
  Value(List l);
  Value(Dict d);
  Value(std::shared_ptr<const Macro> m) : v_(std::move(m)) {}

  bool isUndefined() const { return std::holds_alternative<Undefined>(v_); }
  bool isNone() const { return std::holds_alternative<None>(v_); }
  bool isBool() const { return std::holds_alternative<bool>(v_); }
  bool isInteger() const { return std::holds_alternative<std::int64_t>(v_); }
  bool isReal() const { return std::holds_alternative<double>(v_); }
  bool isNumber() const { return isInteger() || isReal() || isBool(); }
  bool isText() const { return std::holds_alternative<Text>(v_); }
  bool isList() const { return std::holds_alternative<List*>(v_); }
  bool isDict() const { return std::holds_alternative<Dict*>(v_); }
  bool isMacro() const { return std::holds_alternative<std::shared_ptr<const Macro>>(v_); }

  const std::string& text() const;  ///< these throw TemplateError where the kind is another
  List& list() const;
  Dict& dict() const;
  const Macro& macro() const;
  std::int64_t integer() const;
  double real() const;

  bool truth() const;
  std::string toText() const;                    ///< Python's str()
  std::string toJson(int indent = -1, int depth = 0) const;  ///< json.dumps(ensure_ascii=False)
  const char* typeName() const;

  Value member(std::string_view name) const;     ///< of a dictionary; undefined if absent
  void setMember(const std::string& name, Value value) const;

  bool operator==(const Value& other) const;
  bool operator<(const Value& other) const;

 private:
  using Text = std::shared_ptr<const std::string>;
  std::variant<Undefined, None, bool, std::int64_t, double, Text, List*, Dict*, std::shared_ptr<const Macro>> v_;
};

}  // namespace ts::chat
