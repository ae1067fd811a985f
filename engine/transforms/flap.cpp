// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "engine/transforms/flap_score.h"
#include "engine/transforms/parameters.h"
#include "engine/transforms/prune.h"
#include "engine/transforms/sites.h"

namespace ts {
namespace {

/// FLAP: removes the attention heads and MLP neurons whose activations vary least around their mean, and puts that mean's contribution into
/// a bias (An et al. 2023, arXiv 2312.11983). The matrices really shrink: rows of q, k, v, gate and up, columns of o and down.
///
/// The score of an input channel of o or down is WIFV, Var(x_j) ||W[:, j]||² (flap_score.h); for o it is squared. Scores are standardized per layer
/// and module, averaged over a head's channels, and the lowest go until `sparsity` of the blocks' parameters is gone, heads and neurons in
/// one ranking, weighted by the parameters they hold. Checked against CASIA-IVA-Lab/FLAP (lib/prune.py, structure AL-AM, metric WIFV). Different
/// here: variances are exact over all tokens (there, a recurrence over samples); a head costs what this model's head holds (there 512/3 neurons);
/// query heads of grouped attention go one by one, a key/value head when its last query head has gone; each layer keeps `keep` of its units
/// and a multiple of `multiple` neurons.
///
/// All statistics come from the dense model, before anything is removed. A query/key norm over all heads at once (OLMo 2) would change
/// with each head removed: there only neurons go, and "attention" alone is refused.
class Flap : public WeightTransform {
 public:
  Flap(double sparsity, bool bias, bool wholeGroups, double keep, std::int64_t multiple, Targets targets)
      : sparsity_(sparsity), bias_(bias), wholeGroups_(wholeGroups), keep_(keep), multiple_(multiple), targets_(targets) {}

  bool needsCalibration() const override { return true; }

  Result<TransformReport> apply(Model& model, TransformContext& context) const override {
    Targets targets = targets_;
    if (model.config.qkNorm == QkNorm::Whole) {
      targets.attention = false;
      if (!targets.mlp)
        return fail(ErrorKind::Refused, "'flap' cannot remove heads of this model: its query/key norm runs over all heads together; use targets=mlp or all",
                    "--weights flap");
    }
    TS_TRY(const std::vector<LayerMeans> means, score(model, context, targets));
    std::vector<PrunableModule> modules;
    for (const LayerMeans& layer : means) {
      modules.push_back(layer.heads);
      modules.push_back(layer.neurons);
    }
    const auto keep = selectUnits(modules, sparsity_);
    return prune(model, context, means, keep);
  }

 private:
  struct LayerMeans {
    PrunableModule heads, neurons;
    std::vector<float> outputMean, downMean;
  };

  Result<std::vector<LayerMeans>> score(const Model& model, TransformContext& context, const Targets& targets) const {
    Calibration calibration(model, context);
    std::vector<LayerMeans> layers;
    for (int layer = 0; layer < static_cast<int>(model.blocks.size()); ++layer) {
      const Block& block = model.blocks[static_cast<std::size_t>(layer)];
      context.progress(layer / static_cast<double>(model.blocks.size()), "flap");
      const auto wanted = [&](Site site) { return (site == Site::Output && targets.attention) || (site == Site::Down && targets.mlp); };
      TS_TRY(const SiteStatistics statistics, observeSites(calibration, block, layer, wanted, false, context.pool, true));
      LayerMeans& mine = layers.emplace_back();
      if (targets.attention) {
        const InputStatistics& input = statistics.of(Site::Output);
        mine.outputMean = input.mean();
        mine.heads = headModule(model.config, block, input);
      }
      if (targets.mlp) {
        const InputStatistics& input = statistics.of(Site::Down);
        mine.downMean = input.mean();
        mine.neurons.scores = fluctuation(input.variance(), unpack(*block.down.weight));
        standardize(mine.neurons.scores);
        mine.neurons.cost = static_cast<double>(model.config.hidden) * (block.gate.weight ? 3 : 2);
        mine.neurons.keepAtLeast = atLeast(mine.neurons.scores.size());
        mine.neurons.multiple = multiple_;
      }
    }
    return layers;
  }

