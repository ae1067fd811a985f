// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/chat_template.h"

#include <chrono>
#include <ctime>

#include "engine/formats/chat_template_library.h"
#include "engine/formats/chat_template_parse.h"

namespace ts {

namespace chat {
namespace {

constexpr std::int64_t kMostSteps = 2'000'000;
constexpr std::size_t kMostOutput = 16u << 20;
constexpr int kDeepestCalls = 20;

enum class Flow { Next, Break, Continue };

class Interpreter {
 public:
  Interpreter() { scopes_.emplace_back(); }

  void define(const std::string& name, Value value) { scopes_.back().emplace_back(name, std::move(value)); }

  std::string render(const Body& body) {
    std::string out;
    try {
      run(body, out);
    } catch (const TemplateError& error) {
      const std::string what = error.what();
      throw TemplateError(what.starts_with("line ") ? what : "line " + std::to_string(line_) + ": " + what);
    }
    return out;
  }

 private:
  Flow run(const Body& body, std::string& out) {
    for (const Statement& s : body)
      if (const Flow flow = run(s, out); flow != Flow::Next) return flow;
    return Flow::Next;
  }

  void step(int line) {
    line_ = line;
    if (++steps_ > kMostSteps) throw TemplateError("line " + std::to_string(line) + ": the template does not come to an end");
  }
  [[noreturn]] void stop(const std::string& what) const { throw TemplateError("line " + std::to_string(line_) + ": " + what); }

  Value lookUp(const std::string& name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      Arena::current().spend(scope->size());
      for (const auto& [n, v] : *scope)
        if (n == name) return v;
    }
    return {};
  }
  void assign(const std::string& name, Value value) {
    Arena::current().spend(scopes_.back().size());
    for (auto& [n, v] : scopes_.back()) {
      if (n != name) continue;
      v = std::move(value);
      return;
    }
    define(name, std::move(value));
  }
  void write(std::string& out, std::string_view text) const {
    out += text;
    if (out.size() > kMostOutput) stop("the text grows beyond 16 MiB");
  }

  Flow run(const Statement& s, std::string& out) {
    step(s.line);
    switch (s.kind) {
      case Statement::Kind::Text: write(out, s.text); return Flow::Next;
      case Statement::Kind::Output: write(out, evaluate(*s.value).toText()); return Flow::Next;
      case Statement::Kind::Set: set(s); return Flow::Next;
      case Statement::Kind::SetBlock: {
        std::string text;
        run(s.branches[0].body, text);
        assign(s.targets[0], std::move(text));
        return Flow::Next;
      }
      case Statement::Kind::If:
        for (const Branch& b : s.branches)
          if (!b.condition || evaluate(*b.condition).truth()) return run(b.body, out);
        return Flow::Next;
      case Statement::Kind::For: loop(s, out); return Flow::Next;
      case Statement::Kind::Macro: {
        auto macro = std::make_shared<Macro>();
        macro->definition = &s;
        assign(s.text, Value(std::shared_ptr<const Macro>(macro)));
        return Flow::Next;
      }
      case Statement::Kind::Break: return Flow::Break;
      case Statement::Kind::Continue: return Flow::Continue;
    }
    return Flow::Next;
  }

  void set(const Statement& s) {
    Value value = evaluate(*s.value);
    if (!s.attribute.empty()) {
      lookUp(s.targets[0]).setMember(s.attribute, std::move(value));
    } else {
      bind(s.targets, value);
    }
  }
  void bind(const std::vector<std::string>& targets, const Value& value) {
    if (targets.size() == 1) return assign(targets[0], value);
    const std::vector<Value> parts = itemsOf(value);
    if (parts.size() != targets.size()) stop("cannot unpack " + std::to_string(parts.size()) + " values into " + std::to_string(targets.size()));
    for (std::size_t i = 0; i < parts.size(); ++i) assign(targets[i], parts[i]);
  }

