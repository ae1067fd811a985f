// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/storage.h"

namespace ts {
namespace {

const Strategy strategy = plainStorage("bf16", "16-bit floats (bfloat16)",
                                       "stores every matrix in bfloat16 (8 significant bits, the range of binary32), rounding to nearest");
const Registration registration(strategy.descriptor, strategy.factory);

}  // namespace
}  // namespace ts
