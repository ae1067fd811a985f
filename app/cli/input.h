// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

#include "engine/core/result.h"
#include "engine/formats/checkpoint.h"
#include "engine/formats/tokenizer.h"

namespace ts::cli {

/// `text`, or the contents of `file` where one is named ("-": standard input).
Result<std::string> textOrFile(const std::string& text, const std::string& file);

/// The checkpoint's tokenizer; an error when it carries none.
Result<const Tokenizer*> tokenizerOf(const Checkpoint& checkpoint);

}  // namespace ts::cli
