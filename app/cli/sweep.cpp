// SPDX-License-Identifier: GPL-3.0-or-later
#include <iostream>

#include "app/cli/progress.h"
#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "experiments/schedule/scheduler.h"
#include "experiments/spec/sweep.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string file, store;
  int workers = 0;
  bool again = false;
};

Result<Json> run(Shell& shell, const Flags& flags) {
  TS_TRY(Sweep sweep, readSweep(flags.file));
  Progress progress(shell.quiet);
  SchedulerListener listener;
  listener.progress = [&](const SweepProgress& p) {
    const std::int64_t ended = p.done + p.reused + p.refused + p.failed;
    progress.update(p.fraction, std::to_string(ended) + " of " + std::to_string(p.plans) + " plans  " + p.current, p.secondsLeft);
  };
  listener.log = [&](const std::string& line) { progress.note(line); };
  Scheduler::Options options{.store = flags.store, .workers = flags.workers, .measureAgain = flags.again};
  TS_TRY(const std::unique_ptr<Scheduler> scheduler, Scheduler::start(std::move(sweep), options, listener));
  const std::stop_callback cancel(shell.stop.get_token(), [&] { scheduler->cancel(); });
  TS_TRY(const SweepProgress p, scheduler->wait());
  if (shell.stop.stop_requested())
    return fail(ErrorKind::Cancelled, "stopped; what was measured is kept, the same command goes on from here", flags.store);
  const Json j{{"plans", p.plans}, {"done", p.done}, {"reused", p.reused}, {"refused", p.refused}, {"failed", p.failed},
               {"seconds", p.secondsElapsed}, {"store", flags.store}};
  if (p.failed > 0 && p.done + p.reused == 0) return fail(ErrorKind::Internal, "every plan of the sweep failed; tradespace-cli export shows why", flags.store);
  progress.hide();
  if (!shell.json) {
    std::cout << countText(p.plans) << " plans in " << durationText(p.secondsElapsed) << ": " << p.done << " measured, " << p.reused
              << " already known, " << p.refused << " refused, " << p.failed << " failed\n";
  }
  return j;
}

}  // namespace

void addSweep(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "sweep", "Run the plans of a sweep file, or go on with those that are not measured yet", flags, &run);
  verb.positional("FILE", flags->file, "The sweep file (JSON)");
  verb.text("--store", flags->store, "The SQLite file that the results go into; made when it is not there", {.required = true});
  verb.number("--workers", flags->workers, "Plans whose quality is scored at once; 0: one per core", {0, 1024});
  verb.toggle("--again", flags->again, "Measure plans again that the store knows already");
}

}  // namespace ts::cli
