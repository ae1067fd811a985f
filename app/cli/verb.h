// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ts::cli {

/// Whole numbers a flag accepts; others are bad usage.
struct Between {
  std::int64_t low = 0, high = 0;
};

/// What a text flag accepts.
struct Accept {
  std::vector<std::string> choices = {};                             ///< one of these, if any are named
  std::function<std::string(const std::string&)> check = {};         ///< what is wrong with a text; empty: nothing
  std::string group = "Options";                                     ///< heading in the help
  bool required = false;
};

/// One subcommand: declares what it takes. The one door to the parser, so that a verb's file need not know it.
class Verb {
 public:
  explicit Verb(CLI::App& app) : app_(app) {}

  void positional(const std::string& name, std::string& value, const std::string& help);  ///< required
  void positional(const std::string& name, std::int64_t& value, const std::string& help);
  void text(const std::string& flag, std::string& value, const std::string& help, const Accept& accept = {});
  void texts(const std::string& flag, std::vector<std::string>& values, const std::string& help, const Accept& accept = {});  ///< may be repeated
  void number(const std::string& flag, std::int64_t& value, const std::string& help, Between range, const std::string& group = "Options");
  void number(const std::string& flag, int& value, const std::string& help, Between range, const std::string& group = "Options");
  void numbers(const std::string& flag, std::vector<std::int64_t>& values, const std::string& help, Between range);  ///< repeated or a,b,c
  void real(const std::string& flag, double& value, const std::string& help, double low, double high);
  void seed(const std::string& flag, std::uint64_t& value, const std::string& help);
  void toggle(const std::string& flags, bool& value, const std::string& help);
  void hidden(const std::string& flag, bool& value);  ///< for this program's own use: not in the help
  void oneOf(std::initializer_list<const char*> flags);  ///< exactly one of these must be given
  void whenChosen(std::function<void()> action);

 private:
  CLI::App& app_;
};

}  // namespace ts::cli
