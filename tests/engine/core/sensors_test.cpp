// SPDX-License-Identifier: GPL-3.0-or-later
// Readings of the machine, from a made-up /sys: what is there is read, what is not there is absent, never a guess.
#include "engine/core/sensors.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace ts {
namespace {

namespace fs = std::filesystem;

struct FakeRoot : testing::Test {
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "sensors-XXXXXX").string();
    root = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(root); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text << '\n';
  }
  fs::path root;
};

TEST_F(FakeRoot, OffersNothingWhereThereIsNothing) {
  const SensorReading reading = Sensors(root).read();
  EXPECT_FALSE(reading.frequencyMHz || reading.temperatureC || reading.packageJoules || reading.dramJoules);
  EXPECT_TRUE(reading.frequencySource.empty());
  EXPECT_FALSE(Sensors(root).packageJoules(reading, reading));
}

TEST_F(FakeRoot, FrequencyIsTheMeanOfCpufreqElseOfCpuinfo) {
  write("proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2500.5\nprocessor\t: 1\ncpu MHz\t\t: 3500.5\nflags\t: x");
  SensorReading reading = Sensors(root).read();
  EXPECT_DOUBLE_EQ(*reading.frequencyMHz, 3000.5);
  EXPECT_EQ(reading.frequencySource, "cpuinfo");
  write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "3000000");
  write("sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq", "1000000");
  write("sys/devices/system/cpu/cpufreq/ignored", "1");
  reading = Sensors(root).read();
  EXPECT_DOUBLE_EQ(*reading.frequencyMHz, 2000);
  EXPECT_EQ(reading.frequencySource, "cpufreq");
}

TEST_F(FakeRoot, TemperatureIsOfTheHottestProcessorSensor) {
  write("sys/class/thermal/thermal_zone0/type", "BAT0");
  write("sys/class/thermal/thermal_zone0/temp", "99000");
  write("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp");
  write("sys/class/thermal/thermal_zone1/temp", "61500");
  write("sys/class/hwmon/hwmon2/name", "nvme");
  write("sys/class/hwmon/hwmon2/temp1_input", "80000");
  EXPECT_DOUBLE_EQ(*Sensors(root).read().temperatureC, 61.5);
  write("sys/class/hwmon/hwmon3/name", "k10temp");
  write("sys/class/hwmon/hwmon3/temp1_input", "70250");
  EXPECT_DOUBLE_EQ(*Sensors(root).read().temperatureC, 70.25);
  EXPECT_EQ(Sensors(root).read().temperatureSource, "k10temp");
  write("sys/class/hwmon/hwmon3/temp1_input", "not a number");
  EXPECT_DOUBLE_EQ(*Sensors(root).read().temperatureC, 61.5);
}

TEST_F(FakeRoot, EnergyIsSummedOverPackagesAndCounted) {
  const std::string first = "sys/class/powercap/intel-rapl:0/", second = "sys/class/powercap/intel-rapl:1/";
  write(first + "name", "package-0");
  write(first + "energy_uj", "1000000");
  write(first + "max_energy_range_uj", "10000000");
  write(second + "name", "psys");
  write(second + "energy_uj", "77000000");
  write("sys/class/powercap/intel-rapl:0:0/name", "dram");
  write("sys/class/powercap/intel-rapl:0:0/energy_uj", "500000");
  const Sensors sensors(root);
  const SensorReading before = sensors.read();
  EXPECT_DOUBLE_EQ(*before.packageJoules, 1.0) << "the whole platform would count the package twice";
  EXPECT_DOUBLE_EQ(*before.dramJoules, 0.5);
  write(first + "energy_uj", "4500000");
  EXPECT_DOUBLE_EQ(*sensors.packageJoules(before, sensors.read()), 3.5);
  write(first + "energy_uj", "200000");
  EXPECT_NEAR(*sensors.packageJoules(before, sensors.read()), 9.2, 1e-9) << "the counter started again at its range";
  fs::remove(root / first / "energy_uj");
  EXPECT_FALSE(sensors.packageJoules(before, sensors.read())) << "not to be read any more";
}

TEST(SensorsHere, AreSane) {
  const SensorReading reading = Sensors().read();
  if (reading.frequencyMHz) {
    EXPECT_GT(*reading.frequencyMHz, 100);
    EXPECT_LT(*reading.frequencyMHz, 10000);
  }
  if (reading.temperatureC) {
    EXPECT_LT(*reading.temperatureC, 150);
  }
}

}  // namespace
}  // namespace ts
