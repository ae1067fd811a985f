// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/load.h"

#include "engine/core/model_path.h"

namespace ts::cli {

Result<Loaded> load(Shell& shell, const std::string& model, const PlanFlags& flags, Progress& progress) {
  const std::stop_token stop = shell.stop.get_token();
  Loaded loaded;
  TS_TRY(loaded.plan, planOf(flags));
  TS_TRY(const std::filesystem::path path, modelPath(model));
  TS_TRY(loaded.checkpoint, openCheckpoint(path, stop));
  TS_CHECK(check(loaded.plan, modelOffers(loaded.checkpoint.config, loaded.checkpoint.tokenizer != nullptr)));
  loaded.pool = std::make_unique<ThreadPool>(loaded.plan.threads);
  TS_TRY(loaded.dense, buildModel(loaded.checkpoint, *loaded.pool, stop));
  if (loaded.plan.weights.empty()) {
    loaded.prepared = loaded.dense;
    return loaded;
  }
  TransformContext context{.pool = *loaded.pool, .stop = stop};
  context.progress = [&](double fraction, std::string_view what) { progress.update(fraction, "preparing: " + std::string(what)); };
  TS_TRY(Prepared prepared, prepare(loaded.dense, loaded.plan.weights, context));
  loaded.prepared = std::move(prepared.model);
  loaded.report = std::move(prepared.report);
  return loaded;
}

Result<MachineHold> holdFor(MachineUse use, Shell& shell, Progress& progress) {
  TS_TRY(MachineHold hold, holdMachine(use, shell.stop.get_token(), [&](bool waiting) {
           if (waiting) progress.note(waitingText(use));
         }));
  if (!hold.problem().empty()) progress.note(hold.problem());
  return hold;
}

void giveWay(MachineHold& hold, Shell& shell, Progress& progress) {
  ts::giveWay(hold, shell.stop.get_token(), [&](bool waiting) {
    if (waiting) progress.note(waitingText(MachineUse::Work));
  });
}

std::string planText(const Plan& plan) {
  const std::string line = commandLine(plan);
  return line.empty() ? "dense" : line;
}

}  // namespace ts::cli
