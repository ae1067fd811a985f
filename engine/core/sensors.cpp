// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/sensors.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

namespace ts {
namespace {

namespace fs = std::filesystem;

std::string firstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<double> numberIn(const fs::path& path) {
  std::ifstream file(path);
  double value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

/// Folders below `folder` whose name begins with `prefix` and goes on with a digit, in order.
std::vector<fs::path> numbered(const fs::path& folder, std::string_view prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.size() > prefix.size() && name.starts_with(prefix) && std::isdigit(static_cast<unsigned char>(name[prefix.size()])))
      found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void readFrequency(const fs::path& root, SensorReading& reading) {
  double sum = 0;
  int count = 0;
  for (const fs::path& cpu : numbered(root / "sys/devices/system/cpu", "cpu"))
    if (const auto kHz = numberIn(cpu / "cpufreq/scaling_cur_freq"); kHz && *kHz > 0) sum += *kHz / 1e3, ++count;
  reading.frequencySource = "cpufreq";
  if (count == 0) {
    std::ifstream info(root / "proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
      const auto colon = line.find(':');
      if (!line.starts_with("cpu MHz") || colon == std::string::npos) continue;
      std::istringstream value(line.substr(colon + 1));
      if (double mhz = 0; value >> mhz && mhz > 0) sum += mhz, ++count;
    }
    reading.frequencySource = "cpuinfo";
  }
  if (count > 0)
    reading.frequencyMHz = sum / count;
  else
    reading.frequencySource.clear();
}

/// Zones of batteries, disks and radios say nothing of a timing.
bool ofProcessor(const std::string& kind) {
  constexpr std::array<std::string_view, 8> kinds{"x86_pkg_temp", "cpu", "soc", "k10temp", "coretemp", "zenpower", "TCPU", "acpitz"};
  return std::any_of(kinds.begin(), kinds.end(), [&](std::string_view k) { return kind.starts_with(k); });
}

void readTemperature(const fs::path& root, SensorReading& reading) {
  const auto take = [&](const std::string& kind, const std::optional<double>& milli) {
    if (!ofProcessor(kind) || !milli || *milli <= 0 || (reading.temperatureC && *reading.temperatureC >= *milli / 1e3)) return;
    reading.temperatureC = *milli / 1e3;
    reading.temperatureSource = kind;
  };
  for (const fs::path& zone : numbered(root / "sys/class/thermal", "thermal_zone"))
    take(firstLine(zone / "type"), numberIn(zone / "temp"));
  for (const fs::path& chip : numbered(root / "sys/class/hwmon", "hwmon"))
    for (int i = 1; i <= 3; ++i) take(firstLine(chip / "name"), numberIn(chip / ("temp" + std::to_string(i) + "_input")));
}

/// Sums a kind of RAPL domain: all that start with `name`. `range`: of the sum, if every part tells its own.
std::optional<double> joulesOf(const fs::path& root, std::string_view name, double& range) {
  std::optional<double> sum;
  range = 0;
  const auto take = [&](const fs::path& domain) {
    if (!firstLine(domain / "name").starts_with(name)) return;
    const auto microjoules = numberIn(domain / "energy_uj");
    if (!microjoules) return;
    sum = sum.value_or(0) + *microjoules * 1e-6;
    range += numberIn(domain / "max_energy_range_uj").value_or(0) * 1e-6;
  };
  for (const fs::path& domain : numbered(root / "sys/class/powercap", "intel-rapl:")) take(domain);  // "intel-rapl:0:1", too
  return sum;
}

/// One package's counter may start again between two readings; the sum then seems to fall by that package's range. With one
/// package, the common case, that is exact; with several of one kind their ranges are equal.
std::optional<double> between(const std::optional<double>& before, const std::optional<double>& after, double range, int parts) {
  if (!before || !after) return std::nullopt;
  double joules = *after - *before;
  for (int i = 0; joules < 0 && range > 0 && i < parts; ++i) joules += range / parts;
  if (joules < 0) return std::nullopt;
  return joules;
}

int countOf(const fs::path& root, std::string_view name) {
  int count = 0;
  for (const fs::path& domain : numbered(root / "sys/class/powercap", "intel-rapl:")) count += firstLine(domain / "name").starts_with(name);
  return std::max(1, count);
}

}  // namespace

Sensors::Sensors(fs::path root) : root_(std::move(root)) {
  (void)joulesOf(root_, "package", packageRange_);
  (void)joulesOf(root_, "dram", dramRange_);
}

SensorReading Sensors::read() const {
  SensorReading reading;
  readFrequency(root_, reading);
  readTemperature(root_, reading);
  double range = 0;
  reading.packageJoules = joulesOf(root_, "package", range);
  reading.dramJoules = joulesOf(root_, "dram", range);
  return reading;
}

std::optional<double> Sensors::packageJoules(const SensorReading& before, const SensorReading& after) const {
  return between(before.packageJoules, after.packageJoules, packageRange_, countOf(root_, "package"));
}

std::optional<double> Sensors::dramJoules(const SensorReading& before, const SensorReading& after) const {
  return between(before.dramJoules, after.dramJoules, dramRange_, countOf(root_, "dram"));
}

}  // namespace ts
