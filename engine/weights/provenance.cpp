// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/weights/provenance.h"

#include <hwy/highway.h>

#include "engine/core/version.h"
#include "engine/kernels/dnnl.h"
#include "engine/kernels/isa.h"
#include "engine/weights/wide.h"

#if __has_include(<gnu/libc-version.h>)
#include <gnu/libc-version.h>
#endif

namespace ts {
namespace {

/// "f32:64 f16:never ..." in a fixed order; "tiles", "floats" or "onednn" where a switch decides for all.
std::string wideChoices() {
  if (const std::string forced = forcedWide(); !forced.empty()) return forced;
  std::string text;
  for (const KernelChoice& c : allKernelChoices())
    text += (text.empty() ? "" : " ") + c.format + ":" +
            (c.switchOver > 0 ? std::to_string(c.switchOver) + "/" + c.pathName() : "never");
  return text;
}

}  // namespace

std::string arithmetic() { return kernelIsa() + "; onednn " + dnnlVersion() + "; " + wideChoices(); }

std::map<std::string, std::string> programProvenance() {
  std::map<std::string, std::string> facts{{"isa", kernelIsa()},
                                           {"wide", wideChoices()},
                                           {"library.onednn", dnnlVersion()},
                                           {"build.type", std::string(buildType())},
                                           {"build.flags", std::string(buildFlags())},
                                           {"build.compiler", std::string(buildCompiler())}};
#ifdef HWY_MAJOR
  facts["library.highway"] = std::to_string(HWY_MAJOR) + "." + std::to_string(HWY_MINOR) + "." + std::to_string(HWY_PATCH);
#endif
#ifdef __GLIBC__
  facts["library.libc"] = std::string("glibc ") + gnu_get_libc_version();
#endif
  return facts;
}

}  // namespace ts
