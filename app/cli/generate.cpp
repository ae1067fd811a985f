// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <iostream>

#include "app/cli/input.h"
#include "app/cli/load.h"
#include "app/cli/measures.h"
#include "app/cli/text.h"
#include "engine/decoding/decoder.h"
#include "engine/formats/chat_template.h"

namespace ts::cli {
namespace {

struct Flags {
  std::string model, prompt, promptFile;
  PlanFlags plan;
  GenerateOptions options;
  bool chat = false, noStop = false;
};

/// One user's message as the model's own chat template spells it, ready for the answer.
Result<std::string> chatPrompt(const Checkpoint& checkpoint, const std::string& message) {
  if (checkpoint.chatTemplate.empty())
    return fail(ErrorKind::Refused, "--chat needs a model with a chat template; this one carries none", checkpoint.path.string());
  const Tokenizer& tokenizer = *checkpoint.tokenizer;
  const auto spelled = [&](int id) { return id < 0 ? std::string_view() : tokenizer.piece(id); };
  const ChatMessage messages[] = {{"user", message}};
  return applyChatTemplate(checkpoint.chatTemplate, messages, true, spelled(tokenizer.bos()), spelled(tokenizer.eos()));
}

/// The q-th quantile of the gaps between tokens, nearest rank.
double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(q * static_cast<double>(values.size())))];
}

void printMeasures(const Generation& g) {
  Facts facts;
  facts.add("stopped by", g.stopReason);
  facts.add("first token", durationText(g.ttftMs / 1000) + " after the prompt of " + countText(static_cast<std::int64_t>(g.promptIds.size())) + " tokens");
  facts.add("decode", numberText(g.decodeTokensPerSecond) + " tokens/s over " + countText(static_cast<std::int64_t>(g.ids.size())) + " tokens");
  facts.add("memory", memoryText(g.memory));
  addEngaged(facts, g.engaged);
  std::cerr << "\n";
  facts.print(std::cerr);
}

Result<Json> run(Shell& shell, const Flags& flags) {
  Progress progress(shell.quiet);
  TS_TRY(std::string prompt, textOrFile(flags.prompt, flags.promptFile));
  TS_TRY(MachineHold hold, holdFor(MachineUse::Work, shell, progress));
  TS_TRY(Loaded loaded, load(shell, flags.model, flags.plan, progress));
  TS_TRY(const Tokenizer* tokenizer, tokenizerOf(loaded.checkpoint));
  if (flags.chat) {
    TS_TRY(prompt, chatPrompt(loaded.checkpoint, prompt));
  }
  // A chat template writes its own special tokens.
  const std::vector<int> ids = tokenizer->encode(prompt, {.addSpecial = !flags.chat, .parseSpecial = true});
  GenerateOptions options = flags.options;
  options.stopAtEnd = !flags.noStop;

  progress.hide();
  TokenSink sink;
  if (!shell.json) sink = [](int, std::string_view text) { std::cout << text << std::flush; };
  TS_TRY(const Generation g, generate(loaded.prepared, loaded.plan, ids, options, *loaded.pool, sink, shell.stop.get_token()));
  if (!shell.json) {
    std::cout << std::endl;
    if (!shell.quiet) printMeasures(g);
  }
  std::map<std::string, double> engaged = loaded.report;
  engaged.insert(g.engaged.begin(), g.engaged.end());
  return Json{{"prompt_ids", g.promptIds}, {"ids", g.ids}, {"text", g.text}, {"stop_reason", g.stopReason}, {"ttft_ms", g.ttftMs},
              {"decode_tokens_per_s", g.decodeTokensPerSecond},
              {"itl_ms", {{"p50", quantile(g.gapsMs, 0.5)}, {"p90", quantile(g.gapsMs, 0.9)}, {"p99", quantile(g.gapsMs, 0.99)}}},
              {"bytes", jsonOf(g.memory)}, {"plan", commandLine(loaded.plan)}, {"seed", options.seed}, {"engaged", engaged}};
}

}  // namespace

void addGenerate(CLI::App& app, Shell& shell) {
  auto flags = std::make_shared<Flags>();
  Verb verb = addVerb(app, shell, "generate", "Continue a prompt", flags, &run);
  verb.positional("MODEL", flags->model, "The model");
  verb.text("--prompt", flags->prompt, "The text to continue");
  verb.text("--prompt-file", flags->promptFile, "A file with the text to continue; - is standard input");
  verb.oneOf({"--prompt", "--prompt-file"});
  verb.number("--tokens", flags->options.tokens, "At most so many new tokens", {1, 1 << 24});
  verb.seed("--seed", flags->options.seed, "Seed of sampling");
  verb.toggle("--chat", flags->chat, "The prompt is a user's message: apply the model's chat template");
  verb.toggle("--no-stop", flags->noStop, "Go on after the model's stop tokens");
  addPlanFlags(verb, flags->plan);
}

}  // namespace ts::cli