  void loop(const Statement& s, std::string& out) {
    std::vector<Value> items = itemsOf(evaluate(*s.value));
    scopes_.emplace_back();
    if (s.condition) {
      std::vector<Value> kept;
      for (Value& item : items) {
        step(s.line);
        bind(s.targets, item);
        if (evaluate(*s.condition).truth()) kept.push_back(std::move(item));
      }
      items = std::move(kept);
    }
    const auto n = static_cast<std::int64_t>(items.size());
    for (std::int64_t i = 0; i < n; ++i) {
      step(s.line);
      scopes_.back().clear();
      bind(s.targets, items[static_cast<std::size_t>(i)]);
      define("loop", Dict{{"index", i + 1}, {"index0", i}, {"revindex", n - i}, {"revindex0", n - i - 1}, {"first", i == 0}, {"last", i == n - 1}, {"length", n},
                          {"previtem", i > 0 ? items[static_cast<std::size_t>(i - 1)] : Value()},
                          {"nextitem", i + 1 < n ? items[static_cast<std::size_t>(i + 1)] : Value()}});
      if (run(s.branches[0].body, out) == Flow::Break) break;
    }
    scopes_.pop_back();
    if (n == 0 && s.branches.size() > 1) run(s.branches[1].body, out);
  }

  Value evaluate(const Expression& e) {
    step(e.line);
    switch (e.kind) {
      case Expression::Kind::Constant: return e.constant;
      case Expression::Kind::Name: return lookUp(e.text);
      case Expression::Kind::List: {
        List items;
        for (const auto& p : e.parts) items.push_back(evaluate(*p));
        return items;
      }
      case Expression::Kind::Dict: {
        const Value dict = Dict{};
        for (std::size_t i = 0; i + 1 < e.parts.size(); i += 2) dict.setMember(evaluate(*e.parts[i]).toText(), evaluate(*e.parts[i + 1]));
        return dict;
      }
      case Expression::Kind::Unary: {
        const Value v = evaluate(*e.parts[0]);
        return e.text == "not" ? Value(!v.truth()) : v.isReal() ? Value(-v.real()) : applyBinary("-", 0, v);
      }
      case Expression::Kind::Binary: return binary(e);
      case Expression::Kind::Conditional:
        if (evaluate(*e.parts[0]).truth()) return evaluate(*e.parts[1]);
        return e.parts[2] ? evaluate(*e.parts[2]) : Value();
      case Expression::Kind::Member: {
        const Value v = evaluate(*e.parts[0]);
        if (v.isUndefined()) stop("an undefined value has no \"" + e.text + "\"");
        return v.member(e.text);
      }
      case Expression::Kind::Index: return indexValue(evaluate(*e.parts[0]), evaluate(*e.parts[1]));
      case Expression::Kind::Slice: {
        const auto part = [&](std::size_t i) { return e.parts[i] ? evaluate(*e.parts[i]) : Value(); };
        return sliceValue(evaluate(*e.parts[0]), part(1), part(2), part(3));
      }
      case Expression::Kind::Call: return call(e);
      case Expression::Kind::Filter: return applyFilter(e.text, evaluate(*e.parts[0]), arguments(e));
      case Expression::Kind::Test: return applyTest(e.text, evaluate(*e.parts[0]), arguments(e)) != e.negated;
    }
    return {};
  }

  Value binary(const Expression& e) {
    Value left = evaluate(*e.parts[0]);
    if (e.text == "and") return left.truth() ? evaluate(*e.parts[1]) : left;
    if (e.text == "or") return left.truth() ? left : evaluate(*e.parts[1]);
    return applyBinary(e.text, left, evaluate(*e.parts[1]));
  }

  Arguments arguments(const Expression& e) {
    Arguments out;
    for (const Argument& a : e.arguments) {
      Value v = evaluate(*a.value);
      if (a.name.empty())
        out.positional.push_back(std::move(v));
      else
        out.named.emplace_back(a.name, std::move(v));
    }
    return out;
  }

