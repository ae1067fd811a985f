// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/shell.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <iostream>
#include <new>

#include "app/cli/interrupt.h"

namespace ts::cli {
namespace {

std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

void report(const Error& error, bool json) {
  if (json) {
    std::cout << dump({{"error", {{"message", error.message}, {"where", error.where}, {"kind", name(error.kind)}}}}) << std::endl;
    return;
  }
  std::cerr << "tradespace-cli: " << error.message << '\n';
  if (!error.where.empty()) std::cerr << "  at: " << error.where << '\n';
}

/// CLI11 says "--flag: what was wrong"; the flag is where.
Error usageError(const CLI::ParseError& e, const CLI::App& app) {
  std::string where = "tradespace-cli";
  for (const CLI::App* verb : app.get_subcommands()) where += " " + verb->get_name();
  std::string message = e.what();
  if (const auto colon = message.find(": "); message.starts_with("--") && colon != std::string::npos) {
    where += " " + message.substr(0, colon);
    message = message.substr(colon + 2);
  }
  return {ErrorKind::InvalidInput, message + "  (see " + where.substr(0, where.find(" --")) + " --help)", where};
}

void printVersions(const Json& versions) {
  std::cout << "tradespace-cli " << versions["version"].get<std::string>() << '\n';
  for (const auto& [key, value] : versions.items())
    if (key != "version") std::cout << "  " << key << ": " << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
}

int perform(Shell& shell) {
  const Result<Json> result = shell.action(shell);
  if (!result) {
    report(result.error(), shell.json);
    return 1;
  }
  if (shell.json) std::cout << dump(*result) << std::endl;
  return std::cout.flush() ? shell.status : 1;
}

}  // namespace

Verb newVerb(CLI::App& app, Shell& shell, const std::string& name, const std::string& help) {
  CLI::App& command = *app.add_subcommand(name, help);
  command.add_flag("--json", shell.json, "Print one JSON object");
  command.add_flag("-q,--quiet", shell.quiet, "Show no progress");
  return Verb(command);
}

int runShell(int argc, char** argv) {
  Shell shell;
  bool version = false;
  CLI::App app("What does each way of making a language model cheaper cost in quality, latency and memory, on this machine?", "tradespace-cli");
  app.require_subcommand(0, 1);
  app.add_flag("--version", version, "Versions of the engine and its libraries, and the instruction sets in use");
  app.add_flag("--json", shell.json, "Print one JSON object");
  app.footer("MODEL is a GGUF file, a Hugging Face folder, or embedded:NAME (embedded:ts-16m comes with the program).\n"
             "Exit status: 0 done, 1 the run failed, 2 bad usage.");
  for (auto add : {addInfo, addTokenize, addStrategies, addGenerate, addEval, addBench, addCompress, addSweep, addFront, addCompare,
                   addExport, addRerun})
    add(app, shell);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    report(usageError(e, app), std::any_of(argv, argv + argc, [](const char* a) { return std::strcmp(a, "--json") == 0; }));
    return 2;
  }
  if (version) {
    const Json all = versions();
    if (shell.json) std::cout << dump(all) << '\n';
    else printVersions(all);
    return 0;
  }
  if (!shell.action) {
    report({ErrorKind::InvalidInput, "no command given; see tradespace-cli --help", "tradespace-cli"}, shell.json);
    return 2;
  }
  const Interrupt interrupt(shell.stop);
  try {
    return perform(shell);
  } catch (const std::bad_alloc&) {
    report({ErrorKind::OutOfMemory, "memory ran out; a smaller model, context or number of workers may fit", ""}, shell.json);
    return 1;
  } catch (const std::exception& exception) {
    report({ErrorKind::Internal, std::string("this should not have happened: ") + exception.what(), ""}, shell.json);
    return 1;
  }
}

}  // namespace ts::cli
