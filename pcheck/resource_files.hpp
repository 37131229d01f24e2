// SPDX-License-Identifier: Apache-2.0
// The files that the RESOURCE lines of a pfile name, and DEFAULTS_FILE: read as the pfile is, all their mistakes at once.
#pragma once

#include <string_view>
#include <vector>

#include "pcheck/loader.hpp"

namespace banken {

// Completes the resources of `loaded`; `pfile` is its text, for the places of what it names and cannot be read.
void read_resources(LoadedPfile& loaded, std::string_view pfile, const std::vector<ResourceColumns>& columns);

}  // namespace banken
