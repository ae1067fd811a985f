// SPDX-License-Identifier: GPL-3.0-or-later
#include <map>
#include <mutex>

#include "engine/core/model_path.h"
#include "engine/formats/checkpoint.h"
#include "engine/model/model.h"
#include "engine/transforms/transform.h"
#include "engine/weights/provenance.h"
#include "experiments/schedule/measured_memory.h"
#include "experiments/schedule/runner.h"

namespace ts {
namespace {

class EngineRunner final : public Runner {
 public:
  Result<Opened> open(const std::string& model, std::stop_token stop) override {
    TS_TRY(const std::filesystem::path path, modelPath(model));
    TS_TRY(const Checkpoint checkpoint, openCheckpoint(path, stop));
    Opened opened;
    opened.record = {.path = model,
                     .name = checkpoint.config.name,
                     .architecture = checkpoint.config.architecture,
                     .format = checkpoint.weightFormat,
                     .fingerprint = checkpoint.fingerprint,
                     .parameters = static_cast<std::int64_t>(checkpoint.parameterCount()),
                     .fileBytes = static_cast<std::int64_t>(checkpoint.fileBytes)};
    opened.offers = modelOffers(checkpoint.config, checkpoint.tokenizer != nullptr);
    ThreadPool pool(0);
    TS_TRY(opened.dense.model, buildModel(checkpoint, pool, stop));
    opened.dense.bytes = opened.dense.model->weightBytes();
    opened.arithmetic = arithmetic();
    opened.provenance = programProvenance();
    return opened;
  }

  Result<std::string> fingerprint(const std::string& model) override {
    const std::lock_guard lock(mutex_);
    if (const auto it = fingerprints_.find(model); it != fingerprints_.end()) return it->second;
    TS_TRY(const std::filesystem::path path, modelPath(model));
    TS_TRY(const Checkpoint checkpoint, openCheckpoint(path));
    return fingerprints_[model] = checkpoint.fingerprint;
  }

  Result<PreparedModel> prepare(const PreparedModel& base, std::span<const StrategySpec> weights, int threads,
                                std::stop_token stop) override {
    ThreadPool pool(threads);
    TransformContext context{.pool = pool, .stop = stop};
    TS_TRY(Prepared prepared, ts::prepare(base.model, {weights.begin(), weights.end()}, context));
    PreparedModel model{std::move(prepared.model), std::move(prepared.report)};
    model.bytes = model.model->weightBytes();
    return model;
  }

  Result<EvaluationResult> evaluate(const PreparedModel& prepared, const PreparedModel& dense, const Plan& plan,
                                    const EvaluationOptions& options, int threads,
                                    const EvaluationHooks& hooks) override {
    ThreadPool pool(threads);
    return ts::evaluate(prepared.model, dense.model, plan, options, pool, hooks);
  }

  Result<BenchResult> bench(const PreparedModel& prepared, const Plan& plan, const BenchOptions& options, int threads,
                            const EvaluationHooks& hooks) override {
    ThreadPool pool(threads);
    return ts::bench(prepared.model, plan, options, pool, hooks);
  }

  Result<std::map<std::string, double>> memory(const std::string& model, const Plan& plan, const BenchOptions& options,
                                               std::stop_token stop) override {
    return measuredMemory(model, plan, options, stop);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> fingerprints_;
};

}  // namespace

std::unique_ptr<Runner> makeEngineRunner() {
  return std::make_unique<EngineRunner>();
}

}  // namespace ts
