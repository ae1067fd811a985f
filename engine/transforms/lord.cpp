// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/low_rank.h"
#include "engine/transforms/parameters.h"
#include "engine/transforms/sites.h"
#include "engine/transforms/store.h"

namespace ts {
namespace {

/// Low-rank decomposition: W [N, K] becomes A B with A [N, r], B [r, K], stored as two matrices and multiplied one after the other
/// (LoRD, Kaushal et al. 2023, arXiv 2309.14021: one-shot, no training). `weighting` chooses the error that is least:
///   none         ||W - AB||, the truncated SVD;
///   activations  ||(W - AB) X|| on calibration inputs, block by block behind the already cut blocks (SVD-LLM, Wang et al. 2024,
///                arXiv 2403.07378; checked against AIoT-MLSys-Lab/SVD-LLM: Cholesky factor of sum x xᵀ, SVD of W times it).
/// r is the largest for which the factors hold `fraction` of the matrix's parameters (rounded to `multiple`); a matrix stays as it is
/// where that saves nothing. LoRD's choice of ranks by a sensitivity sweep is left to the sweep file: `targets` and `fraction` are axes.
class Lord : public WeightTransform {
 public:
  Lord(double fraction, std::int64_t multiple, bool weighted, std::string store, Targets targets)
      : fraction_(fraction), multiple_(multiple), weighted_(weighted), store_(std::move(store)), targets_(targets) {}

  bool needsCalibration() const override { return weighted_; }

  Result<TransformReport> apply(Model& model, TransformContext& context) const override {
    std::optional<Calibration> calibration;
    if (weighted_) calibration.emplace(model, context);
    Tally tally;
    for (int layer = 0; layer < static_cast<int>(model.blocks.size()); ++layer) {
      Block& block = model.blocks[static_cast<std::size_t>(layer)];
      context.progress(layer / static_cast<double>(model.blocks.size()), "lord");
      TS_CHECK(stopRequested(context, "lord"));
      SiteStatistics statistics;
      if (weighted_) {
        const auto wanted = [&](Site site) { return targets_.contains(witness(site)); };
        TS_TRY(statistics, observeSites(*calibration, block, layer, wanted, true, context.pool));
      }
      TS_CHECK(cutBlock(block, statistics, context, tally));
      if (weighted_) {
        TS_CHECK(calibration->advance(layer));
      }
    }
    return TransformReport{{"lord.matrices", tally.cut},
                           {"lord.matrices_kept_dense", tally.kept},
                           {"lord.rank_mean", tally.cut > 0 ? tally.rank / tally.cut : 0.0},
                           {"lord.relative_error", tally.cut > 0 ? tally.error / tally.cut : 0.0}};
  }

 private:
  struct Tally {
    double cut = 0, kept = 0, rank = 0, error = 0;
  };
  struct Cut {
    Factors factors;
    double error = 0;
  };

  std::int64_t rankOf(const Matrix& matrix) const {
    const std::int64_t rank = rankFor(matrix.rows(), matrix.cols(), fraction_, multiple_);
    return rank * (matrix.rows() + matrix.cols()) < matrix.rows() * matrix.cols() ? rank : 0;
  }

  Result<void> cutBlock(Block& block, const SiteStatistics& statistics, TransformContext& context, Tally& tally) const {
    std::vector<Role> roles;
    for (const Role role : kRoles) {
      const MatrixPtr& weight = block.linear(role).weight;
      if (!weight || !targets_.contains(role)) continue;
      if (lowRankParts(*weight) || rankOf(*weight) == 0) ++tally.kept;
      else roles.push_back(role);
    }
    // Decompositions do not share work, so each takes one worker; the costliest first.
    const auto cost = [&](Role role) {
      const Matrix& m = *block.linear(role).weight;
      return m.rows() * m.cols() * std::min(m.rows(), m.cols());
    };
    std::stable_sort(roles.begin(), roles.end(), [&](Role a, Role b) { return cost(a) > cost(b); });
    std::vector<Result<Cut>> cuts(roles.size());
    forEachTask(context.pool, static_cast<std::int64_t>(roles.size()), [&](std::int64_t i) {
      const Role role = roles[static_cast<std::size_t>(i)];
      const Matrix& matrix = *block.linear(role).weight;
      cuts[static_cast<std::size_t>(i)] = cut(unpack(matrix), weighted_ ? &statistics.of(role).gram() : nullptr, rankOf(matrix));
    });
    for (std::size_t i = 0; i < roles.size(); ++i) {
      TS_TRY(const Cut result, std::move(cuts[i]));
      MatrixPtr& weight = block.linear(roles[i]).weight;
      const std::string format = store_ == "same" ? plainFormatOf(*weight) : store_;
      weight = joinLowRank({packPlain(result.factors.a, format, context.pool), packPlain(result.factors.b, format, context.pool)});
      ++tally.cut;
      tally.rank += static_cast<double>(result.factors.a.cols());
      tally.error += result.error;
    }
    return {};
  }

  static Result<Cut> cut(const FloatMatrix& weights, const FloatMatrix* gram, std::int64_t rank) {
    TS_TRY(const LowRankBasis basis, LowRankBasis::of(weights, gram));
    return Cut{basis.cut(weights, rank), basis.relativeError(rank)};
  }

  double fraction_;
  std::int64_t multiple_;
  bool weighted_;
  std::string store_;
  Targets targets_;
};

const Registration registration(
    {.id = "lord",
     .family = Family::Weights,
     .title = "LoRD: low-rank decomposition",
     .help = "replaces each matrix by the product of two smaller ones",
     .paper = "Kaushal, Vaidhya, Rish: LoRD, arXiv 2309.14021; weighting: Wang et al.: SVD-LLM, arXiv 2403.07378",
     .parameters = {{.name = "fraction", .type = ParameterType::Real, .fallback = 0.8, .help = "parameters the two factors keep of a matrix's",
                     .unit = "fraction", .minimum = 0.01, .maximum = 1.0},
                    {.name = "weighting", .type = ParameterType::Choice, .fallback = std::string("activations"),
                     .help = "whose error is least: the weights' (none) or the outputs' on calibration text (activations)",
                     .choices = {"activations", "none"}},
                    {.name = "multiple", .type = ParameterType::Integer, .fallback = std::int64_t{32}, .help = "ranks are multiples of this",
                     .minimum = 1, .maximum = 256},
                    {.name = "store", .type = ParameterType::Choice, .fallback = std::string("same"),
                     .help = "the factors' format; same: the matrix's own, f16 if that is quantized", .choices = {"same", "f32", "f16", "bf16"}},
                    targetsParameter()}},
    Make<WeightTransform>([](const Settings& s) -> Result<std::unique_ptr<WeightTransform>> {
      return std::make_unique<Lord>(s.real("fraction"), s.integer("multiple"), s.text("weighting") == "activations", s.text("store"), targetsOf(s));
    }));

}  // namespace
}  // namespace ts
