// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/formats/chat_template_value.h"

namespace ts::chat {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Argument {
  std::string name;  ///< empty: by position
  ExpressionPtr value;
};

/// A node of an expression; `text` is the operator, name, filter or test.
struct Expression {
  enum class Kind { Constant, Name, List, Dict, Unary, Binary, Conditional, Member, Index, Slice, Call, Filter, Test };
  Kind kind = Kind::Constant;
  int line = 0;
  Value constant;
  std::string text;
  bool negated = false;                    ///< Test: `is not`
  std::vector<ExpressionPtr> parts;        ///< operands; List: items; Dict: keys and values in turn; Slice: from, to, step (null: absent)
  std::vector<Argument> arguments;         ///< Call, Filter, Test
};

struct Statement;
using Body = std::vector<Statement>;

struct Branch {
  ExpressionPtr condition;  ///< null: else
  Body body;
};

struct Statement {
  enum class Kind { Text, Output, Set, SetBlock, If, For, Macro, Break, Continue };
  Kind kind = Kind::Text;
  int line = 0;
  std::string text;                 ///< Text; Macro: its name
  std::vector<std::string> targets; ///< Set, For: the names; Macro: the parameters
  std::string attribute;            ///< Set: `namespace.attribute`
  ExpressionPtr value;              ///< Output, Set, For: the sequence
  ExpressionPtr condition;          ///< For: `if`
  std::vector<ExpressionPtr> defaults;  ///< Macro: of each parameter, null where there is none
  std::vector<Branch> branches;     ///< If; For, Macro, SetBlock: [0] is the body, For: [1] the else
};

struct Macro {
  const Statement* definition = nullptr;
};

/// Throws TemplateError with the line.
Body parse(std::string_view source);

}  // namespace ts::chat
