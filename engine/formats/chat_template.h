// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/core/result.h"

namespace ts {

struct ChatMessage {
  std::string role;  ///< "system", "user", "assistant"
  std::string content;
};

/// The text of a conversation as a model's chat template (Jinja source) spells it, rendered as Hugging Face transformers does
/// (trim_blocks, lstrip_blocks, no tools). The subset of Jinja: output, set, if/elif/else, for with loop, break, continue, macro,
/// namespace; arithmetic, comparison, `~`, `in`, `is`, inline if, slices; the filters and methods that published templates use.
/// Errors: what the template raises (raise_exception), a construct outside the subset (named, with its line), a template that
/// does not come to an end. An empty source is an error: the model has no template.
Result<std::string> applyChatTemplate(std::string_view source, std::span<const ChatMessage> messages, bool addGenerationPrompt,
                                      std::string_view bos, std::string_view eos);

}  // namespace ts
