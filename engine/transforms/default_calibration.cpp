// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/default_calibration.h"

#include <algorithm>
#include <cassert>
#include <fstream>
#include <iterator>

#include "engine/core/resources.h"

namespace ts {

Result<std::vector<std::vector<int>>> defaultCalibration(const Tokenizer& tokenizer, int sequences, int length, const std::filesystem::path& text) {
  assert(sequences > 0 && length > 1);
  const std::filesystem::path path = text.empty() ? resourceFolder() / "calibration" / "wikipedia.txt" : text;
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorKind::Io, "the calibration text cannot be opened", path.string());
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return fail(ErrorKind::Io, "the calibration text cannot be read", path.string());

  const std::vector<int> ids = tokenizer.encode(content, {.addSpecial = false, .parseSpecial = false});
  const bool bos = tokenizer.addsBos() && tokenizer.bos() >= 0;
  const std::int64_t body = length - (bos ? 1 : 0), available = static_cast<std::int64_t>(ids.size());
  if (available < body)
    return fail("the calibration text holds " + std::to_string(available) + " tokens; one sequence needs " + std::to_string(body), path.string());
  const std::int64_t count = std::min<std::int64_t>(sequences, available / body);
  std::vector<std::vector<int>> result;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t first = count == 1 ? 0 : i * (available - body) / (count - 1);
    std::vector<int>& sequence = result.emplace_back();
    if (bos) sequence.push_back(tokenizer.bos());
    sequence.insert(sequence.end(), ids.begin() + first, ids.begin() + first + body);
  }
  return result;
}

}  // namespace ts
