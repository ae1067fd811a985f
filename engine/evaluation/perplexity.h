// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/evaluation/task.h"

namespace ts {

enum class PerplexityProtocol {
  /// llama.cpp's: the text is cut into chunks of `context` tokens (the rest is dropped), each is evaluated with an empty
  /// context (BOS in the place of its first token where the vocabulary adds one), and the targets after its middle count:
  /// context/2 + 1 .. context - 1, 255 of 512.
  Chunks,
  /// Windows of `context` tokens that move by half of it; every token counts once, with at least half a window before it
  /// (but for the first window).
  Strided,
};

/// Perplexity and bits per byte of options.data or the task's text. Items are chunks or windows.
Result<void> runPerplexity(TaskRun& run, PerplexityProtocol protocol);

}  // namespace ts
