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
  while (!ended.stop_requested()) {
    const timespec pause{0, 50'000'000};
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    if (signal <= 0) continue;
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

Interrupt::~Interrupt() = default;

}  // namespace ts::cli
