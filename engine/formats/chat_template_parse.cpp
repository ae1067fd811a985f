// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/chat_template_parse.h"

#include <algorithm>
#include <initializer_list>

#include "engine/formats/chat_template_expression.h"

namespace ts::chat {

namespace {

class Parser {
 public:
  explicit Parser(std::vector<Section> sections) : sections_(std::move(sections)) {}

  Body whole() {
    Body body = statements({});
    if (at_ < sections_.size()) stop("unexpected \"" + tag() + "\"");
    return body;
  }

 private:
  [[noreturn]] void stop(const std::string& what) const {
    const int line = at_ < sections_.size() ? sections_[at_].line : sections_.empty() ? 1 : sections_.back().line;
    throw TemplateError("line " + std::to_string(line) + ": " + what);
  }
  std::string tag() const {
    return at_ < sections_.size() && sections_[at_].kind == Section::Kind::Tag ? sections_[at_].tokens.front().text : std::string();
  }
  ExpressionParser open() const { return {sections_[at_].tokens, sections_[at_].line}; }

  /// Statements up to a tag named in `ends` (which is left) or the source's end.
  Body statements(std::initializer_list<std::string_view> ends) {
    if (++depth_ > kDeepest) stop("blocks are nested too deep");
    Body body;
    for (; at_ < sections_.size(); ++at_) {
      const Section& s = sections_[at_];
      if (s.kind == Section::Kind::Tag) {
        const std::string name = tag();
        if (std::find(ends.begin(), ends.end(), name) != ends.end()) {
          --depth_;
          return body;
        }
        if (name == "generation" || name == "endgeneration") continue;  // marks what is trained on; writes nothing
        if (name.starts_with("end") || name == "else" || name == "elif") break;
        body.push_back(block(name));
      } else {
        Statement statement;
        statement.line = s.line;
        if (s.kind == Section::Kind::Text) {
          statement.text = s.text;
        } else {
          statement.kind = Statement::Kind::Output;
          ExpressionParser p = open();
          statement.value = p.conditional();
          p.expectEnd();
        }
        body.push_back(std::move(statement));
      }
    }
    --depth_;
    if (ends.size() > 0) stop("\"" + std::string(*(ends.end() - 1)) + "\" is missing");
    return body;
  }

  Statement block(const std::string& name) {
    Statement s;
    s.line = sections_[at_].line;
    ExpressionParser p = open();
    if (p.atEnd()) stop("an empty tag");
    p.name();
    if (name == "if") return conditional(std::move(s), p);
    if (name == "for") return loop(std::move(s), p);
    if (name == "set") return assignment(std::move(s), p);
    if (name == "macro") return macro(std::move(s), p);
    if (name == "break" || name == "continue") {
      s.kind = name == "break" ? Statement::Kind::Break : Statement::Kind::Continue;
      p.expectEnd();
      return s;
    }
    stop("the tag \"" + name + "\" is not supported; supported: if, for, set, macro, break, continue, generation");
  }

  Statement conditional(Statement s, ExpressionParser& first) {
    s.kind = Statement::Kind::If;
    Branch branch;
    branch.condition = first.conditional();
    first.expectEnd();
    for (;;) {
      ++at_;
      branch.body = statements({"elif", "else", "endif"});
      s.branches.push_back(std::move(branch));
      const std::string name = tag();
      if (name == "endif") return s;
      if (!s.branches.back().condition) stop("\"endif\" was expected after \"else\"");
      branch = {};
      ExpressionParser p = open();
      p.name();
      if (name == "elif") branch.condition = p.conditional();
      p.expectEnd();
    }
  }

  Statement loop(Statement s, ExpressionParser& p) {
    s.kind = Statement::Kind::For;
    do s.targets.push_back(p.name());
    while (p.take(","));
    if (!p.takeName("in")) stop("\"in\" was expected in \"for\"");
    s.value = p.disjunction();
    if (p.takeName("if")) s.condition = p.conditional();
    p.takeName("recursive");
    p.expectEnd();
    ++at_;
    s.branches.emplace_back().body = statements({"else", "endfor"});
    if (tag() == "else") {
      ++at_;
      s.branches.emplace_back().body = statements({"endfor"});
    }
    return s;
  }

  Statement assignment(Statement s, ExpressionParser& p) {
    s.targets.push_back(p.name());
    if (p.take(".")) s.attribute = p.name();
    while (p.take(",")) s.targets.push_back(p.name());
    if (p.take("=")) {
      s.kind = Statement::Kind::Set;
      s.value = p.conditional();
      p.expectEnd();
      return s;
    }
    p.expectEnd();
    s.kind = Statement::Kind::SetBlock;
    ++at_;
    s.branches.emplace_back().body = statements({"endset"});
    return s;
  }

  Statement macro(Statement s, ExpressionParser& p) {
    s.kind = Statement::Kind::Macro;
    s.text = p.name();
    p.expect("(");
    while (!p.take(")")) {
      s.targets.push_back(p.name());
      s.defaults.push_back(p.take("=") ? p.conditional() : nullptr);
      if (!p.is(")")) p.expect(",");
    }
    p.expectEnd();
    ++at_;
    s.branches.emplace_back().body = statements({"endmacro"});
    return s;
  }

  std::vector<Section> sections_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Body parse(std::string_view source) { return Parser(lex(source)).whole(); }

}  // namespace ts::chat
