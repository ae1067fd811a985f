// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/matrix.h"

namespace ts {

void multiplyTogether(ConstRows in, std::span<const Product> products, Execution& execution, bool wide) {
  for (const Product& p : products) p.matrix->multiply(in, p.out, execution, wide);
}

}  // namespace ts
