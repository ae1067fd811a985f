// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/input.h"

#include <fstream>
#include <iostream>
#include <iterator>

namespace ts::cli {

Result<std::string> textOrFile(const std::string& text, const std::string& file) {
  if (file.empty()) return text;
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(ErrorKind::Io, "cannot read this text file", file);
  std::string contents(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return fail(ErrorKind::Io, "reading this text file failed", file);
  return contents;
}

Result<const Tokenizer*> tokenizerOf(const Checkpoint& checkpoint) {
  if (checkpoint.tokenizer) return checkpoint.tokenizer.get();
  return fail("this model carries no tokenizer: expected tokenizer.json or tokenizer.model in its folder, or tokenizer.ggml.* in a GGUF file",
              checkpoint.path.string());
}

}  // namespace ts::cli
