// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/cpu.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <vector>

namespace ts {
namespace {

std::string firstLine(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string cpuField(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0) continue;
    const auto colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return {};
}

std::string isaText() {
  std::istringstream flags(cpuField("flags") + " " + cpuField("Features"));
  const std::set<std::string> have{std::istream_iterator<std::string>(flags), std::istream_iterator<std::string>()};
  std::string text;
  const auto add = [&](const char* flag, const char* title) {
    if (have.contains(flag)) text += (text.empty() ? "" : " ") + std::string(title);
  };
  add("avx2", "AVX2"), add("fma", "FMA"), add("f16c", "F16C"), add("avx_vnni", "AVX-VNNI");
  add("avx512f", "AVX-512"), add("avx512_vnni", "VNNI"), add("avx512_bf16", "BF16"), add("avx512_fp16", "FP16");
  add("amx_int8", "AMX-INT8"), add("amx_bf16", "AMX-BF16");
  add("asimd", "NEON"), add("asimddp", "DOTPROD"), add("i8mm", "I8MM"), add("sve", "SVE");
  return text.empty() ? "baseline" : text;
}

std::vector<int> allowedCpus() {
  // The mask can be larger than cpu_set_t's 1024 CPUs; 16 sets cover every machine Linux supports.
  std::vector<cpu_set_t> sets(16);
  const std::size_t bytes = sets.size() * sizeof(cpu_set_t);
  std::vector<int> cpus;
  if (sched_getaffinity(0, bytes, sets.data()) == 0)
    for (int i = 0; i < static_cast<int>(bytes * 8); ++i)
      if (CPU_ISSET_S(i, bytes, sets.data())) cpus.push_back(i);
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

int distinctCores(const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    std::string siblings = firstLine(folder + "thread_siblings_list");
    cores.insert(siblings.empty() ? "cpu" + std::to_string(cpu) : siblings);
  }
  return static_cast<int>(cores.size());
}

/// CPUs' worth of time the control group grants; infinity when unlimited.
double groupQuota() {
  double quota = HUGE_VAL;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
    // Every ancestor's limit holds too.
    for (std::filesystem::path p = group; !p.empty(); p = p.parent_path()) {
      double limit = 0, period = 0;
      if (controllers.empty()) {
        std::istringstream text(firstLine("/sys/fs/cgroup" + (p / "cpu.max").string()));
        if (text >> limit >> period && period > 0) quota = std::min(quota, limit / period);
      } else if (controllers.find("cpu") == 0 && controllers.find("cpuset") != 0) {
        const std::string folder = "/sys/fs/cgroup/cpu" + p.string();
        std::istringstream(firstLine(folder + "/cpu.cfs_quota_us")) >> limit;
        std::istringstream(firstLine(folder + "/cpu.cfs_period_us")) >> period;
        if (limit > 0 && period > 0) quota = std::min(quota, limit / period);
      }
      if (p == p.root_path()) break;
    }
  }
  return quota;
}

std::size_t bytesOf(const std::string& text) {  // "32K", "32768K", "1M"
  std::size_t n = 0;
  char unit = 0;
  std::istringstream in(text);
  if (!(in >> n)) return 0;
  in >> unit;
  return unit == 'K' ? n << 10 : unit == 'M' ? n << 20 : unit == 'G' ? n << 30 : n;
}

void readCaches(int cpu, CpuInfo& info) {
  for (int i = 0; i < 8; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" + std::to_string(i) + "/";
    const std::string level = firstLine(folder + "level"), type = firstLine(folder + "type");
    if (level.empty() || type == "Instruction") continue;
    const std::size_t bytes = bytesOf(firstLine(folder + "size"));
    if (level == "1") info.l1Bytes = bytes;
    if (level == "2") info.l2Bytes = bytes;
    info.lastLevelBytes = std::max(info.lastLevelBytes, bytes);
  }
}

CpuInfo read() {
  CpuInfo info;
  info.model = cpuField("model name");
  if (info.model.empty()) info.model = firstLine("/sys/firmware/devicetree/base/model");
  info.isa = isaText();
  const std::vector<int> cpus = allowedCpus();
  info.logicalCpus = static_cast<int>(cpus.size());
  info.physicalCores = distinctCores(cpus);
  const double quota = groupQuota();
  if (quota < info.physicalCores) info.physicalCores = std::max(1, static_cast<int>(std::ceil(quota)));
  readCaches(cpus.front(), info);
  info.memoryBytes = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return info;
}

}  // namespace

const CpuInfo& cpuInfo() {
  static const CpuInfo info = read();
  return info;
}

}  // namespace ts
