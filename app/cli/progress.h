// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <mutex>
#include <string>

namespace ts::cli {

/// Progress on standard error: a bar with the time left on a terminal, else one line every tenth or every half minute.
/// May be called from any thread.
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress();  ///< takes the bar away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `fraction` of the work done (0 to 1); `secondsLeft` < 0: estimated from the time taken so far.
  void update(double fraction, const std::string& what, double secondsLeft = -1);
  void note(const std::string& line);  ///< a line that stays
  void hide();                         ///< takes the bar away, before the result is printed

 private:
  using Clock = std::chrono::steady_clock;
  void clear();

  std::mutex mutex_;
  bool quiet_, terminal_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now(), last_{};
  int lastTenth_ = -1;
  std::string lastWhat_;
};

}  // namespace ts::cli