  PrunableModule headModule(const ModelConfig& config, const Block& block, const InputStatistics& input) const {
    std::vector<double> channels = fluctuation(input.variance(), unpack(*block.o.weight));
    for (double& c : channels) c *= c;
    standardize(channels);
    // A unit is a query head, or all query heads of a key/value head.
    PrunableModule module;
    const std::size_t units = static_cast<std::size_t>(wholeGroups_ ? block.kvHeads : block.heads());
    std::vector<double> count(units);
    module.scores.resize(units);
    for (int h = 0; h < block.heads(); ++h) {
      const auto unit = static_cast<std::size_t>(wholeGroups_ ? block.queryToKv[static_cast<std::size_t>(h)] : h);
      for (int d = 0; d < config.headDim; ++d) module.scores[unit] += channels[static_cast<std::size_t>(h * config.headDim + d)];
      count[unit] += config.headDim;
    }
    for (std::size_t u = 0; u < units; ++u) module.scores[u] /= count[u];
    // q and o of each query head, k and v of each key/value head, shared evenly among the units.
    module.cost = 2.0 * config.hidden * config.headDim * (block.heads() + block.kvHeads) / static_cast<double>(units);
    module.keepAtLeast = atLeast(units);
    return module;
  }

  std::int64_t atLeast(std::size_t units) const {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(keep_ * static_cast<double>(units))));
  }

  Result<TransformReport> prune(Model& model, TransformContext& context, const std::vector<LayerMeans>& means,
                                const std::vector<std::vector<bool>>& keep) const {
    const auto parameters = [&] {
      double sum = 0;
      for (const Block& block : model.blocks)
        for (const Role role : kRoles)
          if (const auto& w = block.linear(role).weight) sum += static_cast<double>(w->rows()) * static_cast<double>(w->cols());
      return sum;
    };
    const double before = parameters();
    double heads = 0, kvHeads = 0, neurons = 0;
    for (std::size_t i = 0; i < model.blocks.size(); ++i) {
      TS_CHECK(stopRequested(context, "flap"));
      Block& block = model.blocks[i];
      const int headsBefore = block.heads(), kvBefore = block.kvHeads, neuronsBefore = block.intermediate;
      const std::vector<bool>& units = keep[2 * i];
      if (!units.empty()) {
        std::vector<bool> queries(static_cast<std::size_t>(block.heads()));
        for (std::size_t h = 0; h < queries.size(); ++h) queries[h] = units[wholeGroups_ ? static_cast<std::size_t>(block.queryToKv[h]) : h];
        keepHeads(block, model.config.headDim, queries, bias_ ? &means[i].outputMean : nullptr, context.pool);
      }
      if (!keep[2 * i + 1].empty()) keepNeurons(block, keep[2 * i + 1], bias_ ? &means[i].downMean : nullptr, context.pool);
      heads += headsBefore - block.heads();
      kvHeads += kvBefore - block.kvHeads;
      neurons += neuronsBefore - block.intermediate;
    }
    return TransformReport{{"flap.heads_removed", heads},
                           {"flap.kv_heads_removed", kvHeads},
                           {"flap.neurons_removed", neurons},
                           {"flap.sparsity", before > 0 ? 1.0 - parameters() / before : 0.0}};
  }

  double sparsity_;
  bool bias_, wholeGroups_;
  double keep_;
  std::int64_t multiple_;
  Targets targets_;
};

const Registration registration(
    {.id = "flap",
     .family = Family::Weights,
     .title = "FLAP: structured pruning by fluctuation",
     .help = "removes attention heads and MLP neurons that vary least on calibration text; a bias stands in for their mean",
     .paper = "An et al.: FLAP, arXiv 2312.11983",
     .parameters = {{.name = "sparsity", .type = ParameterType::Real, .fallback = 0.2, .help = "fraction of the parameters of the blocks' targets to remove",
                     .unit = "fraction", .minimum = 0.0, .maximum = 0.95},
                    {.name = "bias", .type = ParameterType::Boolean, .fallback = true, .help = "add the removed channels' mean contribution as a bias"},
                    {.name = "heads", .type = ParameterType::Choice, .fallback = std::string("query"),
                     .help = "remove query heads one by one, or a key/value head with all its query heads (group)", .choices = {"query", "group"}},
                    {.name = "keep", .type = ParameterType::Real, .fallback = 0.1, .help = "fraction of its heads and neurons each layer keeps at least",
                     .unit = "fraction", .minimum = 0.0, .maximum = 1.0},
                    {.name = "multiple", .type = ParameterType::Integer, .fallback = std::int64_t{32},
                     .help = "a pruned layer keeps a multiple of this many neurons", .unit = "neurons", .minimum = 1, .maximum = 256},
                    targetsParameter()}},
    Make<WeightTransform>([](const Settings& s) -> Result<std::unique_ptr<WeightTransform>> {
      return std::make_unique<Flap>(s.real("sparsity"), s.boolean("bias"), s.text("heads") == "group", s.real("keep"), s.integer("multiple"), targetsOf(s));
    }));

}  // namespace
}  // namespace ts
