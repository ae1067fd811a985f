// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/awq_search.h"
#include "engine/transforms/fold.h"
#include "engine/transforms/output_error.h"
#include "engine/transforms/parameters.h"
#include "engine/transforms/store.h"

namespace ts {
namespace {

/// AWQ: before rounding, input channels with large activations are scaled up (so they are rounded more finely) and what comes before is
/// scaled down by as much (Lin et al. 2023, arXiv 2306.00978). The scale of channel k is mean|x_k|^alpha; alpha is searched for each group of
/// matrices that share an input. Then, for all but q and k, each group's grid is narrowed where that lowers its output error.
///
/// Checked against mit-han-lab/llm-awq (auto_scale.py, auto_clip.py): mean magnitude, the grid of 20 alphas, normalization by
/// sqrt(max * min), the pairs norm->q,k,v, v->o, norm->gate,up, up->down, clipping to 0.55 ... 1 of the range without q and k. Different here:
/// v->o is also taken with grouped heads, one scale for the query heads of a key/value head (there it is skipped); the error of alpha is
/// that of the linear maps, from their inputs' second moments; grids are symmetric unless asked.
/// Where nothing can take the inverse scale (post-norm blocks, an MLP without gate) the matrix is only rounded and clipped;
/// "awq.folds_skipped" counts those groups.
class Awq : public WeightTransform {
 public:
  Awq(GridShape shape, int alphas, bool clip, Targets targets, std::string head)
      : shape_(shape), alphas_(alphas), clip_(clip), targets_(targets), head_(std::move(head)) {}

  bool needsCalibration() const override { return true; }

  Result<TransformReport> apply(Model& model, TransformContext& context) const override {
    Calibration calibration(model, context);
    Tally tally;
    for (int layer = 0; layer < static_cast<int>(model.blocks.size()); ++layer) {
      Block& block = model.blocks[static_cast<std::size_t>(layer)];
      context.progress(layer / static_cast<double>(model.blocks.size()), "awq");
      const auto wanted = [&](Site site) { return targets_.contains(witness(site)); };
      TS_TRY(const SiteStatistics statistics, observeSites(calibration, block, layer, wanted, true, context.pool));
      TS_CHECK(quantizeBlock(block, statistics, context, tally));
      TS_CHECK(calibration.advance(layer));
    }
    TS_CHECK(applyHeadChoice(model, head_, context));
    TransformReport report{{"awq.matrices", tally.matrices}, {"awq.folds", tally.folds}, {"awq.folds_skipped", tally.skipped},
                           {"awq.alpha_mean", tally.folds > 0 ? tally.alphas / tally.folds : 0.0},
                           {"awq.clipped_groups", tally.groups > 0 ? tally.clipped / tally.groups : 0.0}};
    tally.errors.report("awq", report);
    return report;
  }

 private:
  struct Tally {
    OutputErrors errors;
    double matrices = 0, folds = 0, skipped = 0, alphas = 0, groups = 0, clipped = 0;
  };

  Result<void> quantizeBlock(Block& block, const SiteStatistics& statistics, TransformContext& context, Tally& tally) const {
    constexpr std::int64_t kSampledRows = 48;
    HeldBlock held = holdBlock(block);
    std::array<std::vector<float>, 4> scales;
    std::array<FloatMatrix, 4> grams;
    for (const Site site : kSites) {
      if (!targets_.contains(witness(site))) continue;
      TS_CHECK(stopRequested(context, "awq"));
      const InputStatistics& input = statistics.of(site);
      FloatMatrix& gram = grams[static_cast<std::size_t>(site)] = input.gram();
      std::vector<float>& scale = scales[static_cast<std::size_t>(site)];
      scale.assign(static_cast<std::size_t>(input.width()), 1.0f);
      if (!canFold(block, site)) {
        ++tally.skipped;
        continue;
      }
      std::vector<const FloatMatrix*> matrices;
      for (const Role role : kRoles)
        if (siteOf(role) == site && held.of(role).present()) matrices.push_back(&held.of(role).input);
      const std::vector<float> magnitude = tied(block, site, input.meanMagnitude());
      const AwqChoice choice = searchAlpha(matrices, gram, magnitude, shape_, alphas_, kSampledRows, context.pool);
      scale = awqScale(magnitude, choice.alpha);
      ++tally.folds;
      tally.alphas += choice.alpha;
      fold(block, held, site, scale);
      unscaleGram(gram, scale);
    }
    for (const Role role : kRoles) {
      HeldWeight& weight = held.of(role);
      if (!weight.present() || !targets_.contains(role)) continue;
      TS_CHECK(stopRequested(context, "awq"));
      const std::size_t site = static_cast<std::size_t>(siteOf(role));
      const MatrixPtr input = quantize(weight.input, role, grams[site], scales[site], context.pool, tally);
      block.linear(role).weight =
          weight.output.size() > 0 ? joinLowRank({pack(roundToNearest(shape_, weight.output, context.pool), context.pool), input}) : input;
      ++tally.matrices;
    }
    return {};
  }

  /// `weights` already carry `scale`; the errors are reported for the weights without it, which plain rounding would meet.
  MatrixPtr quantize(const FloatMatrix& weights, Role role, const FloatMatrix& gram, std::span<const float> scale, ThreadPool& pool, Tally& tally) const {
    std::vector<float> clip;
    if (clip_ && role != Role::Q && role != Role::K) {  // an error in q or k acts through a product of both
      clip = searchClip(weights, gram, shape_, pool);
      tally.groups += static_cast<double>(clip.size());
      for (const float c : clip) tally.clipped += c < 1.0f;
    }
    const Quantized quantized = roundToNearest(shape_, weights, pool, clip.empty() ? nullptr : &clip);
    tally.errors.add(weights, quantized.decode(), shape_, gram, pool, scale);
    return pack(quantized, pool);
  }

  GridShape shape_;
  int alphas_;
  bool clip_;
  Targets targets_;
  std::string head_;
};

const Registration registration(
    {.id = "awq",
     .family = Family::Weights,
     .title = "AWQ: activation-aware rounding",
     .help = "scales channels with large activations up before rounding and undoes it in the layer before, from calibration text",
     .paper = "Lin et al.: AWQ, arXiv 2306.00978",
     .parameters = {bitsParameter(4), groupParameter(128), symmetricParameter(),
                    {.name = "alphas", .type = ParameterType::Integer, .fallback = std::int64_t{20},
                     .help = "exponents tried between 0 and 1; 1 tries only 0 (no scaling)", .minimum = 1, .maximum = 100},
                    {.name = "clip", .type = ParameterType::Boolean, .fallback = true, .help = "narrow grids where that lowers the output error"},
                    targetsParameter(), headParameter({"q8", "keep"}, "q8")}},
    Make<WeightTransform>([](const Settings& s) -> Result<std::unique_ptr<WeightTransform>> {
      TS_TRY(const GridShape shape, gridOf(s, static_cast<int>(s.integer("bits")), s.boolean("symmetric"), "awq"));
      return std::make_unique<Awq>(shape, static_cast<int>(s.integer("alphas")), s.boolean("clip"),
                                   targetsOf(s), s.text("head"));
    }));

}  // namespace
}  // namespace ts
