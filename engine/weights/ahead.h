// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace ts {

/// How one row's product gets at weights that lie in memory, where little is computed for each line of them: a kernel asks for lines some
/// time before it reads them, or leaves it to the processor to see the stream by itself. Which is faster differs by more than 10 %
/// from one kind of processor to the other. Measured once on a machine, on one core; changes no result.
struct AheadChoice {
  bool asks = true;
  double askedGBs = 0, aloneGBs = 0;  ///< read either way; 0 where it is not measured (weights cannot be taken out of the caches; scalar kernels)
  bool forced = false;                ///< by TRADESPACE_AHEAD=ask or =alone, whatever was measured
};

/// The choice, measured now if it must be (a tenth of a second and 9 MB), and in force from now on.
AheadChoice settleAhead();

}  // namespace ts
