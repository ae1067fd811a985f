// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <map>
#include <string>

namespace ts {

enum class Stage { Prepare, Quality, Latency };

/// How long stages take, learned from those that have ended: by kind ("h2o", since key/value strategies are scored
/// token by token), else the mean of all kinds of the stage.
class Estimate {
 public:
  void measured(Stage stage, const std::string& kind, double seconds) {
    for (const std::string& key : {kind, std::string("*")}) {
      auto& [sum, count] = stages_[static_cast<std::size_t>(stage)][key];
      sum += seconds;
      ++count;
    }
  }
  bool known(Stage stage) const { return !stages_[static_cast<std::size_t>(stage)].empty(); }
  /// Seconds; 0 while nothing of the stage has ended.
  double expected(Stage stage, const std::string& kind) const {
    const auto& of = stages_[static_cast<std::size_t>(stage)];
    auto it = of.find(kind);
    if (it == of.end()) it = of.find("*");
    return it == of.end() ? 0 : it->second.first / it->second.second;
  }

 private:
  std::array<std::map<std::string, std::pair<double, int>>, 3> stages_;
};

}  // namespace ts
