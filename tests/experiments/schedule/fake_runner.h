// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "engine/model/model.h"
#include "experiments/schedule/runner.h"
#include "experiments/spec/chain.h"

namespace ts {

/// What a FakeRunner saw, shared with the test that gave the runner away.
struct Witness {
  std::mutex mutex;
  std::vector<std::string> prepared, evaluated, benched;  ///< chain texts
  std::atomic<int> evaluating = 0, mostAtOnce = 0;
  std::atomic<bool> overlapped = false;  ///< something else ran while a latency was measured
  std::atomic<int> benching = 0;
  std::atomic<int> knownItems = 0, scoredItems = 0;

  std::size_t count(const std::vector<std::string>& list) {
    const std::lock_guard lock(mutex);
    return list.size();
  }
  void note(std::vector<std::string>& list, const std::string& text) {
    const std::lock_guard lock(mutex);
    list.push_back(text);
  }
};

/// Measures nothing but takes its time: quality is `items` samples of `itemMs`, latency `benchMs`.
struct FakeRunner final : Runner {
  explicit FakeRunner(std::shared_ptr<Witness> witness) : witness(std::move(witness)) {}
  std::shared_ptr<Witness> witness;
  std::string arithmetic = "exact", version;
  std::function<double(const Plan&, int)> noise = [](const Plan&, int) { return 0.0; };
  int benches = 0;
  int items = 4, itemMs = 1, benchMs = 1;
  std::function<Result<void>(const Plan&)> onEvaluate = [](const Plan&) -> Result<void> { return {}; };
  std::function<Result<void>(std::span<const StrategySpec>)> onPrepare = [](auto) -> Result<void> { return {}; };
  std::function<void(std::int64_t item)> onItem = [](std::int64_t) {};

  static bool sleep(int ms, const std::stop_token& stop) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (std::chrono::steady_clock::now() < until) {
      if (stop.stop_requested()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return !stop.stop_requested();
  }

  Result<Opened> open(const std::string& model, std::stop_token) override {
    if (model == "missing") return fail(ErrorKind::Io, "no such model", model);
    Opened opened;
    opened.record = {.path = model, .name = model, .fingerprint = "f-" + model};
    opened.offers = {"causal", "attention"};
    opened.dense.model = std::make_shared<Model>();
    opened.dense.bytes = 1;
    opened.arithmetic = arithmetic;
    opened.provenance = {{"isa", "fake"}};
    return opened;
  }
  Result<std::string> fingerprint(const std::string& model) override { return "f-" + model + version; }
  Result<PreparedModel> prepare(const PreparedModel&, std::span<const StrategySpec> weights, int,
                                std::stop_token stop) override {
    witness->note(witness->prepared, chainText({weights.begin(), weights.end()}));
    if (const auto ok = onPrepare(weights); !ok) return tl::unexpected(ok.error());
    if (!sleep(2, stop)) return fail(ErrorKind::Cancelled, "stopped");
    return PreparedModel{std::make_shared<Model>(), {{weights.back().id + ".made", 1.0}}, 1};
  }
  Result<EvaluationResult> evaluate(const PreparedModel&, const PreparedModel&, const Plan& plan,
                                    const EvaluationOptions& options, int, const EvaluationHooks& hooks) override {
    witness->note(witness->evaluated, chainText(plan.weights) + "|" + chainText(plan.kv));
    if (const auto ok = onEvaluate(plan); !ok) return tl::unexpected(ok.error());
    struct Count {
      Witness& w;
      explicit Count(Witness& witness) : w(witness) {
        const int now = ++w.evaluating;
        for (int most = w.mostAtOnce; most < now && !w.mostAtOnce.compare_exchange_weak(most, now);) {
        }
      }
      ~Count() { --w.evaluating; }
    } count(*witness);
    EvaluationResult result{.task = options.task, .dataFingerprint = "data"};
    for (std::int64_t item = 0; item < items; ++item) {
      if (witness->benching > 0) witness->overlapped = true;
      const auto known = std::ranges::find(hooks.known, item, &Sample::item);
      if (known != hooks.known.end()) {
        result.samples.push_back(*known);
        ++witness->knownItems;
      } else {
        onItem(item);
        if (!sleep(itemMs, hooks.stop)) return fail(ErrorKind::Cancelled, "stopped");
        result.samples.push_back({item, {{"nll", 2.0}, {"tokens", 10}}});
        ++witness->scoredItems;
        hooks.sample(result.samples.back());
      }
      --witness->evaluating;  // between two items it may be kept waiting
      hooks.progress(item + 1, items);
      ++witness->evaluating;
      if (hooks.stop.stop_requested()) return fail(ErrorKind::Cancelled, "stopped");
    }
    result.metrics["perplexity"] = {7.0 + static_cast<double>(plan.weights.size()), 0.1, items};
    return result;
  }
  Result<std::map<std::string, double>> memory(const std::string&, const Plan&, const BenchOptions&, std::stop_token) override {
    return std::map<std::string, double>{{"peak_bytes", 2000}, {"forecast_bytes", 1900}};
  }
  Result<BenchResult> bench(const PreparedModel&, const Plan& plan, const BenchOptions&, int,
                            const EvaluationHooks& hooks) override {
    witness->note(witness->benched, chainText(plan.weights) + "|" + chainText(plan.kv));
    ++witness->benching;
    if (witness->evaluating > 0 || witness->benching > 1) witness->overlapped = true;
    const bool whole = sleep(benchMs, hooks.stop);
    if (witness->evaluating > 0) witness->overlapped = true;
    --witness->benching;
    if (!whole) return fail(ErrorKind::Cancelled, "stopped");
    BenchResult result;
    result.decodeTokensPerSecond = {100, 98, 102, {98, 100, 102}, 0.75};
    result.noise = noise(plan, ++benches);
    result.memory.weights = 1000 / (1 + plan.weights.size());
    return result;
  }
};

}  // namespace ts
