// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/read_hostile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ts::hostile::config({reinterpret_cast<const char*>(data), size});
  return 0;
}
