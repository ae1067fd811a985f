// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/formats/chat_template_lex.h"
#include "engine/formats/chat_template_parse.h"

namespace ts::chat {

inline constexpr int kDeepest = 60;  ///< nested brackets and blocks; parsing and evaluation recurse over them

/// Recursive descent over the expressions of jinja2's grammar (pallets/jinja, src/jinja2/parser.py), without what chat
/// templates never use. Throws TemplateError with the line.
class ExpressionParser {
 public:
  ExpressionParser(const std::vector<Token>& tokens, int line) : tokens_(tokens), line_(line) {}

  bool is(std::string_view symbol) const { return now().kind == Token::Kind::Symbol && now().text == symbol; }
  bool isName(std::string_view name) const { return now().kind == Token::Kind::Name && now().text == name; }
  bool atEnd() const { return now().kind == Token::Kind::End; }
  bool take(std::string_view symbol) { return is(symbol) && ++at_; }
  bool takeName(std::string_view name) { return isName(name) && ++at_; }
  void expect(std::string_view symbol) {
    if (!take(symbol)) stop("\"" + std::string(symbol) + "\" was expected before \"" + now().text + "\"");
  }
  void expectEnd() {
    if (!atEnd()) stop("unexpected \"" + now().text + "\"");
  }
  std::string name() {
    if (now().kind != Token::Kind::Name) stop("a name was expected, not \"" + now().text + "\"");
    return tokens_[at_++].text;
  }
  [[noreturn]] void stop(const std::string& what) const { throw TemplateError("line " + std::to_string(line_) + ": " + what); }

  ExpressionPtr conditional() {
    const Depth depth(*this);
    ExpressionPtr value = disjunction();
    while (takeName("if")) {
      ExpressionPtr e = make(Expression::Kind::Conditional);
      e->parts.push_back(disjunction());
      e->parts.push_back(std::move(value));
      e->parts.push_back(takeName("else") ? conditional() : nullptr);
      value = std::move(e);
    }
    return value;
  }
  ExpressionPtr disjunction() {
    ExpressionPtr left = conjunction();
    while (takeName("or")) left = binary("or", std::move(left), conjunction());
    return left;
  }
  std::vector<Argument> arguments() {
    std::vector<Argument> out;
    while (!take(")")) {
      Argument a;
      if (now().kind == Token::Kind::Name && tokens_[at_ + 1].kind == Token::Kind::Symbol && tokens_[at_ + 1].text == "=") {
        a.name = name();
        ++at_;
      }
      a.value = conditional();
      out.push_back(std::move(a));
      if (!is(")")) expect(",");
    }
    return out;
  }

 private:
  struct Depth {
    explicit Depth(ExpressionParser& p) : parser(p) {
      if (++parser.depth_ > kDeepest) parser.stop("the expression is nested too deep");
    }
    ~Depth() { --parser.depth_; }
    ExpressionParser& parser;
  };

  const Token& now() const { return tokens_[at_]; }
  ExpressionPtr make(Expression::Kind kind, std::string text = {}) const {
    auto e = std::make_unique<Expression>();
    e->kind = kind;
    e->line = line_;
    e->text = std::move(text);
    return e;
  }
  ExpressionPtr binary(std::string op, ExpressionPtr left, ExpressionPtr right) {
    // A chain of operators is as deep a tree: evaluation and destruction recurse over it.
    if (++operators_ > 300) stop("the expression has too many operators");
    ExpressionPtr e = make(Expression::Kind::Binary, std::move(op));
    e->parts.push_back(std::move(left));
    e->parts.push_back(std::move(right));
    return e;
  }
  ExpressionPtr unary(std::string op, ExpressionPtr value) {
    ExpressionPtr e = make(Expression::Kind::Unary, std::move(op));
    e->parts.push_back(std::move(value));
    return e;
  }

