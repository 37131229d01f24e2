// SPDX-License-Identifier: Apache-2.0
#include "pcheck/script_copies.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/sys/file.hpp"
#include "common/sys/trust.hpp"

namespace banken {
namespace {

constexpr std::size_t largest_script = 16u << 20;
constexpr mode_t executable = 0755;

std::string file_name_of(const std::string& tag) {
    std::string name;
    for (const char c : tag) name += c == '/' ? std::string("%2F") : std::string(1, c);
    return name;
}

Result<> make_directory(const std::string& path) {
    if (::mkdir(path.c_str(), executable) != 0 && errno != EEXIST) return fail_errno(path);
    return sys::check_trust(path, sys::TrustKind::directory, ::geteuid());
}

Result<> copy(const std::string& from, const std::string& to) {
    if (auto trusted = sys::check_trust(from, sys::TrustKind::script, ::geteuid()); !trusted) return trusted;
    const auto text = sys::read_file(from, largest_script);
    if (!text) return Failure(text.error());
    return sys::write_atomically(to, *text, executable);
}

}  // namespace

std::string copy_path(const std::string& state_dir, std::uint32_t ipc_key, const std::string& tag, ResourceScript script) {
    return fmt::format("{}/scripts/{:08x}/{}/{}", state_dir, ipc_key, file_name_of(tag), text_of(script));
}

Result<> copy_scripts(const Definition& definition, const std::string& state_dir, std::uint32_t ipc_key, bool renew) {
    for (std::size_t i = 0; i < resource_scripts; ++i) {
        const auto script = static_cast<ResourceScript>(i);
        if (!definition.has(script)) continue;
        const std::string path = copy_path(state_dir, ipc_key, definition.tag, script);
        if (!renew && ::access(path.c_str(), X_OK) == 0) continue;
        for (std::size_t end = state_dir.size(); end != std::string::npos; end = path.find('/', end + 1)) {
            if (auto made = make_directory(path.substr(0, end)); !made) return made;
        }
        if (auto copied = copy(definition.script(script).argv.front(), path); !copied) return copied;
    }
    return {};
}

}  // namespace banken
