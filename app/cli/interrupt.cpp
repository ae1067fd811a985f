// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <string_view>

namespace ts::cli {
namespace {

void say(std::string_view text) { [[maybe_unused]] const auto n = ::write(STDERR_FILENO, text.data(), text.size()); }

void waitForSignals(std::stop_token ended, std::stop_source& stop, sigset_t signals) {
  bool asked = false;
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (ended.stop_requested()) return;
    if (asked) ::_exit(128 + signal);
    asked = true;
    say("\nStopping; once more to end at once.\n");
    stop.request_stop();
  }
}

}  // namespace

Interrupt::Interrupt(std::stop_source& stop) {
  ::signal(SIGXFSZ, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([&stop, signals](std::stop_token ended) { waitForSignals(std::move(ended), stop, signals); });
}

Interrupt::~Interrupt() {
  waiter_.request_stop();
  pthread_kill(waiter_.native_handle(), SIGTERM);  // to that thread alone: it wakes at once and sees that it is not needed
}

}  // namespace ts::cli
