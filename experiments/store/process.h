// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace ts {

/// This process, told apart from every other that has had its number: "host boot-id pid start-ticks".
std::string processIdentity();

/// Whether the process of that identity may still run. One on another host is taken to be alive: nobody here can know.
bool mayBeAlive(std::string_view identity);

}  // namespace ts
