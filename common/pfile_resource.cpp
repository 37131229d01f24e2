// SPDX-License-Identifier: Apache-2.0
#include "common/pfile_resource.hpp"

#include <string_view>
#include <unordered_map>

#include "common/schema.hpp"

namespace banken {

void ResourceReader::read(const PfileLine& line) {
    if (++lines_ > pfile_max_resources) {
        if (lines_ == pfile_max_resources + 1) {
            diagnostics_.error(line.number, line.column, fmt::format("more than {} RESOURCE lines", pfile_max_resources));
        }
        return;
    }
    const auto fields = split_fields(line.text, line.column);
    const auto label = label_of(fields);
    const auto refuse = [&](std::size_t column, std::string_view text) {
        diagnostics_.error(line.number, column, fmt::format("{}{}", label, text));
    };
    if (fields.size() != 3) return refuse(line.column, fmt::format("{} instead of 3 fields (tag:kind:file)", fields.size()));
    const auto tag = tag_of(fields[0].raw);
    const auto kind = value_of(fields[1].text(), resource_kind_rule);
    const auto file = value_of(fields[2].text(), resource_file_rule);
    if (!tag) refuse(fields[0].column, tag.error().in("field 1 (tag)").text);
    if (!kind) refuse(fields[1].column, kind.error().in("field 2 (kind)").text);
    if (!file) refuse(fields[2].column, file.error().in("field 3 (file)").text);
    if (!tag || !kind || !file) return;
    Definition& resource = resources_.emplace_back();
    resource.tag = *tag;
    resource.kind = static_cast<ResourceKind>(kind->number);
    resource.file = file->path;
    resource.line = line.number;
    columns_.push_back({fields[0].column, fields[2].column});
}

std::vector<Definition> ResourceReader::finish(const std::vector<Pent>& pents) {
    std::unordered_map<std::string_view, std::size_t> entries, tags;
    for (const Pent& pent : pents) entries.try_emplace(pent.name, pent.line);
    for (std::size_t i = 0; i < resources_.size(); ++i) {
        const Definition& resource = resources_[i];
        const auto refuse = [&](std::string_view what, std::size_t line) {
            diagnostics_.error(resource.line, columns_[i].tag, fmt::format("{}: {} {}", shortened(resource.tag), what, line));
        };
        if (const auto [first, is_new] = tags.try_emplace(resource.tag, resource.line); !is_new)
            refuse("the same tag as in line", first->second);
        if (const auto entry = entries.find(resource.tag); entry != entries.end())
            refuse("a tag cannot be the name of an entry, as in line", entry->second);
    }
    return std::move(resources_);
}

}  // namespace banken
