// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/schedule/job.h"

#include <algorithm>
#include <random>

#include "experiments/spec/chain.h"

namespace ts {

std::vector<std::vector<Job*>> batchesOf(const std::vector<Job*>& jobs, std::size_t size, std::uint64_t seed) {
  std::map<std::string, std::vector<Job*>> byRecipe;
  std::vector<Job*> order;
  std::vector<std::vector<Job*>> batches;
  for (Job* job : jobs) {
    const Plan& plan = job->planned.plan;
    const bool dense = plan.weights.empty() && plan.kv.empty() && !plan.decode && plan.sample.empty() && !plan.search &&
                       plan.activations == Activations::F32;
    if (dense)
      batches.push_back({job});
    else
      byRecipe[chainText(job->recipe())].push_back(job);
  }
  std::mt19937_64 random(seed);
  std::vector<std::vector<Job*>> recipes;
  for (auto& [text, group] : byRecipe) recipes.push_back(std::move(group));
  std::shuffle(recipes.begin(), recipes.end(), random);
  for (auto& group : recipes) {
    std::shuffle(group.begin(), group.end(), random);
    order.insert(order.end(), group.begin(), group.end());
  }
  for (std::size_t i = 0; i < order.size(); i += size)
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(i),
                         order.begin() + static_cast<std::ptrdiff_t>(std::min(order.size(), i + size)));
  return batches;
}

}  // namespace ts
