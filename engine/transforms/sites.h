// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <optional>

#include "engine/transforms/gram.h"
#include "engine/transforms/transform.h"

namespace ts {

/// The four different inputs a block's linear maps have.
enum class Site {
  Attention,  ///< of q, k and v
  Output,     ///< of o
  Mlp,        ///< of gate and up
  Down,       ///< of down
};
inline constexpr Site kSites[] = {Site::Attention, Site::Output, Site::Mlp, Site::Down};

inline Site siteOf(Role role) {
  switch (role) {
    case Role::Q: case Role::K: case Role::V: return Site::Attention;
    case Role::O: return Site::Output;
    case Role::Gate: case Role::Up: return Site::Mlp;
    case Role::Down: break;
  }
  return Site::Down;
}

/// The role whose input stands for the site's.
inline Role witness(Site site) {
  constexpr Role roles[] = {Role::Q, Role::O, Role::Up, Role::Down};
  return roles[static_cast<std::size_t>(site)];
}

struct SiteStatistics {
  std::array<std::optional<InputStatistics>, 4> sites;
  const InputStatistics& of(Site site) const { return *sites[static_cast<std::size_t>(site)]; }
  const InputStatistics& of(Role role) const { return of(siteOf(role)); }
};

/// Runs the calibration tokens through block `layer` and gathers statistics of the wanted inputs. `advance`: the block will not
/// change, so go on behind it in the same pass.
template <class Wanted>
Result<SiteStatistics> observeSites(Calibration& calibration, const Block& block, int layer, Wanted&& wanted, bool gram, ThreadPool& pool,
                                    bool advance = false) {
  SiteStatistics statistics;
  for (const Site site : kSites)
    if (wanted(site))
      statistics.sites[static_cast<std::size_t>(site)].emplace(block.linear(witness(site)).weight->cols(), gram);
  const Calibration::Observer observer = [&](Role role, ConstRows inputs) {
    const Site site = siteOf(role);
    auto& mine = statistics.sites[static_cast<std::size_t>(site)];
    if (mine && role == witness(site)) mine->add(inputs, pool);
  };
  TS_CHECK(advance ? calibration.observeAndAdvance(layer, observer) : calibration.observe(layer, observer));
  return statistics;
}

}  // namespace ts
