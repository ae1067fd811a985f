// SPDX-License-Identifier: GPL-3.0-or-later
#include <iostream>

#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "experiments/store/store.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string store, csv;
};

Result<Json> run(Shell& shell, const Flags& flags) {
  TS_TRY(const std::unique_ptr<Store> store, Store::open(flags.store, Store::Mode::ReadOnly));
  TS_TRY(const std::int64_t rows, store->exportCsv(flags.csv));
  if (!shell.json) std::cout << countText(rows) << " runs written to " << flags.csv << "\n";
  return Json{{"rows", rows}, {"path", flags.csv}};
}

}  // namespace

void addExport(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "export", "All runs of a store as a CSV file", flags, &run);
  verb.positional("STORE", flags->store, "The store");
  verb.text("--csv", flags->csv, "The file to write", {.required = true});
}

}  // namespace ts::cli
