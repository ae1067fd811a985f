// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/gptq_solver.h"
#include "engine/transforms/output_error.h"
#include "engine/transforms/parameters.h"
#include "engine/transforms/sites.h"
#include "engine/transforms/store.h"

namespace ts {
namespace {

/// GPTQ: rounds each linear map's columns one after another and lets the columns still to come make up for the error, as the inputs'
/// second moments say they can (Frantar et al. 2022, arXiv 2210.17323).
///
/// Block by block: the inputs of a block are those that the already quantized blocks before it produce. Within a block all inputs are
/// taken before any of its matrices changes (the paper's order; "true sequential" is the other).
/// Checked against IST-DASLab/gptq (gptq.py, quant.py): H = sum x xᵀ, damping 0.01 of the mean diagonal, dead columns set to zero,
/// order by falling diagonal, groups fitted to the compensated weights, or beforehand when columns are reordered. Different here: grids are those of
/// GGUF's block types, so that a file can hold them, and a group's grid also sees the corrections pending inside its block of columns.
class Gptq : public WeightTransform {
 public:
  Gptq(GridShape shape, bool actOrder, double damp, Targets targets, std::string head)
      : shape_(shape), actOrder_(actOrder), damp_(damp), targets_(targets), head_(std::move(head)) {}

  bool needsCalibration() const override { return true; }

  Result<TransformReport> apply(Model& model, TransformContext& context) const override {
    Calibration calibration(model, context);
    OutputErrors errors;
    double matrices = 0;
    for (int layer = 0; layer < static_cast<int>(model.blocks.size()); ++layer) {
      Block& block = model.blocks[static_cast<std::size_t>(layer)];
      context.progress(layer / static_cast<double>(model.blocks.size()), "gptq");
      const auto wanted = [&](Site site) { return targets_.contains(witness(site)); };
      TS_TRY(const SiteStatistics statistics, observeSites(calibration, block, layer, wanted, true, context.pool));
      TS_TRY(const auto factors, factorAll(statistics, context.pool));
      for (const Role role : kRoles) {
        MatrixPtr& weight = block.linear(role).weight;
        if (!weight || !targets_.contains(role)) continue;
        TS_CHECK(stopRequested(context, "gptq"));
        const std::size_t site = static_cast<std::size_t>(siteOf(role));
        TS_TRY(weight, quantize(weight, statistics.of(role).gram(), *factors[site], context.pool, errors));
        ++matrices;
      }
      TS_CHECK(calibration.advance(layer));
    }
    TS_CHECK(applyHeadChoice(model, head_, context));
    TransformReport report{{"gptq.matrices", matrices}};
    errors.report("gptq", report);
    return report;
  }

 private:
  using Factors = std::array<std::optional<GptqFactor>, 4>;

  Result<Factors> factorAll(const SiteStatistics& statistics, ThreadPool& pool) const {
    std::array<Result<GptqFactor>, 4> results{GptqFactor{}, GptqFactor{}, GptqFactor{}, GptqFactor{}};
    std::array<int, 4> order{3, 0, 1, 2};  // the widest first
    forEachTask(pool, 4, [&](std::int64_t i) {
      const auto site = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
      if (statistics.sites[site]) results[site] = gptqFactor(statistics.sites[site]->gram(), actOrder_, damp_);
    });
    Factors factors;
    for (std::size_t i = 0; i < 4; ++i) {
      if (!statistics.sites[i]) continue;
      TS_TRY(factors[i], std::move(results[i]));
    }
    return factors;
  }

  /// A low-rank matrix A B: B with the inputs' moments, then A with those of what the quantized B makes of them.
  Result<MatrixPtr> quantize(const MatrixPtr& matrix, const FloatMatrix& gram, const GptqFactor& factor, ThreadPool& pool, OutputErrors& errors) const {
    if (const auto parts = lowRankParts(*matrix)) {
      TS_TRY(const MatrixPtr b, quantize(parts->b, gram, factor, pool, errors));
      const FloatMatrix inner = unpack(*b), middle = inner * gram * inner.transpose();
      TS_TRY(const GptqFactor middleFactor, gptqFactor(middle, actOrder_, damp_));
      TS_TRY(const MatrixPtr a, quantize(parts->a, middle, middleFactor, pool, errors));
      return joinLowRank({a, b});
    }
    const FloatMatrix weights = unpack(*matrix);
    const Quantized quantized = gptqRound(factor, shape_, actOrder_, weights, pool);
    errors.add(weights, quantized.decode(), shape_, gram, pool);
    return pack(quantized, pool);
  }

  GridShape shape_;
  bool actOrder_;
  double damp_;
  Targets targets_;
  std::string head_;
};

const Registration registration(
    {.id = "gptq",
     .family = Family::Weights,
     .title = "GPTQ: rounding with error compensation",
     .help = "rounds weights column by column and lets the later columns make up for the error, from calibration text",
     .paper = "Frantar, Ashkboos, Hoefler, Alistarh: GPTQ, arXiv 2210.17323",
     .parameters = {bitsParameter(4), groupParameter(128), symmetricParameter(),
                    {.name = "order", .type = ParameterType::Boolean, .fallback = true,
                     .help = "round the columns with the largest inputs first (act-order)"},
                    {.name = "damp", .type = ParameterType::Real, .fallback = 0.01, .help = "damping, as a fraction of the mean second moment",
                     .unit = "fraction", .minimum = 1e-6, .maximum = 1.0, .scale = Scale::Logarithmic},
                    targetsParameter(), headParameter({"q8", "keep"}, "q8")}},
    Make<WeightTransform>([](const Settings& s) -> Result<std::unique_ptr<WeightTransform>> {
      TS_TRY(const GridShape shape, gridOf(s, static_cast<int>(s.integer("bits")), s.boolean("symmetric"), "gptq"));
      return std::make_unique<Gptq>(shape, s.boolean("order"), s.real("damp"), targetsOf(s), s.text("head"));
    }));

}  // namespace
}  // namespace ts
