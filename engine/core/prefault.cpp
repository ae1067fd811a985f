// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/prefault.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace ts {

void prefault([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  if (bytes == 0) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE)), begin = reinterpret_cast<std::uintptr_t>(memory) / page * page,
             end = (reinterpret_cast<std::uintptr_t>(memory) + bytes + page - 1) / page * page;
  (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE);
#endif
}

}  // namespace ts
