// SPDX-License-Identifier: Apache-2.0
// A world for the core of resources: scripts that end as the test says, and a clock that only tests move.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pcheck/core/resources.hpp"
#include "pcheck/resource_records.hpp"

namespace banken::core {

// A generic resource with all five scripts, in 120 s and 300 s checked; a cmdline one with all three.
[[nodiscard]] Definition generic(std::string tag, std::vector<std::string> depends = {});
[[nodiscard]] Definition cmdline(std::string tag, std::vector<std::string> depends = {});
[[nodiscard]] Definition without(Definition definition, ResourceScript script);

class ResourceWorld {
public:
    explicit ResourceWorld(std::vector<Definition> definitions, const RecordedStates& recorded = {}, Param param = {});

    // ---- what happens ----
    void step(const Event& event);
    // Time passes; deadlines come in their order. Scripts do not end by themselves.
    void pass(Duration duration);
    // The script of this tag that runs ends: its exit status, its `check` beside a Start or Stop too.
    void ends(std::string_view tag, ResourceScript script, int status = 0);
    void cannot_execute(std::string_view tag, ResourceScript script, std::string reason);
    // Nobody tells its status: it was begun by the pcheck before.
    void ends_unseen(std::string_view tag, ResourceScript script);
    // Those that were sent KILL (or TERM, when they obey) end by it.
    void killed(std::string_view tag, ResourceScript script, int signal = 9);
    void order(Verb verb, std::string tag = {}, std::optional<Duration> duration = {});
    void event(std::string event, std::string tag);
    void shutdown_remove();
    void reload(std::vector<Definition> definitions);
    // Every generic restore, and every Start, Stop and Check, ends as if all went well, until nothing runs any more.
    void all_well();
    // pcheck is killed and starts again; `live`: the scripts that run still do.
    void adopted(bool live);
    // Before any of them was released: they never ran.
    void adopted_unreleased();
    // The pfile that the next one reads.
    void edit(std::vector<Definition> definitions) { definitions_ = std::move(definitions); }

    // ---- what came of it ----
    [[nodiscard]] const Resource& at(std::string_view tag) const;
    [[nodiscard]] std::string state(std::string_view tag) const;  // "ISP", as it is shown
    [[nodiscard]] std::string runs(std::string_view tag) const;   // "restore", "start check", ""
    [[nodiscard]] std::vector<std::string> log() { return std::exchange(lines_, {}); }
    [[nodiscard]] std::vector<std::string> raised() { return std::exchange(raised_, {}); }
    [[nodiscard]] std::vector<std::string> begun() { return std::exchange(begun_, {}); }  // "db start"
    [[nodiscard]] std::vector<Answer> answers() { return std::exchange(answers_, {}); }
    [[nodiscard]] int answered();  // the status of the only answer
    [[nodiscard]] const std::optional<EndAfterRemove>& end() const { return end_; }
    [[nodiscard]] const CmdlineFacts& facts(std::string_view tag, ResourceScript script) const;
    [[nodiscard]] int signal_sent(std::string_view tag, ResourceScript script) const;  // the last one; 0: none

    Now now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(400000)), 360000};
    Resources core;

private:
    struct Live {
        RunResourceScript what;
        ProcessId process;
        int signal = 0;
    };
    void perform(const std::vector<Action>& actions);
    [[nodiscard]] ResourceAdoption recorded() const;
    void adopt(ResourceAdoption adoption);
    [[nodiscard]] const Live& live(std::string_view tag, ResourceScript script) const;
    [[nodiscard]] std::string tag_of(ResourceKey key) const;

    std::vector<Definition> definitions_;
    Param param_;
    std::map<RunId, Live> live_;
    std::vector<std::string> lines_, raised_, begun_;
    std::vector<Answer> answers_;
    std::optional<EndAfterRemove> end_;
    OrderId last_order_ = 0;
    pid_t last_pid_ = 50000;
};

}  // namespace banken::core
