// SPDX-License-Identifier: GPL-3.0-or-later
#include "experiments/store/owner.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <random>
#include <system_error>
#include <utility>

namespace ts {
namespace {

constexpr const char* kInMemory = "memory";
constexpr std::int64_t kNumbers = std::int64_t{1} << 62;

std::string fileBeside(const std::filesystem::path& store) { return store.string() + "-owners"; }

/// One byte far beyond the end of the file, which stays empty. Locks of open file descriptions: they hold between two
/// stores of one process, too, and closing another descriptor does not drop them.
struct flock byteOf(std::int64_t number) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = number;
  lock.l_len = 1;
  return lock;
}

}  // namespace

Result<void> Owner::become(const std::filesystem::path& store) {
  release();
  const std::string path = fileBeside(store);
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) return fail(ErrorKind::Io, "cannot note who writes the store: " + std::generic_category().message(errno), path);
  std::random_device device;
  for (;;) {
    const auto number = static_cast<std::int64_t>(((std::uint64_t{device()} << 32) | device()) % kNumbers);
    struct flock lock = byteOf(number);
    if (fcntl(file_, F_OFD_SETLK, &lock) == 0) {
      id_ = std::to_string(number);
      return {};
    }
    if (errno == EAGAIN || errno == EACCES || errno == EINTR) continue;  // somebody's number
    const int error = errno;
    release();
    return fail(ErrorKind::Io, "this file system knows no locks (" + std::generic_category().message(error) + "); put the store elsewhere", path);
  }
}

void Owner::becomeOnlyOne() { id_ = kInMemory; }

void Owner::release() {
  if (file_ >= 0) {
    struct flock lock = byteOf(0);
    lock.l_type = F_UNLCK;
    lock.l_len = 0;
    fcntl(file_, F_OFD_SETLK, &lock);  // a child that was forked meanwhile shares the open file
    ::close(std::exchange(file_, -1));
  }
  id_.clear();
}

Owners::Owners(const std::filesystem::path& store) {
  if (store.empty()) return;
  file_ = ::open(fileBeside(store).c_str(), O_RDONLY | O_CLOEXEC);
  unknown_ = file_ < 0 && errno != ENOENT;
}

Owners::~Owners() {
  if (file_ >= 0) ::close(file_);
}

bool Owners::alive(const std::string& id) {
  if (id.empty()) return false;
  if (unknown_ || id == kInMemory) return true;
  const auto [it, fresh] = known_.emplace(id, false);
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (!fresh || file_ < 0 || error != std::errc() || end != id.data() + id.size() || number < 0) return it->second;
  struct flock lock = byteOf(number);
  it->second = fcntl(file_, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
  return it->second;
}

}  // namespace ts
