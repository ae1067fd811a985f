// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <stop_token>
#include <thread>

namespace ts::cli {

/// Ctrl-C (SIGINT) and SIGTERM ask the work to stop; the second one ends the program at once. To be made before any
/// other thread, which then leave these signals alone. Also makes a write beyond a file size limit an error instead of
/// the end of the program.
class Interrupt {
 public:
  explicit Interrupt(std::stop_source& stop);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

 private:
  std::jthread waiter_;
};

}  // namespace ts::cli
