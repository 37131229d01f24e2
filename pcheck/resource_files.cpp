// SPDX-License-Identifier: Apache-2.0
#include "pcheck/resource_files.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/defaults_file.hpp"
#include "common/definition_depends.hpp"
#include "common/pfile_param.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

using Severity = Diagnostic::Severity;

void add(LoadedPfile& loaded, std::vector<Diagnostic> found, const std::string& file) {
    for (Diagnostic& diagnostic : found) {
        diagnostic.file = file;
        loaded.diagnostics.push_back(std::move(diagnostic));
    }
}

Defaults read_defaults(LoadedPfile& loaded, std::string_view pfile) {
    const std::string& path = loaded.pfile.param.defaults_file;
    if (path.empty()) return {};
    const auto file = sys::read_if_trusted(path, defaults_max_bytes);
    if (!file) {
        loaded.diagnostics.push_back(error_about(ParamKey::defaults_file, pfile, file.error().why));
        return {};
    }
    ParsedDefaults parsed = parse_defaults(file->text, loaded.pfile.resources);
    add(loaded, std::move(parsed.diagnostics), path);
    return std::move(parsed.defaults);
}

// What its keys are in a file that cannot be read is not known: none is given.
GivenKeys read_definition(LoadedPfile& loaded, Definition& resource, std::size_t column, const Defaults& defaults) {
    const auto file = sys::read_if_trusted(resource.file, definition_max_bytes);
    if (!file) {
        loaded.diagnostics.push_back(
            {Severity::error, resource.line, column, fmt::format("{}, field 3 (file): {}", shortened(resource.tag), file.error().why)});
        return {};
    }
    ParsedDefinition parsed = parse_definition(file->text, resource, defaults);
    add(loaded, std::move(parsed.diagnostics), resource.file);
    resource = std::move(parsed.definition);
    return parsed.given;
}

// Of a file that several resources share, or that DEFAULTS_FILE says the same of, one mistake is told once.
void drop_repeated(std::vector<Diagnostic>& diagnostics) {
    sort_by_place(diagnostics);
    const auto same = [](const Diagnostic& one, const Diagnostic& other) {
        const auto words = [](const Diagnostic& d) { return std::tie(d.file, d.line, d.column, d.text); };
        return !one.file.empty() && words(one) == words(other);
    };
    diagnostics.erase(std::unique(diagnostics.begin(), diagnostics.end(), same), diagnostics.end());
}

}  // namespace

void read_resources(LoadedPfile& loaded, std::string_view pfile, const std::vector<ResourceColumns>& columns) {
    const Defaults defaults = read_defaults(loaded, pfile);
    auto& resources = loaded.pfile.resources;
    for (std::size_t i = 0; i < resources.size(); ++i) {
        loaded.given_keys.push_back(read_definition(loaded, resources[i], columns[i].file, defaults));
    }
    for (const DependsError& error : check_depends(resources)) {
        const auto [line, column] = loaded.given_keys[error.resource].place(DefinitionKey::depends);
        loaded.diagnostics.push_back(
            {Severity::error, line, column, fmt::format("depends: {}", error.text), resources[error.resource].file});
    }
    drop_repeated(loaded.diagnostics);
}

}  // namespace banken
