// SPDX-License-Identifier: GPL-3.0-or-later
#include <fstream>
#include <sstream>

#include "engine/formats/tokenizer_json.h"
#include "engine/formats/tokenizer_load.h"
#include "engine/formats/tokenizer_sentencepiece.h"

namespace ts {
namespace fs = std::filesystem;

namespace {

// The largest public tokenizer.json has 34 MB (Gemma 3).
constexpr std::uintmax_t kMostBytes = 256u << 20;

Result<std::string> readAll(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return fail(ErrorKind::Io, "cannot read the file: " + error.message(), path.string());
  if (size > kMostBytes) return fail("a tokenizer of " + std::to_string(size) + " bytes is beyond the limit of 256 MiB", path.string());
  std::ifstream in(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(size), '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(text.size()))) return fail(ErrorKind::Io, "cannot read the file", path.string());
  return text;
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> tokenizerOfFolder(const fs::path& folder) {
  std::error_code error;
  std::string config;
  if (const fs::path path = folder / "tokenizer_config.json"; fs::exists(path, error)) {
    TS_TRY(config, readAll(path));
  }
  if (const fs::path path = folder / "tokenizer.json"; fs::exists(path, error)) {
    TS_TRY(const std::string text, readAll(path));
    return tokenizerOfJson(text, config, path.string());
  }
  if (const fs::path path = folder / "tokenizer.model"; fs::exists(path, error)) {
    TS_TRY(const std::string model, readAll(path));
    std::string added;
    if (const fs::path more = folder / "added_tokens.json"; fs::exists(more, error)) {
      TS_TRY(added, readAll(more));
    }
    return tokenizerOfSentencePiece(model, config, added, path.string());
  }
  return std::shared_ptr<const Tokenizer>();
}

}  // namespace ts
