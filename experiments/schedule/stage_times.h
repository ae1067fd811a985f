// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <map>
#include <string>
#include <utility>

namespace ts {

enum class Stage { Prepare, Quality, Latency };

/// How long stages take, learned from those that have ended: those of the same kind ("kv h2o"), else of the same class
/// ("kv": the first word, since plans with key/value strategies are scored token by token), else all of the stage.
class StageTimes {
 public:
  void measured(Stage stage, const std::string& kind, double seconds) {
    for (const std::string& key : {kind, kind.substr(0, kind.find(' ')), std::string("*")}) {
      auto& [sum, count] = stages_[static_cast<std::size_t>(stage)][key];
      sum += seconds;
      ++count;
    }
  }
  bool known(Stage stage) const { return !stages_[static_cast<std::size_t>(stage)].empty(); }
  /// Seconds; 0 while nothing of the stage has ended.
  double expected(Stage stage, const std::string& kind) const {
    const auto& of = stages_[static_cast<std::size_t>(stage)];
    for (const std::string& key : {kind, kind.substr(0, kind.find(' ')), std::string("*")})
      if (const auto it = of.find(key); it != of.end()) return it->second.first / it->second.second;
    return 0;
  }

 private:
  std::array<std::map<std::string, std::pair<double, int>>, 3> stages_;
};

}  // namespace ts
