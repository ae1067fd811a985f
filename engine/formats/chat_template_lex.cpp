// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/chat_template_lex.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

#include "engine/formats/chat_template_value.h"
#include "engine/formats/tokenizer_utf8.h"

namespace ts::chat {

namespace {

bool isNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool isNamePart(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void stop(int line, const std::string& what) {
  throw TemplateError("line " + std::to_string(line) + ": " + what);
}

// Appends what the escape sequence whose letter is at `at` stands for (Python's); returns its last byte.
std::size_t unescape(std::string_view source, std::size_t at, std::string& out) {
  const char c = source[at];
  const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits > 0 && at + digits < source.size()) {
    std::uint32_t point = 0;
    const char* first = source.data() + at + 1;
    const auto read = std::from_chars(first, first + digits, point, 16);
    if (read.ec == std::errc() && read.ptr == first + digits && point < 0x110000) {
      utf8Append(out, point);
      return at + digits;
    }
  }
  constexpr std::string_view letters = "ntrbf", characters = "\n\t\r\b\f";
  if (const std::size_t i = letters.find(c); i != std::string_view::npos)
    out += characters[i];
  else if (c != '\n')  // a backslash before a line's end joins the lines
    (c == '\\' || c == '\'' || c == '"' ? out : out += '\\') += c;
  return at;
}

// The tokens from `at` to the closing mark; leaves `at` behind it. `control` is a "-" or "+" before the mark.
std::vector<Token> tokens(std::string_view source, std::size_t& at, std::string_view close, int& line, char& control) {
  static constexpr std::string_view kSymbols[] = {"==", "!=", "<=", ">=", "//", "**"};
  std::vector<Token> out;
  int depth = 0;
  while (at < source.size()) {
    const char c = source[at];
    const std::string_view rest = source.substr(at);
    control = (c == '-' || c == '+') && rest.substr(1).starts_with(close) ? c : '\0';
    if (depth == 0 && (control || rest.starts_with(close))) {
      at += close.size() + (control ? 1 : 0);
      out.push_back({});
      return out;
    }
    if (std::isspace(static_cast<unsigned char>(c))) {
      line += c == '\n';
      ++at;
    } else if (isNameStart(c)) {
      const auto end = std::find_if_not(rest.begin(), rest.end(), isNamePart);
      out.push_back({Token::Kind::Name, std::string(rest.begin(), end)});
      at += out.back().text.size();
    } else if (isDigit(c)) {
      std::size_t n = 0;
      bool real = false;
      while (n < rest.size() && (isDigit(rest[n]) || (rest[n] == '.' && !real && n + 1 < rest.size() && isDigit(rest[n + 1])))) real |= rest[n++] == '.';
      out.push_back({real ? Token::Kind::Real : Token::Kind::Integer, std::string(rest.substr(0, n))});
      at += n;
    } else if (c == '"' || c == '\'') {
      Token token{Token::Kind::Text, ""};
      for (++at; at < source.size() && source[at] != c; ++at) {
        line += source[at] == '\n';
        if (source[at] == '\\' && at + 1 < source.size())
          at = unescape(source, at + 1, token.text);
        else
          token.text += source[at];
      }
      if (at++ >= source.size()) stop(line, "a string has no end");
      out.push_back(std::move(token));
    } else {
      std::string symbol(1, c);
      for (const std::string_view s : kSymbols)
        if (rest.starts_with(s)) symbol = s;
      if (std::string_view("+-*/%~()[]{},.:|=<>!").find(c) == std::string_view::npos) stop(line, "unexpected character '" + symbol + "'");
      depth += c == '(' || c == '[' || c == '{';
      depth -= c == ')' || c == ']' || c == '}';
      out.push_back({Token::Kind::Symbol, symbol});
      at += symbol.size();
    }
  }
  stop(line, "\"" + std::string(close) + "\" is missing");
}

void trimRight(std::string& text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
}

// lstrip_blocks: blanks between the start of a line and a tag go.
void stripIndent(std::string& text, bool startOfSource) {
  std::size_t n = text.size();
  while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) --n;
  if (n == 0 ? startOfSource : text[n - 1] == '\n') text.resize(n);
}

}  // namespace

std::vector<Section> lex(std::string_view source) {
  if (source.ends_with('\n')) source.remove_suffix(1);  // keep_trailing_newline=False
  std::vector<Section> out;
  int line = 1;
  bool trimNext = false, dropNewline = false;
  std::size_t at = 0;
  while (at < source.size()) {
    std::size_t open = source.find('{', at);
    while (open != std::string_view::npos && (open + 1 >= source.size() || std::string_view("{%#").find(source[open + 1]) == std::string_view::npos))
      open = source.find('{', open + 1);
    Section text;
    text.line = line;
    text.text = std::string(source.substr(at, open == std::string_view::npos ? open : open - at));
    line += static_cast<int>(std::count(text.text.begin(), text.text.end(), '\n'));
    const bool first = at == 0;
    if (dropNewline && text.text.starts_with('\n')) text.text.erase(0, 1);
    // After a tag's newline was dropped the stretch begins a line, too.
    const bool startsLine = first || (dropNewline && at > 0 && source[at] == '\n');
    if (trimNext) text.text.erase(0, static_cast<std::size_t>(std::find_if_not(text.text.begin(), text.text.end(), [](unsigned char c) { return std::isspace(c); }) - text.text.begin()));
    trimNext = dropNewline = false;
    if (open == std::string_view::npos) {
      out.push_back(std::move(text));
      break;
    }
    const char mark = source[open + 1];
    at = open + 2;
    const bool minus = at < source.size() && source[at] == '-', plus = at < source.size() && source[at] == '+';
    if (minus || plus) ++at;
    if (minus) trimRight(text.text);
    if (mark != '{' && !minus && !plus) stripIndent(text.text, startsLine);
    if (!text.text.empty()) out.push_back(std::move(text));
    if (mark == '#') {
      const std::size_t end = source.find("#}", at);
      if (end == std::string_view::npos) stop(line, "a comment has no end");
      line += static_cast<int>(std::count(source.begin() + static_cast<std::ptrdiff_t>(at), source.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      trimNext = end > at && source[end - 1] == '-';
      dropNewline = true;
      at = end + 2;
      continue;
    }
    Section section;
    section.kind = mark == '{' ? Section::Kind::Output : Section::Kind::Tag;
    section.line = line;
    char control = 0;
    section.tokens = tokens(source, at, mark == '{' ? "}}" : "%}", line, control);
    trimNext = control == '-';
    dropNewline = mark == '%' && control != '+';
    out.push_back(std::move(section));
  }
  return out;
}

}  // namespace ts::chat
