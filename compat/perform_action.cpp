// SPDX-License-Identifier: Apache-2.0
// LifeKeeper's perform_action: an order for a resource, and the wait for what comes of it (spec/resources.md; reference/lifekeeper.md, 4.3).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "common/exit_code.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/order_channel.hpp"
#include "common/sys/pcheck_segment.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

struct Action {
    std::string_view name;
    std::vector<std::string> order;  // the tag follows its first word
};

const std::vector<Action>& actions() {
    static const std::vector<Action> all{{"restore", {"restore"}},
                                         {"remove", {"remove"}},
                                         {"quickCheck", {"check"}},
                                         {"deepCheck", {"check", "deep"}},
                                         {"recover", {"recover"}}};
    return all;
}

int refuse(ExitCode code, std::string_view why) {
    fmt::print(stderr, "perform_action: {}\n", why);
    return number_of(code);
}

bool is_in(ResourceState state) { return state == ResourceState::isp || state == ResourceState::online || state == ResourceState::warning; }

bool is_out(ResourceState state) {
    return state == ResourceState::osu || state == ResourceState::offline || state == ResourceState::offline_fault;
}

// Nothing of what was ordered is under way any more.
bool is_done(const ResourceRecord& before, const ResourceRecord& now, std::string_view action) {
    if (now.goal != Goal::none || now.state == ResourceState::wait) return false;
    const bool check = action.ends_with("Check");
    if (!check) return now.run.script == 0;
    if (now.shown != before.shown || now.checks > before.checks + 1) return true;
    return now.checks != before.checks && (action == "quickCheck" || now.run.script == 0);  // a deep one follows a quick one that runs
}

bool is_good(const ResourceRecord& before, const ResourceRecord& now, std::string_view action) {
    if (action == "remove") return is_out(now.state);
    if (action.ends_with("Check")) return now.last_check == "ok";
    if (action == "recover") return is_in(now.state) && now.recovered != before.recovered;
    return is_in(now.state);
}

int wait_for(const sys::HostedResource& before, std::string_view action) {
    constexpr Duration between_looks = std::chrono::milliseconds(50);
    for (;;) {
        const auto now = sys::hosted_resources(before.stat.key, before.resource.tag);
        if (now.empty()) return refuse(ExitCode::not_running, "pcheck has ended, or the resource is no more");
        const ResourceRecord& resource = now.front().resource;
        if (is_done(before.resource, resource, action)) {
            if (is_good(before.resource, resource, action)) return number_of(ExitCode::ok);
            return refuse(ExitCode::refused,
                          fmt::format("{} is {}: {}", resource.tag, text_of(resource.shown), printable(resource.reason)));
        }
        sys::sleep_for(between_looks);
    }
}

int perform(const std::string& tag, const Action& action) {
    const auto own = [](const char* name) { return std::string_view(std::getenv(name) ? std::getenv(name) : ""); };
    if (sys::key_in_environment() && (own("TAG") == tag || own("HV_NODENAME") == tag))
        return refuse(ExitCode::refused, fmt::format("{}: not from a script of the same resource", printable(tag)));
    const auto hosted = sys::hosted_resources(sys::key_in_environment(), tag);
    if (hosted.empty()) return refuse(ExitCode::no_such_entry, fmt::format("no resource {} in a pcheck that runs", banken::quoted(tag)));
    if (hosted.size() > 1)
        return refuse(ExitCode::refused, fmt::format("{} is a resource of several pchecks: set BANKEN_IPCKEY", banken::quoted(tag)));
    const sys::HostedResource& one = hosted.front();
    const auto segment = sys::Segment::attach(one.stat, sys::Segment::Access::write);
    if (!segment) return refuse(ExitCode::not_permitted, segment.error().in("not permitted to give orders").text);
    std::vector<std::string> words = action.order;
    words.insert(words.begin() + 1, tag);
    const auto reply = sys::send_order(*segment, words, {.wait = one.check_interval + sys::OrderPatience::beyond_check_interval});
    if (reply.exit_status != 0) {
        fmt::print(stderr, "perform_action: {}\n", printable(reply.text));
        return reply.exit_status;
    }
    return wait_for(one, action.name);
}

int run(int argc, char** argv) {
    std::string tag, name;
    bool narrow = false;
    CLI::App app("Orders an action of a resource and waits for its end.", "perform_action");
    app.add_option("-t", tag, "The resource")->type_name("TAG")->required();
    app.add_option("-a", name, "restore, remove, quickCheck, deepCheck or recover")->type_name("ACTION")->required();
    app.add_flag("-G,-s,-b,-n", narrow, "Accepted, without effect");
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        return app.exit(asked);
    } catch (const CLI::ParseError& error) {
        return refuse(ExitCode::usage, printable(error.what()));
    }
    const auto known = std::ranges::find(actions(), name, &Action::name);
    if (known == actions().end())
        return refuse(ExitCode::usage, fmt::format("{} is none of restore, remove, quickCheck, deepCheck, recover", banken::quoted(name)));
    return perform(tag, *known);
}

}  // namespace
}  // namespace banken

int main(int argc, char** argv) { return banken::run(argc, argv); }
