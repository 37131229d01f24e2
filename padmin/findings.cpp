// SPDX-License-Identifier: Apache-2.0
#include "padmin/findings.hpp"

#include <poll.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>

#include "common/sys/clock.hpp"
#include "common/sys/file.hpp"
#include "common/sys/trust.hpp"
#include "common/sys/worker.hpp"
#include "common/text.hpp"

namespace banken {
namespace {

constexpr Duration patience = std::chrono::seconds(2);
constexpr std::size_t most_bytes = 16384, most_lines = 5, longest_line = 200;

// The uid of run_as, a name or a number. Unset: nobody knows it.
std::optional<uid_t> uid_of(const std::string& user) {
    if (const passwd* entry = ::getpwnam(user.c_str())) return entry->pw_uid;
    const auto number = number_of(user, {0, 0xfffffffe});
    return number ? std::optional(static_cast<uid_t>(*number)) : std::nullopt;
}

// Whoever may look into less than pcheck would find faults that it does not meet.
bool sees_as_pcheck(uid_t pcheck) { return ::geteuid() == 0 || ::geteuid() == pcheck; }

std::string trust_fault(const Pent& pent, uid_t pcheck) {
    const auto user = pent.run_as.empty() ? std::optional(pcheck) : uid_of(pent.run_as);
    if (!user) return {};
    const auto trusted = sys::check_trust(pent.script.argv.front(), sys::TrustKind::script, *user);
    return trusted ? std::string() : trusted.error().text;
}

std::vector<std::string> last_lines(const std::string& path) {
    const auto text = sys::read_end(path, most_bytes);
    std::vector<std::string> lines;
    if (!text) return lines;
    const std::string_view whole = text->ends_with('\n') ? std::string_view(*text).substr(0, text->size() - 1) : std::string_view(*text);
    if (whole.empty()) return lines;
    const auto all = split(whole, '\n');
    for (auto line = all.end() - static_cast<std::ptrdiff_t>(std::min(most_lines, all.size())); line != all.end(); ++line)
        lines.emplace_back(line->substr(0, longest_line));
    return lines;
}

}  // namespace

Findings find_out(const View& view, const EntryRecord& entry, const Pent& pent) {
    Findings findings;
    auto worker = sys::Worker::open(1, 1);
    if (!worker || pent.script.none()) return findings;
    const bool judge = view.param.script_check_strict && view.user && sees_as_pcheck(*view.user);
    const bool read = !view.param.script_output_file.empty() && !entry.last_failure.empty();
    bool done = false;
    const auto submitted = worker->submit([&findings, &done, pent, judge, read, user = view.user, path = view.param.script_output_file] {
        Findings found{judge ? trust_fault(pent, *user) : std::string(), read ? last_lines(path) : std::vector<std::string>()};
        return [&findings, &done, found = std::move(found)] {
            findings = found;
            done = true;
        };
    });
    const Instant until = sys::read_instant() + patience;
    for (Instant now = sys::read_instant(); submitted && !done && now < until; now = sys::read_instant()) {
        pollfd ready{worker->fd(), POLLIN, 0};
        ::poll(&ready, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until - now).count()));
        worker->drain();
    }
    return findings;
}

}  // namespace banken
