// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ts {

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  static std::atomic<unsigned> counter = 0;
  const std::string temporary = path.string() + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".part";
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return fail(ErrorKind::Io, std::string("cannot create the file: ") + std::strerror(errno), path.string());
  return AtomicFile(path, temporary, descriptor);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      written_(other.written_) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

Result<void> AtomicFile::write(const void* data, std::size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t done = ::write(descriptor_, from, std::min(size, std::size_t{1} << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0)
      return fail(ErrorKind::Io, std::string("cannot write: ") + std::strerror(done < 0 ? errno : ENOSPC) + " (after " + std::to_string(written_) + " bytes)",
                  path_.string());
    from += done;
    size -= static_cast<std::size_t>(done);
    written_ += static_cast<std::size_t>(done);
  }
  return {};
}

Result<void> AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) return fail(ErrorKind::Io, std::string("cannot write to the disk: ") + std::strerror(errno), path_.string());
  if (::rename(temporary_.c_str(), path_.c_str()) != 0)
    return fail(ErrorKind::Io, std::string("cannot rename the finished file: ") + std::strerror(errno), path_.string());
  ::close(std::exchange(descriptor_, -1));
  return {};
}

}  // namespace ts
