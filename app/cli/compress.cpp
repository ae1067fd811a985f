// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/model/save.h"

#include <iostream>

#include "app/cli/load.h"
#include "app/cli/text.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string model, out;
  PlanFlags plan;
};

Result<Json> run(Shell& shell, const Flags& flags) {
  Progress progress(shell.quiet);
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, shell, progress));
  TS_TRY(const Loaded loaded, load(shell, flags.model, flags.plan, progress));
  TS_TRY(const Saved saved, saveModel(flags.out, *loaded.prepared, loaded.checkpoint, shell.stop.get_token()));
  progress.hide();
  if (!shell.json) {
    Facts facts;
    facts.add("recipe", planText(loaded.plan));
    facts.add("written", flags.out);
    facts.add("bytes", bytesText(static_cast<double>(saved.bytes)) + ", from " + bytesText(static_cast<double>(loaded.checkpoint.fileBytes)));
    std::string types;
    for (const auto& [type, count] : saved.types) types += (types.empty() ? "" : ", ") + std::to_string(count) + " " + type;
    facts.add("matrices", types);
    addEngaged(facts, loaded.report);
    facts.print(std::cout);
  }
  return Json{{"path", flags.out}, {"bytes", saved.bytes}, {"from_bytes", loaded.checkpoint.fileBytes}, {"types", saved.types},
              {"plan", commandLine(loaded.plan)}, {"engaged", loaded.report}};
}

}  // namespace

void addCompress(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "compress", "Apply weight transforms and write the model as a GGUF file", flags, &run);
  verb.positional("MODEL", flags->model, "The model");
  verb.text("--out", flags->out, "The file to write", {.required = true});
  addWeightFlags(verb, flags->plan);
}

}  // namespace ts::cli
