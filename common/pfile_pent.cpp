// SPDX-License-Identifier: Apache-2.0
#include "common/pfile_pent.hpp"

#include <algorithm>
#include <utility>

#include "common/schema.hpp"

namespace banken {
namespace {

const FieldRule& rule_of(PentField field) { return pent_field_rules[static_cast<std::size_t>(field)]; }

Result<std::string> name_of(const std::string& text) {
    if (text.size() > max_name) return fail("{} bytes, 1..{} expected", text.size(), max_name);
    if (text.find('\t') != text.npos) return fail("control character");
    return text;
}

Result<Command> script_of(const std::string& text) {
    if (text == "-" || text == "\"-\"") return Command{{}, "-"};
    auto command = command_of(text);
    if (!command && !text.starts_with('/')) return Failure(Error{command.error().text + " or -", 0});
    return command;
}

Result<Duration> grace_of(const std::string& text) { return seconds_of(text, grace_range); }
Result<Duration> grace_without_script(const std::string& text) { return seconds_of(text, grace_range_without_script); }

Result<std::optional<unsigned>> retries_of(const std::string& text) {
    if (text == "unlimited") return std::optional<unsigned>();
    const auto number = number_of(text, retries_range);
    if (!number) {
        std::string error = number.error().text;
        return fail("{}", error.insert(error.rfind(" expected"), ", or unlimited"));
    }
    return std::optional(static_cast<unsigned>(*number));
}

Result<RetryOverAction> action_of(const std::string& text) {
    const auto word = lower_case(text);
    const auto* rule = std::find_if(action_rules.begin(), action_rules.end(), [&word](const ActionRule& r) { return r.name == word; });
    if (rule == action_rules.end()) {
        return fail("{} is not one of {}{}", quoted(text), rule_of(PentField::action).values, did_you_mean(word, names_of(action_rules)));
    }
    return rule->action;
}

// The five fields every entry has, each judged for itself.
class FieldReader {
public:
    FieldReader(const PfileLine& line, const std::vector<PfileField>& fields, Diagnostics& diagnostics)
        : line_(line), fields_(fields), diagnostics_(diagnostics), label_(label_of(fields)) {}

    template <class T>
    void read(PentField which, T& target, Result<T> (*parse)(const std::string&)) {
        const auto index = static_cast<std::size_t>(which);
        const auto& field = fields_[index];
        const Result<T> value = field.raw.empty() ? Result<T>(fail("empty")) : parse(field.text());
        if (value) {
            target = *value;
            return;
        }
        diagnostics_.error(line_.number, field.column,
                           [&] { return fmt::format("{}field {} ({}): {}", label_, index + 1, rule_of(which).title, value.error().text); });
    }

private:
    const PfileLine& line_;
    const std::vector<PfileField>& fields_;
    Diagnostics& diagnostics_;
    std::string label_;
};

}  // namespace

void PentReader::read(const PfileLine& line) {
    if (++lines_ > pfile_max_pents) {
        if (lines_ == pfile_max_pents + 1) {
            diagnostics_.error(line.number, line.column, fmt::format("more than {} PENT lines", pfile_max_pents));
        }
        return;
    }
    const auto fields = split_fields(line.text, line.column);
    if (fields.size() >= pent_fields) return read_fields(line, fields);
    diagnostics_.error(line.number, line.column, [&] {
        if (param_key_of(line.first_word())) return fmt::format("{} is a PARAM key in section PENT", line.first_word());
        return fmt::format("{}{} instead of 5 fields (name:script:grace:retries:action)", label_of(fields), fields.size());
    });
}

void PentReader::read_fields(const PfileLine& line, const std::vector<PfileField>& fields) {
    Pent pent;
    pent.line = line.number;
    pent.text = line.text;
    FieldReader field(line, fields, diagnostics_);
    field.read(PentField::name, pent.name, name_of);
    field.read(PentField::script, pent.script, script_of);
    field.read(PentField::grace, pent.grace, pent.script.text == "-" ? grace_without_script : grace_of);
    field.read(PentField::retries, pent.retries, retries_of);
    field.read(PentField::action, pent.action, action_of);
    if (pent.action == RetryOverAction::hold && pent.retries == 0U) {
        diagnostics_.error(line.number, fields[static_cast<std::size_t>(PentField::action)].column,
                           [&] { return fmt::format("{}field 5 (retry-over action): hold needs at least one retry", label_of(fields)); });
    }
    const GivenOptions given = read_options(line, fields, pent);
    if (given.good && !pent.name.empty()) refuse_same(pent, fields[0].column);
    pents_.push_back(std::move(pent));
    given_.push_back(given);
}

GivenOptions PentReader::read_options(const PfileLine& line, const std::vector<PfileField>& fields, Pent& pent) {
    const std::string label = label_of(fields);
    OptionReader options(line.number, label, pent, diagnostics_);
    for (std::size_t i = pent_fields; i < fields.size(); ++i) options.read(i + 1, fields[i]);
    return options.finish();
}

void PentReader::refuse_same(const Pent& pent, std::size_t column) {
    const auto [first, is_new] = lines_by_identity_.emplace(pent.identity(), pent.line);
    if (is_new) return;
    diagnostics_.error(pent.line, column, fmt::format("{}: the same entry as in line {}", shortened(pent.name), first->second));
}

std::vector<Pent> PentReader::finish(const Param& param) {
    for (std::size_t i = 0; i < pents_.size(); ++i) {
        settle_options(pents_[i], given_[i], param);
        const auto column = given_[i].column(PentOption::confirm);
        if (column == 0 || param.detect_event) continue;
        diagnostics_.warning(pents_[i].line, column, fmt::format("{}, confirm: no effect with DETECT poll", shortened(pents_[i].name)));
    }
    return std::move(pents_);
}

}  // namespace banken
