// SPDX-License-Identifier: GPL-3.0-or-later
// Choice tasks whose lines need no more than a suffix to become lm-evaluation-harness's prompts.
#include "engine/evaluation/choice.h"

namespace ts {

namespace {

constexpr const char* kForm =
    "JSON lines of \"query\", \"choices\", \"gold\", or of \"context\", \"continuation\", or of \"context_options\", "
    "\"continuation\", \"gold\"";

Task choiceTask(std::string name, std::string title, std::string help, std::string data, std::vector<std::string> metrics, std::string suffix = {}) {
  return {.name = std::move(name), .title = std::move(title), .help = std::move(help), .data = std::move(data), .form = kForm,
          .metrics = std::move(metrics), .higherIsBetter = true,
          .run = [read = readPlainChoice(std::move(suffix))](TaskRun& run) { return runChoices(run, read); }};
}

const TaskRegistration lambada(choiceTask("lambada", "LAMBADA", "the last word of a passage; acc: greedy decoding finds it, perplexity: of that word",
                                          "lambada_openai.test.jsonl.xz", {"acc", "perplexity"}));
const TaskRegistration hellaswag(choiceTask("hellaswag", "HellaSwag", "the likeliest of four continuations of a description (1000 of the validation set)",
                                            "hellaswag.validation-1000.jsonl.xz", {"acc_norm", "acc"}));
const TaskRegistration piqa(choiceTask("piqa", "PIQA", "the better of two ways to a physical goal", "piqa.validation.jsonl.xz", {"acc_norm", "acc"}, "\nAnswer:"));
const TaskRegistration arcEasy(choiceTask("arc_easy", "ARC easy", "school science questions", "arc_easy.test.jsonl.xz", {"acc_norm", "acc"}, "\nAnswer:"));
const TaskRegistration arcChallenge(choiceTask("arc_challenge", "ARC challenge", "school science questions that simple methods fail",
                                               "arc_challenge.test.jsonl.xz", {"acc_norm", "acc"}, "\nAnswer:"));
const TaskRegistration winogrande(choiceTask("winogrande", "WinoGrande", "who a pronoun means: the context under which the ending is likelier",
                                             "winogrande.validation.jsonl.xz", {"acc"}));
const TaskRegistration own(choiceTask("choices", "Own questions", "the user's own lines, scored as they stand", "", {"acc", "acc_norm"}));

}  // namespace

}  // namespace ts