  Value call(const Expression& e) {
    const Expression& target = *e.parts[0];
    const Arguments a = arguments(e);
    if (target.kind == Expression::Kind::Member) {
      const Value object = evaluate(*target.parts[0]);
      const Value member = object.member(target.text);
      return member.isMacro() ? expand(member.macro(), a) : callMethod(object, target.text, a);
    }
    if (target.kind == Expression::Kind::Name) {
      const std::string& name = target.text;
      if (const Value v = lookUp(name); v.isMacro()) return expand(v.macro(), a);
      if (name == "raise_exception") throw TemplateError("the template refuses this conversation: " + a.get(0).toText());
      if (name == "namespace" || name == "dict") {
        const Value space = Dict{};
        for (const auto& [n, v] : a.named) space.setMember(n, v);
        return space;
      }
      if (name == "range") return range(a);
      if (name == "strftime_now") return today(a.get(0).text());
      stop("the function \"" + name + "\" is not supported");
    }
    return expand(evaluate(target).macro(), a);
  }

  Value range(const Arguments& a) const {
    std::int64_t from = a.get(0).integer(), to = from, by = 1;
    if (a.positional.size() == 1) from = 0;
    if (a.positional.size() > 1) to = a.get(1).integer();
    if (a.positional.size() > 2) by = a.get(2).integer();
    List out;
    if (by == 0) stop("range's step is zero");
    for (std::int64_t i = from; by > 0 ? i < to : i > to;) {
      if (out.size() > 100'000) stop("a range of more than 100000 numbers");
      out.emplace_back(i);
      if (__builtin_add_overflow(i, by, &i)) break;
    }
    return out;
  }

  static std::string today(const std::string& format) {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm local{};
    localtime_r(&now, &local);
    char text[128];
    return std::string(text, std::strftime(text, sizeof text, format.c_str(), &local));
  }

  Value expand(const Macro& macro, const Arguments& a) {
    if (++calls_ > kDeepestCalls) stop("macros call each other without end");
    const Statement& s = *macro.definition;
    std::vector<Scope> outer;  // a macro sees the template's own names, not its caller's
    outer.assign(scopes_.begin() + 1, scopes_.end());
    for (const Scope& scope : outer) Arena::current().spend(scope.size());
    scopes_.resize(1);
    scopes_.emplace_back();
    for (std::size_t i = 0; i < s.targets.size(); ++i) {
      Value v = a.get(i, s.targets[i]);
      if (v.isUndefined() && s.defaults[i]) v = evaluate(*s.defaults[i]);
      define(s.targets[i], std::move(v));
    }
    std::string out;
    run(s.branches[0].body, out);
    scopes_.resize(1);
    scopes_.insert(scopes_.end(), outer.begin(), outer.end());
    --calls_;
    return out;
  }

  using Scope = std::vector<std::pair<std::string, Value>>;
  std::vector<Scope> scopes_;
  std::int64_t steps_ = 0;
  int line_ = 1, calls_ = 0;
};

}  // namespace
}  // namespace chat

Result<std::string> applyChatTemplate(std::string_view source, std::span<const ChatMessage> messages, bool addGenerationPrompt,
                                      std::string_view bos, std::string_view eos) {
  if (source.empty()) return fail("the model carries no chat template", "chat template");
  if (source.size() > (1u << 20)) return fail("the chat template has more than 1 MiB", "chat template");
  try {
    chat::Arena arena;
    const chat::Body body = chat::parse(source);
    chat::Interpreter interpreter;
    chat::List list;
    for (const ChatMessage& m : messages) list.emplace_back(chat::Dict{{"role", m.role}, {"content", m.content}});
    interpreter.define("messages", std::move(list));
    interpreter.define("add_generation_prompt", addGenerationPrompt);
    interpreter.define("bos_token", std::string(bos));
    interpreter.define("eos_token", std::string(eos));
    interpreter.define("tools", chat::None{});
    interpreter.define("documents", chat::None{});
    return interpreter.render(body);
  } catch (const chat::TemplateError& error) {
    return fail(error.what(), "chat template");
  }
}

}  // namespace ts
