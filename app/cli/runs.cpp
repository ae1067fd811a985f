// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/runs.h"

#include <set>

namespace ts::cli {

Result<std::unique_ptr<Store>> openStore(const std::string& path) { return Store::open(path, Store::Mode::ReadOnly); }

std::vector<std::string> notComparable(const std::vector<RunRecord>& runs) {
  std::set<std::string> models, hosts, tasks, data, engines;
  for (const RunRecord& run : runs) {
    if (run.state != RunState::Done) continue;
    models.insert(run.model.fingerprint);
    hosts.insert(run.host.name + "/" + run.host.cpu);
    tasks.insert(run.task);
    data.insert(run.dataFingerprint);
    engines.insert(run.engineVersion);
  }
  std::vector<std::string> warnings;
  const auto differ = [&](const std::set<std::string>& values, const char* what) {
    if (values.size() > 1) warnings.push_back("these runs differ in " + std::string(what) + " (" + std::to_string(values.size()) + "): their numbers are not of one experiment");
  };
  differ(models, "the model");
  differ(hosts, "the machine");
  differ(tasks, "the task");
  differ(data, "the data");
  differ(engines, "the engine's version");
  return warnings;
}

}  // namespace ts::cli
