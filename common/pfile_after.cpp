// SPDX-License-Identifier: Apache-2.0
#include "common/pfile_after.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "common/text.hpp"

namespace banken {
namespace {

// An entry or a whole group waits for others. A graph of these alone would have an edge for every pair of namesakes; with a node for each
// awaited name it stays as large as the file.
class Waits {
public:
    explicit Waits(const std::vector<Pent>& pents) : pents_(pents) {
        for (std::size_t i = 0; i < pents.size(); ++i) {
            by_name_[pents[i].name].push_back(i);
            unit_of_.push_back(pents[i].group.empty() ? add() : unit_of_group(pents[i].group));
        }
        for (std::size_t i = 0; i < pents.size(); ++i) {
            for (const std::string& name : pents[i].after) wait(i, name);
        }
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i].open == 0) ready_.push_back(i);
        }
    }

    // The places of entries each of which waits for the next, the last for the first; then it is forgotten. Empty: there is none left.
    [[nodiscard]] std::vector<std::size_t> take_circle() {
        settle();
        while (first_ < nodes_.size() && nodes_[first_].settled) ++first_;
        if (first_ == nodes_.size()) return {};
        std::vector<std::size_t> path;
        std::size_t at = first_;
        for (; nodes_[at].place == none; at = next(at)) {
            nodes_[at].place = path.size();
            path.push_back(at);
        }
        const auto begin = path.begin() + static_cast<std::ptrdiff_t>(nodes_[at].place);
        std::vector<std::size_t> entries;
        for (auto node = begin; node != path.end(); ++node) {
            if (!nodes_[*node].entries.empty()) entries.push_back(nodes_[*node].entries[way(*node)]);
        }
        for (const std::size_t node : path) nodes_[node].place = none;
        std::for_each(begin, path.end(), [this](std::size_t node) { release(node); });
        return entries;
    }

private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    struct Node {
        std::vector<std::size_t> waits_for, awaited_by, entries;  // entries: whose `after` leads to waits_for[i]; empty for a name
        std::size_t open = 0;                                     // of waits_for
        std::size_t place = none;                                 // in the path that is being walked
        bool settled = false;                                     // in no circle any more
    };

    std::size_t add() {
        nodes_.emplace_back();
        return nodes_.size() - 1;
    }
    std::size_t unit_of_group(const std::string& group) {
        const auto [known, is_new] = groups_.try_emplace(group, none);
        if (is_new) known->second = add();
        return known->second;
    }
    void connect(std::size_t from, std::size_t to) {
        nodes_[from].waits_for.push_back(to);
        nodes_[to].awaited_by.push_back(from);
        ++nodes_[from].open;
    }
    void wait(std::size_t entry, const std::string& name) {
        const auto awaited = by_name_.find(name);
        if (awaited == by_name_.end()) return;
        const std::size_t unit = unit_of_[entry];
        const bool grouped = !pents_[entry].group.empty();
        const bool has_own = grouped && std::any_of(awaited->second.begin(), awaited->second.end(),
                                                    [&](std::size_t other) { return unit_of_[other] == unit; });
        const std::size_t node = has_own ? name_without(awaited->second, unit) : name_node(name, awaited->second);
        connect(unit, node);
        nodes_[unit].entries.push_back(entry);
    }
    std::size_t name_node(const std::string& name, const std::vector<std::size_t>& entries) {
        const auto [known, is_new] = names_.try_emplace(name, none);
        if (is_new) known->second = name_without(entries, none);
        return known->second;
    }
    std::size_t name_without(const std::vector<std::size_t>& entries, std::size_t unit) {
        const std::size_t node = add();
        for (const std::size_t entry : entries) {
            if (unit_of_[entry] != unit) connect(node, unit_of_[entry]);
        }
        return node;
    }

    // Whoever waits for nobody that is open is in no circle; again and again.
    void settle() {
        while (!ready_.empty()) {
            const std::size_t node = ready_.back();
            ready_.pop_back();
            if (!nodes_[node].settled) release(node);
        }
    }
    void release(std::size_t node) {
        nodes_[node].settled = true;
        for (const std::size_t other : nodes_[node].awaited_by) {
            if (--nodes_[other].open == 0) ready_.push_back(other);
        }
    }
    [[nodiscard]] std::size_t way(std::size_t node) const {
        const auto& ways = nodes_[node].waits_for;
        const auto open = std::find_if(ways.begin(), ways.end(), [this](std::size_t other) { return !nodes_[other].settled; });
        return static_cast<std::size_t>(open - ways.begin());
    }
    [[nodiscard]] std::size_t next(std::size_t node) const { return nodes_[node].waits_for[way(node)]; }

    const std::vector<Pent>& pents_;
    std::vector<Node> nodes_;
    std::vector<std::size_t> ready_;    // nothing open is waited for
    std::size_t first_ = 0;             // all nodes ahead of it are settled
    std::vector<std::size_t> unit_of_;  // of each entry
    std::unordered_map<std::string_view, std::vector<std::size_t>> by_name_;
    std::unordered_map<std::string_view, std::size_t> groups_, names_;
};

// "web waits for db, db waits for group apps (shop)": as an operator knows them.
std::string text_of_circle(const std::vector<Pent>& pents, const std::vector<std::size_t>& circle) {
    const auto name = [&](std::size_t i) {
        const Pent& pent = pents[circle[i % circle.size()]];
        const std::string shown = shortened(pent.name);
        return pent.group.empty() ? shown : fmt::format("group {} ({})", pent.group, shown);
    };
    std::string text;
    for (std::size_t i = 0; i < circle.size(); ++i) {
        text += fmt::format("{}{} waits for {}", i == 0 ? "" : ", ", name(i), name(i + 1));
    }
    return text;
}

}  // namespace

std::vector<AfterError> check_after(const std::vector<Pent>& pents) {
    if (std::all_of(pents.begin(), pents.end(), [](const Pent& pent) { return pent.after.empty(); })) return {};
    std::vector<AfterError> errors;
    std::unordered_set<std::string_view> known;
    std::vector<std::string_view> names;
    for (const Pent& pent : pents) {
        if (known.insert(pent.name).second) names.push_back(pent.name);
    }
    for (std::size_t i = 0; i < pents.size(); ++i) {
        for (const std::string& name : pents[i].after) {
            if (known.contains(name)) continue;
            const std::string hint = errors.size() < after_hints ? did_you_mean(name, names) : std::string();
            errors.push_back({i, errors.size() < Diagnostics::max_kept ? fmt::format("there is no entry {}{}", quoted(name), hint) : ""});
        }
    }
    Waits waits(pents);
    for (auto circle = waits.take_circle(); !circle.empty(); circle = waits.take_circle()) {
        std::rotate(circle.begin(), std::min_element(circle.begin(), circle.end()), circle.end());
        errors.push_back({circle.front(), "goes in a circle: " + text_of_circle(pents, circle)});
    }
    return errors;
}

}  // namespace banken
