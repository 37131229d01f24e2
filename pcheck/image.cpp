// SPDX-License-Identifier: Apache-2.0
#include "pcheck/image.hpp"

#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "common/exit_code.hpp"
#include "common/exit_status.hpp"
#include "common/sys/file.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/program.hpp"
#include "common/sys/trust.hpp"
#include "common/text.hpp"
#include "pcheck/segment_writer.hpp"

namespace banken {
namespace {

constexpr auto test_patience = std::chrono::seconds(30);
constexpr const char* mark = "BANKEN_IN_PLACE";  // its value: our pid

// A link to the version that is installed stays a link: the kernel's own word would name the version that runs.
std::string started_by() {
    std::error_code ignored;
    const char* const word = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
    std::string path = word ? std::filesystem::absolute(word, ignored).string() : std::string();
    const auto named = sys::stamp_of(path), own = sys::stamp_of("/proc/self/exe");
    if (named && own && named->same_file(*own)) return path;
    return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

std::string why_not(const sys::FinishedProgram& finished) {
    std::string said = finished.output.substr(0, finished.output.find('\n'));
    if (!said.empty()) return said;
    if (WIFSIGNALED(finished.status) && WTERMSIG(finished.status) == SIGKILL) return "its test did not end in time";
    return fmt::format("its test ended with {}", short_text_of_status(finished.status));
}

void set_limits(const sys::Inheritance& limits) {
    for (unsigned resource = 0; resource < RLIM_NLIMITS; ++resource) {
        ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limits.limits[resource]);
    }
}

}  // namespace

Image Image::of_this_process(int argc, char** argv) {
    Image image;
    image.program = started_by();
    image.arguments.assign(argv, argv + argc);
    std::erase_if(image.arguments, [](const std::string& word) { return word == "--fresh" || word.starts_with("--fresh="); });
    const char* const told = std::getenv(mark);
    image.in_place = told && std::to_string(::getpid()) == told;
    ::unsetenv(mark);
    return image;
}

Result<> test_installed(const Image& image, const std::vector<std::string>& environment) {
    if (auto trusted = sys::check_trust(image.program, sys::TrustKind::script, ::geteuid()); !trusted) return trusted;
    std::vector<std::string> arguments = image.arguments;
    arguments.insert(arguments.begin() + 1, "--adoptable");
    const auto finished = sys::run_program(image.program, arguments, environment, test_patience);
    if (!finished) return Failure(finished.error());
    if (finished->status != 0) return fail("{}: {}", image.program, printable(why_not(*finished)));
    return {};
}

Failure execute_in_place(const Image& image, const std::vector<std::string>& environment, const sys::Inheritance& original) {
    std::vector<std::string> marked = environment;
    marked.push_back(fmt::format("{}={}", mark, ::getpid()));
    const auto own = sys::Inheritance::of_this_process();
    set_limits(original);
    ::execve(image.program.c_str(), sys::pointers_to(image.arguments).data(), sys::pointers_to(marked).data());
    auto refused = fail_errno(image.program);
    set_limits(own);
    return refused;
}

int tell_whether_adoptable(const tl::expected<LoadedPfile, LoadFailure>& loaded) {
    if (!loaded) {
        for (const std::string& line : loaded.error().lines) fmt::print(stderr, "{}\n", line);
        return number_of(loaded.error().code);
    }
    const auto can = SegmentWriter::can_go_on(loaded->pfile.param.ipc_key, loaded->owner);
    if (can) return number_of(ExitCode::ok);
    fmt::print(stderr, "{}\n", can.error().text);
    return number_of(ExitCode::unavailable);
}

std::vector<pid_t> own_children() {
    std::vector<pid_t> children;
    const auto listed = sys::read_file(fmt::format("/proc/self/task/{}/children", ::getpid()), 1 << 20);
    if (!listed) return children;  // a kernel without this list: they stay zombies until our end
    for (const std::string_view word : split(*listed, ' ')) {
        if (const auto pid = number_of(word, {1, 1 << 22})) children.push_back(static_cast<pid_t>(*pid));
    }
    return children;
}

}  // namespace banken
