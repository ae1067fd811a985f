// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <exception>
#include <new>

#include "engine/core/result.h"

namespace ts {

/// A plan that throws is a failed plan, not the end of the sweep.
template <class Work>
auto guarded(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::OutOfMemory, "not enough memory for this plan");
  } catch (const std::exception& exception) {
    return fail(ErrorKind::Internal, exception.what());
  }
}

}  // namespace ts
