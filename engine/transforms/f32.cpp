// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/storage.h"

namespace ts {
namespace {

const Strategy strategy = plainStorage("f32", "32-bit floats",
                                       "stores every matrix in binary32: exact for all 16-bit files, twice their size");
const Registration registration(strategy.descriptor, strategy.factory);

}  // namespace
}  // namespace ts
