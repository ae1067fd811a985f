// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "experiments/store/records.h"

namespace ts {

/// A sweep as it could have come out: weights x key/value x decoding, with the metrics of a small model, a run that failed
/// and one that was refused. Numbers follow simple formulas, so that the front is known.
inline std::vector<RunRecord> sampleRuns() {
  struct Choice {
    const char* text;
    double bytes, loss, speed;
  };
  const Choice weights[] = {{"", 31.5e6, 0, 1}, {"q8", 17.2e6, 0.0004, 1.6}, {"q4:group=32", 9.9e6, 0.03, 2.3}, {"gptq:bits=4,group=32", 9.9e6, 0.014, 2.3}, {"awq:bits=4", 9.6e6, 0.017, 2.28}, {"flap:sparsity=0.2", 26.1e6, 0.21, 1.2}};
  const Choice kv[] = {{"", 4.2e6, 0, 1}, {"q8", 1.2e6, 0.0003, 1.02}, {"h2o:budget=0.2", 0.9e6, 0.05, 1.15}};
  const Choice decode[] = {{"", 0, 0, 1}, {"speculative:drafter=ngram,length=4", 0.1e6, 0, 1.35}};
  std::vector<RunRecord> runs;
  for (const auto& w : weights)
    for (const auto& k : kv)
      for (const auto& d : decode) {
        RunRecord run;
        run.id = static_cast<std::int64_t>(runs.size()) + 1;
        run.sweep = 1;
        run.key = "key" + std::to_string(run.id);
        run.model = {1, "embedded:ts-16m", "ts-16m", "llama", "F16", "fdc8c26238a954e8", 15'700'000, 31'500'000};
        run.host = {1, "Example CPU", "avx2", "6.1", "bench", 8, 32'000'000'000};
        run.task = "wikitext2";
        run.state = RunState::Done;
        run.engineVersion = "0.1.0";
        run.started = "2026-01-15T10:00:00Z";
        run.finished = "2026-01-15T10:00:40Z";
        const auto set = [&](const char* family, const char* text, const char* flag) {
          if (!*text) return;
          const std::string whole = text, id = whole.substr(0, whole.find(':'));
          run.settings[family] = whole;
          if (whole.size() > id.size()) run.settings[std::string(family) + "." + id] = whole.substr(id.size() + 1);
          run.commandLine += std::string(" ") + flag + " '" + whole + "'";
        };
        run.commandLine = "tradespace-cli eval embedded:ts-16m --task wikitext2";
        set("weights", w.text, "--weights");
        set("kv", k.text, "--kv");
        set("decode", d.text, "--decode");
        run.plan = run.commandLine;
        const double wobble = 0.004 * std::sin(static_cast<double>(run.id) * 12.9898);
        const double nll = std::log(38.2) + w.loss + k.loss + wobble;
        run.metrics["perplexity"] = {std::exp(nll), 0.35 + 0.1 * w.loss, 64};
        run.metrics["kl_mean"] = {w.loss + k.loss + 1e-5, 0.0008, 64};
        run.metrics["decode_tokens_per_s"] = {118 * w.speed * k.speed * d.speed * (1 + 8 * wobble), 2.5, 5};
        run.metrics["prefill_tokens_per_s"] = {2100 * std::sqrt(w.speed), 40.0, 5};
        run.metrics["ttft_ms"] = {61 / std::sqrt(w.speed), 1.2, 5};
        run.metrics["bytes_weights"] = {w.bytes, {}, {}};
        run.metrics["bytes_kv"] = {k.bytes, {}, {}};
        run.metrics["bytes_total"] = {w.bytes + k.bytes + d.bytes + 3.1e6, {}, {}};
        run.metrics["quality_seconds"] = {18, {}, {}};
        run.metrics["latency_seconds"] = {6, {}, {}};
        run.engaged["kv.rows"] = 512;
        if (*d.text) run.engaged["draft.accepted"] = 211;
        run.noisy = run.id == 9;
        runs.push_back(run);
      }
  RunRecord failed = runs.back();
  failed.metrics.clear();
  failed.engaged.clear();
  failed.noisy = false;
  ++failed.id;
  failed.key = "failed";
  failed.state = RunState::Failed;
  failed.failureKind = "out of memory";
  failed.message = "the calibration needs 3.1 GB, and 2.0 GB are free";
  failed.settings["weights"] = "gptq:bits=3,group=64";
  runs.push_back(failed);
  RunRecord refused = failed;
  ++refused.id;
  refused.key = "refused";
  refused.state = RunState::Refused;
  refused.failureKind = "refused";
  refused.message = "'h2o' and 'window' both claim the rows that are kept (kv.policy)";
  refused.settings["kv"] = "h2o:budget=0.2 + window";
  runs.push_back(refused);
  return runs;
}

}  // namespace ts
