// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "app/cli/verb.h"
#include "engine/core/result.h"

namespace ts::cli {

using Json = nlohmann::ordered_json;

/// What every verb shares: how it reports, and the request to stop.
///
/// A verb declares its flags on a subcommand and sets `action` when it is chosen. The action returns the verb's one JSON
/// object; when `json` is not set it has printed the same for people, on standard output. Progress goes to standard error.
struct Shell {
  bool json = false;
  bool quiet = false;  ///< no progress
  std::stop_source stop;
  int status = 0;      ///< exit status of a verb that did its work and found something amiss
  std::function<Result<Json>(Shell&)> action;
};

/// The subcommand `name` with the flags that all verbs have; `run` becomes the shell's action when it is chosen.
Verb newVerb(CLI::App& app, Shell& shell, const std::string& name, const std::string& help);
template <class Flags>
Verb addVerb(CLI::App& app, Shell& shell, const std::string& name, const std::string& help, std::shared_ptr<Flags> flags,
             Result<Json> (*run)(Shell&, const Flags&)) {
  Verb verb = newVerb(app, shell, name, help);
  verb.whenChosen([&shell, flags, run] { shell.action = [flags, run](Shell& s) { return run(s, *flags); }; });
  return verb;
}

/// Runs the program and gives its exit status: 0, 1 (the run failed), 2 (bad usage).
int runShell(int argc, char** argv);

// One a verb, each in its own file.
void addInfo(CLI::App& app, Shell& shell);
void addTokenize(CLI::App& app, Shell& shell);
void addStrategies(CLI::App& app, Shell& shell);
void addGenerate(CLI::App& app, Shell& shell);
void addEval(CLI::App& app, Shell& shell);
void addBench(CLI::App& app, Shell& shell);
void addCompress(CLI::App& app, Shell& shell);
void addSweep(CLI::App& app, Shell& shell);
void addFront(CLI::App& app, Shell& shell);
void addCompare(CLI::App& app, Shell& shell);
void addExport(CLI::App& app, Shell& shell);
void addRerun(CLI::App& app, Shell& shell);

/// What `--version` says: versions of the engine and of the libraries that compute, the instruction sets in use.
Json versions();

}  // namespace ts::cli
