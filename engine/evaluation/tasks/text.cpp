// SPDX-License-Identifier: GPL-3.0-or-later
// Perplexity tasks.
#include "engine/evaluation/perplexity.h"

namespace ts {

namespace {

constexpr const char* kForm = "plain text in UTF-8";

const TaskRegistration wikitext2({
    .name = "wikitext2",
    .title = "WikiText-2 perplexity",
    .help = "llama.cpp's protocol: chunks of --context tokens, each scored alone, targets after its middle",
    .data = "wikitext-2-raw.test.txt.xz",
    .form = kForm,
    .metrics = {"perplexity", "bits_per_byte"},
    .higherIsBetter = false,
    .run = [](TaskRun& run) { return runPerplexity(run, PerplexityProtocol::Chunks); },
});

const TaskRegistration wikitext2Strided({
    .name = "wikitext2-strided",
    .title = "WikiText-2 perplexity, sliding window",
    .help = "windows of --context tokens moving by half; every token counts once",
    .data = "wikitext-2-raw.test.txt.xz",
    .form = kForm,
    .metrics = {"perplexity", "bits_per_byte"},
    .higherIsBetter = false,
    .run = [](TaskRun& run) { return runPerplexity(run, PerplexityProtocol::Strided); },
});

}  // namespace

}  // namespace ts
