// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace ts {

/// What the machine tells of itself now. A value the system does not offer, or not to this user, is absent.
struct SensorReading {
  std::optional<double> frequencyMHz;  ///< mean over processors
  std::string frequencySource;         ///< "cpufreq", or "cpuinfo" (virtual machines show a nominal value there)
  std::optional<double> temperatureC;  ///< the hottest sensor that belongs to a processor
  std::string temperatureSource;       ///< "x86_pkg_temp"
  /// Joules counted since some time in the past, by all processor packages; and by the memory, where it counts apart.
  std::optional<double> packageJoules, dramJoules;
};

/// Reads cpufreq or /proc/cpuinfo, thermal zones, hwmon, and RAPL's counters (/sys/class/powercap/intel-rapl*, which AMD uses,
/// too; often readable by root only).
class Sensors {
 public:
  explicit Sensors(std::filesystem::path root = "/");  ///< another root: tests
  SensorReading read() const;
  /// Joules between two readings of a counter, which starts again at its range; absent when either is.
  std::optional<double> packageJoules(const SensorReading& before, const SensorReading& after) const;
  std::optional<double> dramJoules(const SensorReading& before, const SensorReading& after) const;

 private:
  std::filesystem::path root_;
  double packageRange_ = 0, dramRange_ = 0;  ///< joules at which the (summed) counters start again; 0: unknown
};

}  // namespace ts
