// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>

#include "engine/core/result.h"

namespace ts {

/// What a Tradespace process wants the machine for: any number may work at once, who measures time is alone.
enum class MachineUse { Work, Measure };

/// A hold on the machine, among all Tradespace programs of one user; given back on destruction. Empty holds do nothing.
class MachineHold {
 public:
  MachineHold() = default;
  ~MachineHold() { release(); }
  MachineHold(MachineHold&& other) noexcept { *this = std::move(other); }
  MachineHold& operator=(MachineHold&& other) noexcept {
    if (this == &other) return *this;
    release();
    file_ = std::exchange(other.file_, -1);
    gate_ = std::exchange(other.gate_, -1);
    problem_ = std::move(other.problem_);
    return *this;
  }

  void release();
  bool held() const { return file_ >= 0; }
  /// Why nothing is held though it was asked for (no place for the lock's file): others may then disturb a measurement.
  const std::string& problem() const { return problem_; }

 private:
  friend Result<MachineHold> holdMachine(MachineUse, const std::stop_token&, const std::function<void(bool)>&);
  int file_ = -1;  ///< locked: shared by those who work, exclusively by the one who measures
  int gate_ = -1;  ///< the measuring one's: holds back those who come later, or work that never ends would starve it
  std::string problem_;
};

/// Waits until the machine can be had. Each hold stands alone (two of one thread are two; never ask for a second one while
/// holding a first). `waiting(true)` is called once when it must wait, `waiting(false)` when that is over. Errors:
/// Cancelled, when asked to stop while waiting.
Result<MachineHold> holdMachine(MachineUse use, const std::stop_token& stop = {},
                                const std::function<void(bool waiting)>& waiting = {});

/// For work between two of its items: when somebody waits to measure, gives the hold back and takes it again when that is
/// done. The hold is empty afterwards when it was stopped while waiting.
void giveWay(MachineHold& hold, const std::stop_token& stop, const std::function<void(bool waiting)>& waiting = {});

/// What to tell the user while waiting.
const char* waitingText(MachineUse use);

/// TRADESPACE_LOCK where it is set (programs in several containers can share one), else tradespace.lock in
/// $XDG_RUNTIME_DIR, else tradespace-UID.lock in /tmp. A second file beside it ends in ".gate".
std::filesystem::path machineLockPath();

}  // namespace ts
