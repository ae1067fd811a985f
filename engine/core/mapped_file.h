// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "engine/core/result.h"

namespace ts {

/// A whole file mapped read-only. Pages are read when touched; the mapping lives as long as someone holds it.
class MappedFile {
 public:
  /// Errors (Io): no such file, not a regular file, no permission. An empty file maps to an empty span.
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile() = default;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The whole of a small text file. Errors (Io): unreadable; InvalidInput: larger than `limit` bytes.
Result<std::string> readTextFile(const std::filesystem::path& path, std::size_t limit = std::size_t{256} << 20);

}  // namespace ts
