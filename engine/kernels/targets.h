// SPDX-License-Identifier: GPL-3.0-or-later
// Which instruction sets the kernels are compiled for; include before hwy/highway.h and hwy/foreach_target.h. The small
// x86 sets are left out, so that "scalar" is Highway's portable emulation, the code any other machine would run; so are
// sets whose vectors have no fixed length.
#pragma once

// SSE4, SSSE3, SSE2; AVX-512 ZEN4 and SPR of newer Highways (AVX3_DL serves them); SVE. Highway 1.0 does not name all of
// them, so they are given by bit.
#define HWY_DISABLED_TARGETS ((1LL << 11) | (1LL << 12) | (1LL << 14) | (1LL << 6) | (1LL << 4) | (15LL << 24))
#define HWY_WANT_AVX3_DL 1
