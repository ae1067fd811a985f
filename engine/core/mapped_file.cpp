// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace ts {
namespace {

/// Closes the descriptor when it goes out of scope; the mapping outlives it.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

std::string reason() { return std::strerror(errno); }

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.value < 0) return fail(ErrorKind::Io, "cannot open the file: " + reason(), path.string());
  struct stat status {};
  if (::fstat(file.value, &status) != 0) return fail(ErrorKind::Io, "cannot read the file's size: " + reason(), path.string());
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::Io, "expected a regular file", path.string());
  std::shared_ptr<MappedFile> mapped(new MappedFile);
  mapped->path_ = path;
  if (status.st_size > 0) {
    const auto size = static_cast<std::size_t>(status.st_size);
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value, 0);
    if (address == MAP_FAILED) return fail(ErrorKind::Io, "cannot map the file into memory: " + reason(), path.string());
    mapped->data_ = static_cast<const std::byte*>(address);
    mapped->size_ = size;
  }
  return std::shared_ptr<const MappedFile>(std::move(mapped));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<std::string> readTextFile(const std::filesystem::path& path, std::size_t limit) {
  TS_TRY(const auto file, MappedFile::open(path));
  const auto bytes = file->bytes();
  if (bytes.size() > limit)
    return fail("expected at most " + std::to_string(limit) + " bytes, the file has " + std::to_string(bytes.size()), path.string());
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace ts
