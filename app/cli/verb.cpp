// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/verb.h"

#include <CLI/CLI.hpp>

namespace ts::cli {
namespace {

void accept(CLI::Option& option, const Accept& rules) {
  option.group(rules.group)->required(rules.required);
  if (!rules.choices.empty()) option.check(CLI::IsMember(rules.choices));
  if (rules.check) option.check(CLI::Validator([check = rules.check](std::string& text) { return check(text); }, ""));
}

template <class T>
void addNumber(CLI::App& app, const std::string& flag, T& value, const std::string& help, Between range, const std::string& group) {
  app.add_option(flag, value, help)->check(CLI::Range(range.low, range.high))->capture_default_str()->group(group);
}

}  // namespace

void Verb::positional(const std::string& name, std::string& value, const std::string& help) { app_.add_option(name, value, help)->required(); }
void Verb::positional(const std::string& name, std::int64_t& value, const std::string& help) { app_.add_option(name, value, help)->required(); }

void Verb::text(const std::string& flag, std::string& value, const std::string& help, const Accept& rules) {
  CLI::Option& option = *app_.add_option(flag, value, help);
  if (!value.empty()) option.capture_default_str();
  accept(option, rules);
}
void Verb::texts(const std::string& flag, std::vector<std::string>& values, const std::string& help, const Accept& rules) {
  CLI::Option& option = *app_.add_option(flag, values, help);
  option.allow_extra_args(false);
  accept(option, rules);
}

void Verb::number(const std::string& flag, std::int64_t& value, const std::string& help, Between range, const std::string& group) {
  addNumber(app_, flag, value, help, range, group);
}
void Verb::number(const std::string& flag, int& value, const std::string& help, Between range, const std::string& group) {
  addNumber(app_, flag, value, help, range, group);
}
void Verb::numbers(const std::string& flag, std::vector<std::int64_t>& values, const std::string& help, Between range) {
  app_.add_option(flag, values, help)->check(CLI::Range(range.low, range.high))->delimiter(',')->allow_extra_args(false);
}
void Verb::real(const std::string& flag, double& value, const std::string& help, double low, double high) {
  app_.add_option(flag, value, help)->check(CLI::Range(low, high))->capture_default_str();
}
void Verb::seed(const std::string& flag, std::uint64_t& value, const std::string& help) { app_.add_option(flag, value, help)->capture_default_str(); }
void Verb::toggle(const std::string& flags, bool& value, const std::string& help) { app_.add_flag(flags, value, help); }
void Verb::hidden(const std::string& flag, bool& value) { app_.add_flag(flag, value)->group(""); }

void Verb::oneOf(std::initializer_list<const char*> flags) {
  std::vector<CLI::Option*> options;
  for (const char* flag : flags) options.push_back(app_.get_option(flag));
  CLI::Option_group* group = app_.add_option_group("one of these");
  for (CLI::Option* option : options) group->add_option(option);
  group->require_option(1);
}

void Verb::whenChosen(std::function<void()> action) { app_.callback(std::move(action)); }

}  // namespace ts::cli
