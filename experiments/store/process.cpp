// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/process.h"

#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

namespace ts {
namespace {

struct Identity {
  std::string host, boot, pid, start;
};

/// Field 22 of /proc/PID/stat; the command in field 2 may hold spaces and parentheses. Empty: no such process, or a
/// zombie.
std::string startTicks(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  const auto end = text.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream rest(text.substr(end + 1));
  std::string field;
  for (int i = 3; i <= 22 && rest >> field; ++i)
    if (i == 3 && (field == "Z" || field == "X")) return {};
  return rest ? field : std::string();
}

Identity ofPid(const std::string& pid) {
  Identity identity{.pid = pid, .start = startTicks(pid)};
  std::array<char, 256> host{};
  const bool named = gethostname(host.data(), host.size() - 1) == 0 && host[0] != '\0';
  identity.host = std::string(named ? host.data() : "unnamed");
  if (!(std::ifstream("/proc/sys/kernel/random/boot_id") >> identity.boot)) identity.boot = std::string("unknown");
  return identity;
}

}  // namespace

std::string processIdentity() {
  const Identity me = ofPid(std::to_string(getpid()));
  return me.host + " " + me.boot + " " + me.pid + " " + me.start;
}

bool mayBeAlive(std::string_view text) {
  std::istringstream in{std::string(text)};
  Identity then;
  if (!(in >> then.host >> then.boot >> then.pid)) return false;
  in >> then.start;
  const Identity now = ofPid(then.pid);
  if (now.host != then.host) return true;
  return now.boot == then.boot && !now.start.empty() && now.start == then.start;
}

}  // namespace ts
