// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "experiments/spec/sweep.h"

namespace ts {

std::vector<std::int64_t> dimensions(const SweepGroup& group) {
  std::vector<std::int64_t> sizes;
  for (const std::size_t size : {group.weights.size(), group.kv.size(), group.decode.size(), group.sample.size(),
                                 group.search.size(), group.activations.size()})
    sizes.push_back(std::max<std::int64_t>(1, static_cast<std::int64_t>(size)));
  return sizes;
}

Plan planAt(const Sweep& sweep, const SweepGroup& group, const std::vector<std::int64_t>& indices) {
  const auto chain = [](const std::vector<std::vector<StrategySpec>>& list, std::int64_t index) {
    return list.empty() ? std::vector<StrategySpec>() : list[static_cast<std::size_t>(index)];
  };
  const auto one = [&](const std::vector<std::vector<StrategySpec>>& list,
                       std::int64_t index) -> std::optional<StrategySpec> {
    auto specs = chain(list, index);
    if (specs.empty()) return std::nullopt;
    return std::move(specs.front());
  };
  Plan plan;
  plan.weights = chain(group.weights, indices[0]);
  plan.kv = chain(group.kv, indices[1]);
  plan.decode = one(group.decode, indices[2]);
  plan.sample = chain(group.sample, indices[3]);
  plan.search = one(group.search, indices[4]);
  if (!group.activations.empty()) plan.activations = group.activations[static_cast<std::size_t>(indices[5])];
  plan.threads = sweep.threads;
  return plan;
}

PlannedRun planned(Plan plan, const std::set<std::string>& modelOffers) {
  PlannedRun run{std::move(plan), {}};
  if (const auto checked = check(run.plan, modelOffers); !checked) run.refusal = checked.error().message;
  return run;
}

Result<std::vector<PlannedRun>> expand(const Sweep& sweep, const std::set<std::string>& modelOffers) {
  std::int64_t total = 0;
  for (const SweepGroup& group : sweep.groups) {
    std::int64_t product = 1;
    for (const std::int64_t size : dimensions(group)) product = std::min(product * size, kMaximumPlans + 1);
    total += product;
    if (total > kMaximumPlans)
      return fail("the sweep has more than " + std::to_string(kMaximumPlans) +
                      " plans; shorten the lists, or search with random, sobol or nsga2 and a budget",
                  sweep.name);
  }
  std::vector<PlannedRun> runs;
  std::set<std::string> seen;
  const auto add = [&](Plan plan) -> Result<void> {
    TS_TRY(std::string text, canonical(plan));
    if (seen.insert(std::move(text)).second) runs.push_back(planned(std::move(plan), modelOffers));
    return {};
  };
  Plan dense;
  dense.threads = sweep.threads;
  TS_CHECK(add(std::move(dense)));
  for (const SweepGroup& group : sweep.groups) {
    const std::vector<std::int64_t> sizes = dimensions(group);
    std::vector<std::int64_t> at(sizes.size(), 0);
    for (bool more = true; more;) {
      TS_CHECK(add(planAt(sweep, group, at)));
      more = false;
      for (std::size_t d = sizes.size(); d-- > 0 && !more;) {
        more = ++at[d] < sizes[d];
        if (!more) at[d] = 0;
      }
    }
  }
  return runs;
}

}  // namespace ts
