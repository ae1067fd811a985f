// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/prune.h"

#include <algorithm>
#include <cassert>

#include "engine/transforms/flap_score.h"
#include "engine/transforms/store.h"

namespace ts {
namespace {

void cutRows(Linear& linear, const std::vector<bool>& keep, ThreadPool& pool) {
  if (!linear.weight) return;
  if (const auto parts = lowRankParts(*linear.weight))
    linear.weight = joinLowRank({packPlain(keptRows(unpack(*parts->a), keep), plainFormatOf(*parts->a), pool), parts->b});
  else
    linear.weight = packPlain(keptRows(unpack(*linear.weight), keep), plainFormatOf(*linear.weight), pool);
  if (linear.bias.empty()) return;
  std::size_t n = 0;
  for (std::size_t i = 0; i < keep.size(); ++i)
    if (keep[i]) linear.bias[n++] = linear.bias[i];
  linear.bias.resize(n);
}

/// bias += W[:, removed] mean[removed]
void compensate(Linear& linear, const std::vector<bool>& keep, const std::vector<float>& mean) {
  Eigen::VectorXf removed = Eigen::VectorXf::Zero(linear.weight->cols());
  for (std::size_t j = 0; j < keep.size(); ++j)
    if (!keep[j]) removed(static_cast<Eigen::Index>(j)) = mean[j];
  const Eigen::VectorXf shift = unpack(*linear.weight) * removed;
  linear.bias.resize(static_cast<std::size_t>(shift.size()));
  for (std::size_t i = 0; i < linear.bias.size(); ++i) linear.bias[i] += shift(static_cast<Eigen::Index>(i));
}

void cutColumns(Linear& linear, const std::vector<bool>& keep, const std::vector<float>* mean, ThreadPool& pool) {
  if (mean) compensate(linear, keep, *mean);
  if (const auto parts = lowRankParts(*linear.weight))
    linear.weight = joinLowRank({parts->a, packPlain(keptColumns(unpack(*parts->b), keep), plainFormatOf(*parts->b), pool)});
  else
    linear.weight = packPlain(keptColumns(unpack(*linear.weight), keep), plainFormatOf(*linear.weight), pool);
}

std::vector<bool> channelsOf(const std::vector<bool>& heads, int headDim) {
  std::vector<bool> channels;
  for (const bool head : heads) channels.insert(channels.end(), static_cast<std::size_t>(headDim), head);
  return channels;
}

bool all(const std::vector<bool>& keep) { return std::find(keep.begin(), keep.end(), false) == keep.end(); }

}  // namespace

void keepHeads(Block& block, int headDim, const std::vector<bool>& keep, const std::vector<float>* mean, ThreadPool& pool) {
  assert(static_cast<int>(keep.size()) == block.heads());
  if (all(keep)) return;
  std::vector<bool> keepKv(static_cast<std::size_t>(block.kvHeads));
  for (std::size_t h = 0; h < keep.size(); ++h)
    if (keep[h]) keepKv[static_cast<std::size_t>(block.queryToKv[h])] = true;
  const std::vector<bool> queries = channelsOf(keep, headDim);
  cutRows(block.q, queries, pool);
  cutColumns(block.o, queries, mean, pool);
  if (!all(keepKv)) {
    const std::vector<bool> channels = channelsOf(keepKv, headDim);
    cutRows(block.k, channels, pool);
    cutRows(block.v, channels, pool);
  }
  std::vector<int> renumbered(keepKv.size());
  int kvHeads = 0;
  for (std::size_t g = 0; g < keepKv.size(); ++g)
    if (keepKv[g]) renumbered[g] = kvHeads++;
  std::vector<int> queryToKv;
  for (std::size_t h = 0; h < keep.size(); ++h)
    if (keep[h]) queryToKv.push_back(renumbered[static_cast<std::size_t>(block.queryToKv[h])]);
  block.queryToKv = std::move(queryToKv);
  block.kvHeads = kvHeads;
}

void keepNeurons(Block& block, const std::vector<bool>& keep, const std::vector<float>* mean, ThreadPool& pool) {
  assert(static_cast<int>(keep.size()) == block.intermediate);
  if (all(keep)) return;
  cutRows(block.gate, keep, pool);
  cutRows(block.up, keep, pool);
  cutColumns(block.down, keep, mean, pool);
  block.intermediate = static_cast<int>(std::count(keep.begin(), keep.end(), true));
}

}  // namespace ts
