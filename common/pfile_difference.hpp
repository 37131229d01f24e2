// SPDX-License-Identifier: Apache-2.0
// What a reload would change: two pfiles compared, entries by their identity (spec/padmin.md, reload). Pure; linear in the entries.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pfile.hpp"

namespace banken {

// A field, option or PARAM key with its value as a pfile would say it: "delay", "10-600". What is not set is "off".
struct FieldText {
    std::string_view name;
    std::string text;

    friend bool operator==(const FieldText&, const FieldText&) = default;
};

// All that may change while an entry stays the same: its fields behind the name, then the options that are no filter, in the order of the
// table, and last what `user` means on this host.
[[nodiscard]] std::vector<FieldText> fields_of(const Pent& pent);
[[nodiscard]] std::vector<FieldText> keys_of(const Param& param);

struct FieldChange {
    std::string_view name;
    std::string from, to;

    friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

// One entry of either list. Where it stands, from 0; unset: it is not in that list.
struct EntryDifference {
    std::optional<std::size_t> before, after;
    std::vector<FieldChange> changes;  // of one that is in both; empty: it is the same

    [[nodiscard]] bool added() const { return !before; }
    [[nodiscard]] bool removed() const { return !after; }
    [[nodiscard]] bool changed() const { return before && after && !changes.empty(); }
    [[nodiscard]] bool same() const { return before && after && changes.empty(); }
};

// A group whose members, or their order, are others. Their names; empty: there is no such group.
struct GroupDifference {
    std::string group;
    std::vector<std::string> before, after;
};

// A resource: the same tag and kind. What its definition file says counts, where it lies does not.
struct ResourceDifference {
    enum class Kind { added, removed, changed, same };
    std::string tag;
    Kind kind{};

    friend bool operator==(const ResourceDifference&, const ResourceDifference&) = default;
};

struct PfileDifference {
    std::vector<FieldChange> params;
    std::vector<ResourceDifference> resources;  // in the order of the new list, then the removed ones
    std::vector<EntryDifference> entries;       // in the order of the new list, then the removed ones in the order of the old one
    std::vector<GroupDifference> groups;        // in the order of the new list, then of the old one
    bool reordered = false;                     // those that stay stand in another order

    [[nodiscard]] bool none() const;
};

// Of resources alone.
[[nodiscard]] std::vector<ResourceDifference> compare_resources(const Pfile& before, const Pfile& after);

// Neither list has two entries of one identity, and both are as the loader makes them (uid and runner resolved). Lines and the text as
// written do not count.
[[nodiscard]] PfileDifference difference(const Pfile& before, const Pfile& after);

// For `padmin reload -t`: one line for each PARAM key, entry and group that changes, in the end how many there are of each kind.
[[nodiscard]] std::string text_of(const PfileDifference& difference, const Pfile& before, const Pfile& after);

}  // namespace banken
