// SPDX-License-Identifier: Apache-2.0
// One random schedule of resources: scripts that end well, badly, late or never, orders, reloads, time, and a pcheck that is killed at any moment.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/fake/random.hpp"
#include "tests/fake/resource_coverage.hpp"
#include "tests/fake/resource_rules.hpp"
#include "tests/fake/resource_trees.hpp"

namespace banken::core {

class ResourceSchedule {
public:
    // tells: what fails is told with all that led to it, which takes time.
    ResourceSchedule(std::uint64_t seed, ResourceCoverage& coverage, bool tells);

    // Empty: everything held. Else what did not.
    [[nodiscard]] std::string play(unsigned steps);

private:
    struct Delivery {
        Instant at{};
        std::uint64_t number = 0;
        std::function<void()> deed;
    };

    void begin();
    void tell(const Event& event);
    void told(const std::vector<Action>& actions);
    void perform(const Action& action);
    void run(const RunResourceScript& action);
    void signal(const SignalScript& action);
    void script_ends(RunId run, ProcessId process, int wait_status);
    [[nodiscard]] int status_of(const LiveScript& script);
    void judge_record();

    void something();
    void order(std::string tag);
    void reload();
    void adopt();
    void settle_down();
    void later(Duration longest, std::function<void()> deed);
    void pass(Duration duration);
    void fail(std::string why) { rules_.fail(std::move(why)); }
    void story(std::string line) {
        if (tells_) story_.push_back(std::move(line));
    }
    [[nodiscard]] std::string some_tag();
    [[nodiscard]] std::string rare_tag() const;
    [[nodiscard]] bool is_standby(const std::string& tag) const;
    [[nodiscard]] std::string state_text() const;

    Random random_;
    bool tells_;
    RandomTree tree_;
    ResourceCoverage& coverage_;
    Now now_;
    Param param_;
    std::unique_ptr<Resources> core_;
    ResourceRules rules_;
    LiveScripts live_;
    std::map<ResourceKey, Resource> segment_;
    std::optional<ResourceEnding> recorded_ending_;
    std::map<std::string, Report> applications_;  // what a Check finds
    std::vector<Delivery> deliveries_;
    std::vector<std::string> story_;
    std::uint64_t last_delivery_ = 0;
    pid_t last_pid_ = 100;
    OrderId last_order_ = 0;
    unsigned trouble_ = 30, depth_ = 0;
    std::string paused_;  // by the last order
    bool ended_ = false, calm_ = false, killed_ = false, adopting_ = false;
};

}  // namespace banken::core
