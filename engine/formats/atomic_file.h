// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "engine/core/result.h"

namespace ts {

/// A file that appears whole or not at all: written to a temporary beside it, flushed to the disk, then renamed over
/// `path`. Without commit() (an error, a full disk) the temporary is removed and what was at `path` stays as it was.
class AtomicFile {
 public:
  /// Errors (Io): the folder is missing or cannot be written.
  static Result<AtomicFile> create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Result<void> write(const void* data, std::size_t size);  ///< Io: "No space left on device", with the bytes written
  Result<void> commit();

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor)
      : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
  std::size_t written_ = 0;
};

}  // namespace ts
