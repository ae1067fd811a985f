// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/transforms/storage.h"

namespace ts {
namespace {

const Strategy strategy = plainStorage("f16", "16-bit floats (binary16)",
                                       "stores every matrix in IEEE binary16 (11 significant bits), rounding to nearest");
const Registration registration(strategy.descriptor, strategy.factory);

}  // namespace
}  // namespace ts
