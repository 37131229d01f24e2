// SPDX-License-Identifier: Apache-2.0
#include "common/definition_depends.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "common/diagnostic.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

constexpr std::size_t most_hints = 50;  // each compares with every tag
constexpr std::size_t most_in_path = 20;

// Goes down from every resource, each once; whoever meets its own path has found a circle.
class Search {
public:
    explicit Search(const std::vector<Definition>& resources) : resources_(resources), nodes_(resources.size()) {
        for (std::size_t i = 0; i < resources.size(); ++i) {
            tags_.push_back(resources[i].tag);
            by_tag_.try_emplace(resources[i].tag, i);
        }
    }

    [[nodiscard]] std::vector<DependsError> take() && {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (!nodes_[i].seen) go_down(i);
        }
        return std::move(errors_);
    }

private:
    struct Node {
        std::size_t next = 0;  // of its children
        bool seen = false, on_path = false;
    };

    void enter(std::size_t resource) {
        nodes_[resource] = {0, true, true};
        path_.push_back(resource);
    }
    void go_down(std::size_t first) {
        enter(first);
        while (!path_.empty() && errors_.size() < Diagnostics::max_kept) {
            const std::size_t at = path_.back();
            Node& node = nodes_[at];
            if (node.next == resources_[at].depends.size()) {
                node.on_path = false;
                path_.pop_back();
                continue;
            }
            const auto child = by_tag_.find(resources_[at].depends[node.next++]);
            if (child == by_tag_.end())
                unknown(at, resources_[at].depends[node.next - 1]);
            else if (nodes_[child->second].on_path)
                circle(at, child->second);
            else if (!nodes_[child->second].seen)
                enter(child->second);
        }
    }
    void unknown(std::size_t resource, const std::string& tag) {
        const std::string hint = hints_++ < most_hints ? did_you_mean(tag, tags_) : std::string();
        errors_.push_back({resource, fmt::format("there is no resource {}{}", quoted(tag), hint)});
    }
    void circle(std::size_t last, std::size_t first) {
        const auto begin = std::find(path_.begin(), path_.end(), first);
        const auto size = static_cast<std::size_t>(path_.end() - begin);
        std::string text = "goes in a circle: ";
        for (auto at = begin; at != path_.end(); ++at) {
            if (at - begin == static_cast<std::ptrdiff_t>(most_in_path)) {
                text += fmt::format("{} more -> ", size - most_in_path);
                break;
            }
            text += shortened(resources_[*at].tag) + " -> ";
        }
        errors_.push_back({last, text + shortened(resources_[first].tag)});
    }

    const std::vector<Definition>& resources_;
    std::vector<Node> nodes_;
    std::vector<std::string_view> tags_;
    std::unordered_map<std::string_view, std::size_t> by_tag_;
    std::vector<std::size_t> path_;
    std::vector<DependsError> errors_;
    std::size_t hints_ = 0;
};

}  // namespace

std::vector<DependsError> check_depends(const std::vector<Definition>& resources) { return Search(resources).take(); }

}  // namespace banken
