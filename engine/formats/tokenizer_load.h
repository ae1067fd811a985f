// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <filesystem>
#include <memory>

#include "engine/core/result.h"
#include "engine/formats/gguf.h"
#include "engine/formats/tokenizer.h"

namespace ts {

/// The tokenizer of a Hugging Face folder: tokenizer.json (with tokenizer_config.json), else tokenizer.model.
/// Null when the folder carries none of them. Errors: a broken file, a kind that nothing here can run (named).
Result<std::shared_ptr<const Tokenizer>> tokenizerOfFolder(const std::filesystem::path& folder);

/// The tokenizer of a GGUF file's tokenizer.ggml.* metadata; null when it carries none.
Result<std::shared_ptr<const Tokenizer>> tokenizerOfGguf(const GgufFile& file);

}  // namespace ts
