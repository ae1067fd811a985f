// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "app/cli/text.h"

namespace ts::cli {
namespace {

constexpr int kBarWidth = 30;

std::string bar(double fraction) {
  std::string out;
  const int full = static_cast<int>(std::lround(fraction * kBarWidth));
  for (int i = 0; i < kBarWidth; ++i) out += i < full ? "█" : "░";
  return out;
}

std::size_t terminalWidth() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// At most `width` characters, without cutting one in two.
std::string shortened(const std::string& text, std::size_t width) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((text[i] & 0xC0) != 0x80 && ++characters > width) return text.substr(0, i);
  return text;
}

}  // namespace

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() { hide(); }

void Progress::hide() {
  const std::lock_guard lock(mutex_);
  clear();
}

void Progress::clear() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
  shown_ = false;
}

void Progress::update(double fraction, const std::string& what, double secondsLeft) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  fraction = std::clamp(std::isfinite(fraction) ? fraction : 0.0, 0.0, 1.0);
  const auto now = Clock::now();
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  if (secondsLeft < 0 && fraction > 0.02 && elapsed > 1) secondsLeft = elapsed * (1 - fraction) / fraction;
  const std::string percent = std::to_string(static_cast<int>(fraction * 100)) + " %";
  const std::string left = secondsLeft >= 0 && fraction < 1 ? "  " + durationText(secondsLeft) + " left" : "";

  if (terminal_) {
    if (now - last_ < std::chrono::milliseconds(100) && fraction < 1 && what == lastWhat_) return;
    const std::string line = " " + bar(fraction) + " " + std::string(5 - std::min<std::size_t>(5, percent.size()), ' ') + percent + left + "  " + what;
    std::cerr << '\r' << shortened(line, terminalWidth() - 1) << "\033[K" << std::flush;
    shown_ = true;
  } else {
    const int tenth = static_cast<int>(fraction * 10);
    if (tenth == lastTenth_ && now - last_ < std::chrono::seconds(30)) return;
    if (lastTenth_ < 0 && elapsed < 2) return;  // short work needs no progress
    std::cerr << "  " << percent << left << "  " << what << std::endl;
    lastTenth_ = tenth;
  }
  last_ = now;
  lastWhat_ = what;
}

void Progress::note(const std::string& line) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  clear();
  std::cerr << "  " << line << std::endl;
}

}  // namespace ts::cli
