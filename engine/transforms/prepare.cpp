// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "engine/registry/registry.h"
#include "engine/transforms/default_calibration.h"
#include "engine/transforms/targets.h"

namespace ts {

Result<Prepared> prepare(std::shared_ptr<const Model> dense, const std::vector<StrategySpec>& weights, TransformContext& context) {
  Prepared prepared;
  if (weights.empty()) {
    prepared.model = std::move(dense);
    return prepared;
  }
  std::vector<std::unique_ptr<WeightTransform>> transforms;
  bool needsCalibration = false;
  for (const StrategySpec& spec : weights) {
    TS_TRY(auto transform, registry().make<WeightTransform>(Family::Weights, spec));
    needsCalibration |= transform->needsCalibration();
    transforms.push_back(std::move(transform));
  }
  if (needsCalibration && context.calibration.empty()) {
    if (!dense->tokenizer)
      return fail(ErrorKind::Refused, "calibration needs token ids, and this model carries no tokenizer to make them from text", "--weights " + toText(weights.front()));
    const int length = static_cast<int>(std::min<std::int64_t>(kCalibrationLength, dense->config.contextLength));
    if (length < 2)
      return fail(ErrorKind::Refused, "calibration needs sequences of at least 2 tokens, and this model's context is " + std::to_string(length), "--weights " + toText(weights.front()));
    TS_TRY(context.calibration, defaultCalibration(*dense->tokenizer, kCalibrationSequences, length));
  }
  auto model = std::make_shared<Model>(*dense);
  const auto progress = context.progress;
  for (std::size_t i = 0; i < transforms.size(); ++i) {
    TS_CHECK(stopRequested(context, "--weights " + toText(weights[i])));
    const double share = 1.0 / static_cast<double>(transforms.size());
    context.progress = [&](double fraction, std::string_view what) { progress((static_cast<double>(i) + fraction) * share, what); };
    auto report = transforms[i]->apply(*model, context);
    context.progress = progress;
    if (!report) return tl::unexpected(std::move(report).error());
    // The same transform may come twice (awq for attention, then for the MLP): a later one does not hide an earlier one.
    for (const auto& [key, value] : *report) {
      std::string name = key;
      for (int n = 2; prepared.report.contains(name); ++n) name = key + "#" + std::to_string(n);
      prepared.report[name] = value;
    }
  }
  prepared.report["weights.bytes_before"] = static_cast<double>(dense->weightBytes());
  prepared.report["weights.bytes_after"] = static_cast<double>(model->weightBytes());
  progress(1.0, "weights");
  prepared.model = std::move(model);
  return prepared;
}

}  // namespace ts
