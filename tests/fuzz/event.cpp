// SPDX-License-Identifier: Apache-2.0
// The command line of an event, a NUL behind each word: what sendevent takes from it, what responders are handed, and where they are looked for. The
// values are compared with what getopt(3) reads.
#include <unistd.h>

#include <algorithm>
#include <map>

#include "common/event_name.hpp"
#include "common/order.hpp"
#include "common/responders.hpp"
#include "sendevent/options.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

using Words = std::vector<std::string>;

constexpr std::size_t longest_variable = 131071, event_variables = 8;

// The words without --conf and its file.
Words handed_on(const Words& words) {
    Words rest;
    bool value = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (!value && word == "--conf") {
            ++i;
            continue;
        }
        if (!value && word.starts_with("--conf=")) continue;
        rest.push_back(word);
        const auto first = word.find_first_of("CEmncitTsaPpdxSO", 1);
        value = !value && word.starts_with("-") && first != word.npos && first + 1 == word.size();
    }
    return rest;
}

// The last value of each option.
std::map<char, std::string> read_by_getopt(Words words) {
    words.insert(words.begin(), "sendevent");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::map<char, std::string> values;
    optind = 0;
    opterr = 0;
    for (int option = 0; (option = ::getopt(static_cast<int>(words.size()), argv.data(), "+C:E:m:n:c:i:t:T:s:a:P:p:d:x:S:O:ozw")) != -1;)
        values[static_cast<char>(option)] = optarg == nullptr ? "" : optarg;
    return values;
}

void judge_options(const SendeventOptions& options, const Words& words) {
    require(options.given == handed_on(words), "all words as typed but --conf and its file");
    auto values = read_by_getopt(options.given);
    const bool same = options.event_class == values['C'] && options.event == values['E'] && options.monitor == values['m'] &&
                      options.instance == values['n'] && options.severity == values['s'] && options.text == values['x'] &&
                      options.digits == values['t'] && options.list_file == values['O'];
    require(same, "the values that getopt reads");
    require(options.epoch.has_value() == !values['T'].empty(), "a time where -T was given");
}

// Below the root, whatever the names are.
void judge_directories(const SendeventOptions& options) {
    for (const std::string& directory : responder_directories("/root", options.event_class, options.event)) {
        require(directory.starts_with("/root/") && directory.find("/../") == directory.npos && !directory.ends_with("/.."),
                "a directory below the root", directory);
        require(std::ranges::count(directory, '/') <= 3 && directory.find("//") == directory.npos, "class/event and no more", directory);
    }
}

void judge_responders(const SendeventOptions& options, bool recovering) {
    const Words argv = responder_arguments("/responder", options.given, recovering);
    require(argv.size() == options.given.size() + (recovering ? 2 : 1), "the arguments as typed, and -A");
    require(std::equal(options.given.begin(), options.given.end(), argv.begin() + 1), "the arguments as typed");
    const EventFacts facts{.event_class = options.event_class,
                           .event = options.event,
                           .monitor = options.monitor,
                           .instance = options.instance,
                           .severity = options.severity,
                           .text = options.text,
                           .time = options.epoch.value_or(0),
                           .recovering = recovering};
    const Words inherited{"EVENT_TEXT=of the caller", "PATH=/bin"};
    const Words environment = responder_environment(inherited, facts);
    require(environment.size() == 1 + event_variables, "PATH and the facts");
    for (const std::string& variable : environment) require(variable.size() <= longest_variable, "what the kernel takes");
    const Words told = arguments_of(facts);
    const auto again = parse_sendevent_options(told);
    const auto* same = std::get_if<SendeventOptions>(&again);
    require(same != nullptr && same->text == facts.text && same->instance == facts.instance && same->epoch == facts.time,
            "the facts after telling them as arguments");
}

}  // namespace

const bool repeatable = true;

void test_one(std::string_view input) {
    const auto words = unpack_words(input);
    if (!words) return;
    const auto parsed = parse_sendevent_options(*words);
    if (const auto* end = std::get_if<SendeventOptionsEnd>(&parsed)) {
        require(end->exit_status == 0 || end->exit_status == 64, "an exit status of the page");
        return require_printable(end->text, true);
    }
    const auto& options = std::get<SendeventOptions>(parsed);
    require(is_event_word(options.event_class) && is_event_word(options.event), "a class and an event");
    judge_options(options, *words);
    judge_directories(options);
    for (const bool recovering : {false, true}) judge_responders(options, recovering);
}

}  // namespace banken::fuzz