  ExpressionPtr conjunction() {
    ExpressionPtr left = negation();
    while (takeName("and")) left = binary("and", std::move(left), negation());
    return left;
  }
  ExpressionPtr negation() {
    const Depth depth(*this);
    if (takeName("not")) return unary("not", negation());
    return comparison();
  }
  // a < b < c means a < b and b < c; published templates compare two values only.
  ExpressionPtr comparison() {
    ExpressionPtr left = sum();
    for (;;) {
      if (now().kind == Token::Kind::Name && now().text == "not" && tokens_[at_ + 1].text == "in") {
        at_ += 2;
        left = unary("not", binary("in", std::move(left), sum()));
      } else if (takeName("in")) {
        left = binary("in", std::move(left), sum());
      } else if (is("==") || is("!=") || is("<") || is(">") || is("<=") || is(">=")) {
        std::string op = tokens_[at_++].text;
        left = binary(std::move(op), std::move(left), sum());
      } else {
        return left;
      }
    }
  }
  ExpressionPtr sum() {
    ExpressionPtr left = concatenation();
    while (is("+") || is("-")) {
      std::string op = tokens_[at_++].text;
      left = binary(std::move(op), std::move(left), concatenation());
    }
    return left;
  }
  ExpressionPtr concatenation() {
    ExpressionPtr left = product();
    while (take("~")) left = binary("~", std::move(left), product());
    return left;
  }
  ExpressionPtr product() {
    ExpressionPtr left = signedValue();
    while (is("*") || is("/") || is("//") || is("%")) {
      std::string op = tokens_[at_++].text;
      left = binary(std::move(op), std::move(left), signedValue());
    }
    return left;
  }
  ExpressionPtr signedValue() {
    const Depth depth(*this);
    if (take("-")) return filtered(unary("-", signedValue()));
    if (take("+")) return filtered(signedValue());
    return filtered(postfix(primary()));
  }
  ExpressionPtr primary() {
    const Token& t = now();
    switch (t.kind) {
      case Token::Kind::Name: {
        ++at_;
        if (t.text == "true" || t.text == "True") return constant(Value(true));
        if (t.text == "false" || t.text == "False") return constant(Value(false));
        if (t.text == "none" || t.text == "None") return constant(Value(None{}));
        return make(Expression::Kind::Name, t.text);
      }
      case Token::Kind::Text: {
        std::string text;
        while (now().kind == Token::Kind::Text) text += tokens_[at_++].text;  // neighbours join, as in Python
        return constant(Value(std::move(text)));
      }
      case Token::Kind::Integer: {
        std::int64_t i = 0;
        if (std::from_chars(t.text.data(), t.text.data() + t.text.size(), i).ec != std::errc()) stop("the number " + t.text + " is too large");
        ++at_;
        return constant(Value(i));
      }
      case Token::Kind::Real:
        ++at_;
        return constant(Value(std::strtod(t.text.c_str(), nullptr)));
      case Token::Kind::Symbol: break;
      case Token::Kind::End: stop("the expression is incomplete");
    }
    if (take("(")) return parenthesis(")");
    if (take("[")) {
      ExpressionPtr e = make(Expression::Kind::List);
      while (!take("]")) {
        e->parts.push_back(conditional());
        if (!is("]")) expect(",");
      }
      return e;
    }
    if (take("{")) {
      ExpressionPtr e = make(Expression::Kind::Dict);
      while (!take("}")) {
        e->parts.push_back(conditional());
        expect(":");
        e->parts.push_back(conditional());
        if (!is("}")) expect(",");
      }
      return e;
    }
    stop("unexpected \"" + t.text + "\"");
  }
  ExpressionPtr parenthesis(std::string_view close) {  // a value or a tuple, which is a list here
    if (take(close)) return make(Expression::Kind::List);
    ExpressionPtr first = conditional();
    if (!is(",")) {
      expect(close);
      return first;
    }
    ExpressionPtr e = make(Expression::Kind::List);
    e->parts.push_back(std::move(first));
    while (take(",") && !is(close)) e->parts.push_back(conditional());
    expect(close);
    return e;
  }
  ExpressionPtr constant(Value value) {
    ExpressionPtr e = make(Expression::Kind::Constant);
    e->constant = std::move(value);
    return e;
  }
  ExpressionPtr postfix(ExpressionPtr value) {
    for (int chain = 0;; ++chain) {
      if (chain > kDeepest) stop("the expression is nested too deep");
      ExpressionPtr e;
      if (take(".")) {
        e = make(Expression::Kind::Member, now().kind == Token::Kind::Integer ? tokens_[at_++].text : name());
        e->parts.push_back(std::move(value));
      } else if (take("[")) {
        e = subscript(std::move(value));
      } else if (take("(")) {
        e = make(Expression::Kind::Call);
        e->parts.push_back(std::move(value));
        e->arguments = arguments();
      } else {
        return value;
      }
      value = std::move(e);
    }
  }
  ExpressionPtr subscript(ExpressionPtr value) {
    ExpressionPtr bounds[3];
    int colons = 0;
    while (!take("]")) {
      if (take(":")) {
        if (++colons > 2) stop("a slice has at most two colons");
      } else if (bounds[colons]) {
        stop("\"]\" was expected before \"" + now().text + "\"");
      } else {
        bounds[colons] = conditional();
      }
    }
    ExpressionPtr e = make(colons > 0 ? Expression::Kind::Slice : Expression::Kind::Index);
    if (colons == 0 && !bounds[0]) stop("an index is missing");
    e->parts.push_back(std::move(value));
    for (int i = 0; i < (colons > 0 ? 3 : 1); ++i) e->parts.push_back(std::move(bounds[i]));
    return e;
  }
  ExpressionPtr filtered(ExpressionPtr value) {
    for (int chain = 0;; ++chain) {
      if (chain > kDeepest) stop("the expression is nested too deep");
      if (take("|")) {
        ExpressionPtr e = make(Expression::Kind::Filter, name());
        e->parts.push_back(std::move(value));
        if (take("(")) e->arguments = arguments();
        value = postfix(std::move(e));
      } else if (takeName("is")) {
        const bool negated = takeName("not");
        ExpressionPtr e = make(Expression::Kind::Test, name());
        e->negated = negated;
        e->parts.push_back(std::move(value));
        if (take("(")) {
          e->arguments = arguments();
        } else if (now().kind == Token::Kind::Text || now().kind == Token::Kind::Integer || is("[") || is("{") ||
                   (now().kind == Token::Kind::Name && !isName("and") && !isName("or") && !isName("else") && !isName("if") && !isName("is") && !isName("in") && !isName("not"))) {
          e->arguments.push_back({"", postfix(primary())});
        }
        value = std::move(e);
      } else {
        return value;
      }
    }
  }

  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
  int line_;
  int depth_ = 0, operators_ = 0;
};

}  // namespace ts::chat
