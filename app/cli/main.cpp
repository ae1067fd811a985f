// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/shell.h"

int main(int argc, char** argv) { return ts::cli::runShell(argc, argv); }
