// SPDX-License-Identifier: Apache-2.0
// Copies of a resource's scripts below the state directory (copy=yes): made when they are not there, renewed by `update`.
// May hang on a dead mount.
#pragma once

#include <cstdint>
#include <string>

#include "common/definition.hpp"
#include "common/result.hpp"

namespace banken {

// "/var/lib/banken/scripts/1f000501/web%2Fa/restore".
[[nodiscard]] std::string copy_path(const std::string& state_dir, std::uint32_t ipc_key, const std::string& tag, ResourceScript script);

// All that the definition names; `renew`: also those that are there. The state directory must pass Trust, and so must what is copied.
[[nodiscard]] Result<> copy_scripts(const Definition& definition, const std::string& state_dir, std::uint32_t ipc_key, bool renew);

}  // namespace banken
