// SPDX-License-Identifier: GPL-3.0-or-later
#include <iostream>

#include "app/cli/input.h"
#include "app/cli/shell.h"
#include "app/cli/text.h"
#include "engine/core/model_path.h"
#include "engine/formats/checkpoint.h"
#include "engine/formats/tokenizer.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string model, text, file;
  bool noSpecial = false;
};

Result<Json> run(Shell& shell, const Flags& flags) {
  TS_TRY(const std::filesystem::path path, modelPath(flags.model));
  TS_TRY(const Checkpoint checkpoint, openCheckpoint(path, shell.stop.get_token()));
  TS_TRY(const Tokenizer* tokenizer, tokenizerOf(checkpoint));
  TS_TRY(const std::string text, textOrFile(flags.text, flags.file));
  const std::vector<int> ids = tokenizer->encode(text, {.addSpecial = !flags.noSpecial, .parseSpecial = !flags.noSpecial});
  Json pieces = Json::array();
  for (const int id : ids) pieces.push_back(std::string(tokenizer->piece(id)));
  const Json j{{"ids", ids}, {"pieces", pieces}, {"count", ids.size()}, {"text", tokenizer->decode(ids)}};
  if (!shell.json) {
    Table table({"id", "piece"});
    for (std::size_t i = 0; i < ids.size(); ++i) table.add({std::to_string(ids[i]), std::string(tokenizer->piece(ids[i]))});
    table.print(std::cout);
    std::cout << ids.size() << " tokens\n";
  }
  return j;
}

}  // namespace

void addTokenize(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "tokenize", "Text to token ids", flags, &run);
  verb.positional("MODEL", flags->model, "The model");
  verb.text("--text", flags->text, "The text");
  verb.text("--file", flags->file, "A text file; - is standard input");
  verb.oneOf({"--text", "--file"});
  verb.toggle("--no-special", flags->noSpecial, "Add no special tokens, and read none in the text");
}

}  // namespace ts::cli
