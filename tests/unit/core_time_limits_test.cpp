// SPDX-License-Identifier: Apache-2.0
// The time-out rules of the products, each from the texts of its files to what becomes of a script that takes too long.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>

#include "common/definition_file.hpp"
#include "tests/fake/resource_world.hpp"

using namespace banken;
using namespace banken::core;
using namespace std::chrono_literals;
using Script = ResourceScript;

namespace {

constexpr std::string_view scripts = "[generic]\nrestore=/r\nremove=/s\nquickCheck=/q\ndeepCheck=/d\nrecover=/m\n";

Definition read(std::string_view text, ResourceKind kind, std::string_view defaults_file = {}) {
    Definition line;
    line.tag = "web-1";
    line.kind = kind;
    const auto defaults = parse_defaults(defaults_file, std::span(&line, 1));
    CHECK(defaults.diagnostics.empty());
    const auto parsed = parse_definition(text, line, defaults.defaults);
    for (const Diagnostic& one : parsed.diagnostics) CHECK(one.severity == Diagnostic::Severity::warning);
    return parsed.definition;
}

ResourceWorld in_service(Definition definition) {
    ResourceWorld world({std::move(definition)});
    world.all_well();
    (void)world.log();
    return world;
}

// It is sent the signal when the limit has passed, and not before.
void is_ended_after(ResourceWorld& world, Script script, Duration limit, int signal) {
    world.pass(limit - 10ms);
    CHECK(world.signal_sent("web-1", script) == 0);
    world.pass(10ms);
    CHECK(world.signal_sent("web-1", script) == signal);
    world.killed("web-1", script, signal);
}

}  // namespace

TEST_CASE("LifeKeeper for Linux up to 9.0: TTAG_TIMEOUT limits quickCheck alone, and what it cuts off is good") {
    auto world = in_service(read(scripts, ResourceKind::generic, "LKCHECKINTERVAL=60\nweb_1_TIMEOUT=22\n"));
    world.pass(60s);
    is_ended_after(world, Script::quick_check, 22s, 9);
    CHECK(world.state("web-1") == "ISP");
    CHECK(world.runs("web-1").empty());
    CHECK(world.log().front() == "Check failed (web-1): quickCheck timeout=22s");
    world.order(Verb::remove, "web-1");
    world.pass(24h);
    CHECK(world.signal_sent("web-1", Script::remove) == 0);
}

TEST_CASE("LifeKeeper for Linux from 9.1: GENAPP_TTAG_…_TIMEOUT limits each action; a check cut off is good, another one has failed") {
    constexpr std::string_view file =
        "LKCHECKINTERVAL=60\nGENAPP_web_1_RESTORE_TIMEOUT=30\nGENAPP_web_1_REMOVE_TIMEOUT=0\nGENAPP_web_1_QUICKCHECK_TIMEOUT=10\n"
        "GENAPP_web_1_RECOVER_TIMEOUT=40\nweb_1_TIMEOUT=22\n";
    ResourceWorld world({read(scripts, ResourceKind::generic, file)});
    is_ended_after(world, Script::restore, 30s, 15);
    CHECK(world.state("web-1") == "OSF");

    world = in_service(read(scripts, ResourceKind::generic, file));
    world.pass(60s);
    is_ended_after(world, Script::quick_check, 10s, 9);
    CHECK(world.state("web-1") == "ISP");
    world.order(Verb::recover, "web-1");
    is_ended_after(world, Script::recover, 40s, 15);
    CHECK(world.runs("web-1") == "remove");
    world.pass(24h);
    CHECK(world.signal_sent("web-1", Script::remove) == 0);
}

TEST_CASE("LifeKeeper for Windows: quickCheck may take one quick interval, deepCheck two deep intervals") {
    const std::string text = fmt::format("{}quick_interval=180\ndeep_interval=300\ncheck_limits=derived\n", scripts);
    auto world = in_service(read(text, ResourceKind::generic));
    world.pass(180s);
    is_ended_after(world, Script::quick_check, 180s, 9);
    CHECK(world.state("web-1") == "ISP");
    CHECK(world.runs("web-1") == "deepCheck");  // it was due meanwhile
    is_ended_after(world, Script::deep_check, 600s, 9);
    CHECK(world.state("web-1") == "ISP");
}

TEST_CASE("Cmdline: TIMEOUT covers Start and the Check that has to agree, and what it cuts off is Faulted") {
    const auto definition = [] { return read("[cmdline]\nstart=/r\nstop=/s\ncheck=/c\nTIMEOUT=50\n", ResourceKind::cmdline); };
    ResourceWorld world({definition()});
    world.ends("web-1", Script::check, 1);
    is_ended_after(world, Script::start, 50s, 15);
    CHECK(world.state("web-1") == "Faulted");

    ResourceWorld slow({definition()});
    slow.ends("web-1", Script::check, 1);
    slow.pass(20s);
    slow.ends("web-1", Script::start);
    slow.pass(30s - 10ms);
    CHECK(slow.state("web-1") == "Wait");
    slow.pass(10ms);
    CHECK(slow.state("web-1") == "Faulted");
}
