// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/fold.h"

#include <cassert>

#include "engine/transforms/awq_search.h"
#include "engine/transforms/store.h"

namespace ts {
namespace {

void divide(std::vector<float>& values, std::span<const float> scale) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] /= scale[i];
}

/// The rows of a linear map (and its bias) divided by `scale`.
void divideOutputs(Linear& linear, HeldWeight& held, std::span<const float> scale) {
  FloatMatrix& weights = held.outputSide();
  assert(weights.rows() == static_cast<std::int64_t>(scale.size()));
  for (std::int64_t r = 0; r < weights.rows(); ++r) weights.row(r) /= scale[static_cast<std::size_t>(r)];
  divide(linear.bias, scale);
}

/// Of o's input channels, those that read each value channel: [query head, channel] -> [key/value head, channel].
std::int64_t valueChannel(const Block& block, std::int64_t headDim, std::int64_t channel) {
  return block.queryToKv[static_cast<std::size_t>(channel / headDim)] * headDim + channel % headDim;
}

}  // namespace

HeldBlock holdBlock(const Block& block) {
  HeldBlock held;
  for (const Role role : kRoles) {
    const MatrixPtr& weight = block.linear(role).weight;
    if (!weight) continue;
    if (const auto parts = lowRankParts(*weight))
      held.of(role) = {unpack(*parts->b), unpack(*parts->a)};
    else
      held.of(role) = {unpack(*weight), {}};
  }
  return held;
}

bool canFold(const Block& block, Site site) {
  switch (site) {
    case Site::Attention: return !block.attentionNorm.weight.empty();
    case Site::Output: return true;
    case Site::Mlp: return !block.mlpNorm.weight.empty();
    case Site::Down: break;
  }
  return block.gate.weight != nullptr;
}

std::vector<float> tied(const Block& block, Site site, std::vector<float> magnitude) {
  if (site != Site::Output) return magnitude;
  const std::int64_t headDim = static_cast<std::int64_t>(magnitude.size()) / block.heads();
  std::vector<double> sum(static_cast<std::size_t>(block.kvHeads * headDim)), count(sum.size());
  for (std::size_t i = 0; i < magnitude.size(); ++i) {
    const auto v = static_cast<std::size_t>(valueChannel(block, headDim, static_cast<std::int64_t>(i)));
    sum[v] += magnitude[i];
    count[v] += 1;
  }
  for (std::size_t i = 0; i < magnitude.size(); ++i) {
    const auto v = static_cast<std::size_t>(valueChannel(block, headDim, static_cast<std::int64_t>(i)));
    magnitude[i] = static_cast<float>(sum[v] / count[v]);
  }
  return magnitude;
}

void fold(Block& block, HeldBlock& held, Site site, std::span<const float> scale) {
  assert(canFold(block, site));
  for (const Role role : kRoles)
    if (siteOf(role) == site && held.of(role).present()) scaleColumns(held.of(role).input, scale);
  switch (site) {
    case Site::Attention:
      divide(block.attentionNorm.weight, scale);
      divide(block.attentionNorm.bias, scale);
      break;
    case Site::Mlp:
      divide(block.mlpNorm.weight, scale);
      divide(block.mlpNorm.bias, scale);
      break;
    case Site::Output: {
      const std::int64_t headDim = static_cast<std::int64_t>(scale.size()) / block.heads();
      std::vector<float> ofValues(static_cast<std::size_t>(block.kvHeads * headDim), 1.0f);
      for (std::size_t i = 0; i < scale.size(); ++i)
        ofValues[static_cast<std::size_t>(valueChannel(block, headDim, static_cast<std::int64_t>(i)))] = scale[i];
      divideOutputs(block.v, held.of(Role::V), ofValues);
      break;
    }
    case Site::Down: divideOutputs(block.up, held.of(Role::Up), scale); break;
  }
}

}  // namespace ts
