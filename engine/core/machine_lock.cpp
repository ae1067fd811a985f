// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/machine_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <thread>

namespace ts {
namespace {

constexpr auto kAskAgain = std::chrono::milliseconds(20);

/// -1 with errno where there can be no such file. In /tmp anybody may have put one there: only our own is taken.
int openLock(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat info {};
  if (file >= 0 && (fstat(file, &info) != 0 || info.st_uid != geteuid())) {
    ::close(file);
    errno = EPERM;
    return -1;
  }
  return file;
}

std::filesystem::path gatePath() { return machineLockPath().string() + ".gate"; }

bool tryLock(int file, int how) {
  while (flock(file, how | LOCK_NB) != 0)
    if (errno != EINTR) return false;
  return true;
}

void closeLock(int& file) {
  if (file < 0) return;
  flock(file, LOCK_UN);  // a child that was forked meanwhile holds the same open file
  ::close(file);
  file = -1;
}

}  // namespace

std::filesystem::path machineLockPath() {
  if (const char* asked = std::getenv("TRADESPACE_LOCK"); asked && *asked) return asked;
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime && ::access(runtime, W_OK | X_OK) == 0)
    return std::filesystem::path(runtime) / "tradespace.lock";
  return "/tmp/tradespace-" + std::to_string(geteuid()) + ".lock";
}

void MachineHold::release() {
  closeLock(file_);
  closeLock(gate_);
}

Result<MachineHold> holdMachine(MachineUse use, const std::stop_token& stop, const std::function<void(bool)>& waiting) {
  MachineHold hold;
  int gate = openLock(gatePath()), file = gate < 0 ? -1 : openLock(machineLockPath());
  if (file < 0) {
    hold.problem_ = "other Tradespace programs cannot be kept waiting: " + std::generic_category().message(errno) + " (" +
                    machineLockPath().string() + ")";
    closeLock(gate);
    return hold;
  }
  bool waited = false, stopped = false;
  const auto lock = [&](int which, int how) {
    while (!tryLock(which, how)) {
      if (!std::exchange(waited, true) && waiting) waiting(true);
      if (stop.stop_requested()) return false;
      std::this_thread::sleep_for(kAskAgain);
    }
    return true;
  };
  // Who measures keeps the gate; who works only passes through it.
  const bool measures = use == MachineUse::Measure;
  stopped = !lock(gate, measures ? LOCK_EX : LOCK_SH) || !lock(file, measures ? LOCK_EX : LOCK_SH);
  if (waited && waiting) waiting(false);
  hold.file_ = file;
  hold.gate_ = gate;
  if (stopped) return fail(ErrorKind::Cancelled, std::string("stopped while ") + waitingText(use));
  if (!measures) closeLock(hold.gate_);
  return hold;
}

void giveWay(MachineHold& hold, const std::stop_token& stop, const std::function<void(bool)>& waiting) {
  int gate = openLock(gatePath());
  if (gate < 0) return;
  const bool wanted = !tryLock(gate, LOCK_SH);
  closeLock(gate);
  if (!wanted) return;
  hold.release();
  if (auto again = holdMachine(MachineUse::Work, stop, waiting)) hold = std::move(*again);
}

const char* waitingText(MachineUse use) {
  return use == MachineUse::Measure ? "waiting for other Tradespace work to end, to measure alone"
                                    : "waiting for a Tradespace measurement, which must be alone on the machine";
}

}  // namespace ts
