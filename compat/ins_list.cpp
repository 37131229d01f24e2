// SPDX-License-Identifier: Apache-2.0
// The resources as LifeKeeper's ins_list prints them: 17 fields a line (spec/resources.md; reference/lifekeeper.md, 2.4). Scripts cut out the seventh.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "common/definition.hpp"
#include "common/exit_code.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/pcheck_segment.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

std::string init_type(const ResourceRecord& resource) {
    return resource.initial == static_cast<std::uint32_t>(InitialState::none) ? "INIT_OSU" : "AUTORES_ISP";
}

std::string line_of(const ResourceRecord& resource, const std::string& host, const std::string& separator) {
    const auto seconds = [](Duration interval) {
        return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(interval).count());
    };
    const auto interval = [&](ResourceScript script, Duration every) {
        const bool there = (resource.scripts >> static_cast<unsigned>(script) & 1) != 0;
        return seconds(there ? every : Duration{});
    };
    const bool generic = resource.kind == static_cast<std::uint32_t>(ResourceKind::generic);
    const std::array<std::string, 17> fields{host,
                                             generic ? "gen" : "cmdline",
                                             "app",
                                             resource.tag,
                                             printable(resource.id),
                                             printable(resource.info),
                                             std::string(text_of(resource.shown)),
                                             printable(resource.reason),
                                             init_type(resource),
                                             "",
                                             "0",
                                             "0",
                                             "",
                                             interval(ResourceScript::quick_check, resource.quick_interval),
                                             interval(ResourceScript::deep_check, resource.deep_interval),
                                             "0",
                                             "INTELLIGENT"};
    return fmt::format("{}\n", fmt::join(fields, separator));
}

int run(int argc, char** argv) {
    std::string separator = "\x01", tag;
    CLI::App app("Prints the resources of pcheck, one a line, in 17 fields.", "ins_list");
    app.add_option("-f", separator, "What stands between the fields; default: byte 1")->type_name("SEP");
    app.add_option("-t", tag, "Only the resource of this tag")->type_name("TAG");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        return app.exit(asked);
    } catch (const CLI::ParseError& error) {
        fmt::print(stderr, "ins_list: {}\n", printable(error.what()));
        return number_of(ExitCode::usage);
    }
    const auto resources = sys::hosted_resources(sys::key_in_environment(), tag);
    if (resources.empty() && !tag.empty()) {
        fmt::print(stderr, "ins_list: no resource {} in a pcheck that runs\n", banken::quoted(tag));
        return number_of(ExitCode::no_such_entry);
    }
    const std::string host = sys::host_name();
    for (const sys::HostedResource& one : resources) fmt::print("{}", line_of(one.resource, host, separator));
    return std::fflush(stdout) == 0 ? number_of(ExitCode::ok) : number_of(ExitCode::system);
}

}  // namespace
}  // namespace banken

int main(int argc, char** argv) { return banken::run(argc, argv); }
