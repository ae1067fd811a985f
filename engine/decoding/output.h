// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <span>

#include "engine/decoding/decoder.h"
#include "engine/formats/tokenizer.h"

namespace ts {

/// Writes what a decoder chooses into a Generation as it comes: ids, text in whole characters, times, the reason to
/// stop.
class Output {
 public:
  /// The clock starts now. `sink` may be empty.
  Output(Generation& generation, const Model& model, const GenerateOptions& options, TokenSink sink);

  /// Tokens that came out together, now. False: the text has ended.
  bool push(std::span<const int> tokens);
  /// Ends the text with this stopReason; always false.
  bool end(const char* reason);
  /// Flushes the text and computes the rates; nothing may be pushed afterwards.
  void finish();

 private:
  void emit(int token);

  using Clock = std::chrono::steady_clock;
  Generation& generation_;
  const Model& model_;
  const GenerateOptions& options_;
  TokenSink sink_;
  Utf8Stream characters_;
  Clock::time_point start_, last_;
};

}  // namespace ts
