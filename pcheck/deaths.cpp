// SPDX-License-Identifier: Apache-2.0
#include "pcheck/deaths.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <tuple>
#include <vector>

namespace banken {
namespace {

// What a token names is in the token: 0 is the connector, odd a script, even a follow.
constexpr std::uint64_t connector_token = 0;

std::uint64_t token_of_script(core::RunId run) { return run << 1U | 1U; }
bool is_script(std::uint64_t token) { return (token & 1U) != 0; }
core::RunId script_of(std::uint64_t token) { return token >> 1U; }

std::uint64_t token_of_follow(std::uint64_t follow) { return follow << 1U; }

bool is_reserved(int fd) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<rlim_t>(fd) + static_cast<rlim_t>(Deaths::reserved_descriptors) >= limit.rlim_cur;
}

}  // namespace

Deaths::Deaths(const DetectConfig& detect, bool poll, Handlers handlers, sys::PidfdSet set)
    : detect_(detect), poll_(poll), handlers_(std::move(handlers)), set_(std::move(set)) {}

Result<Deaths> Deaths::open(const DetectConfig& detect, bool poll, Handlers handlers) {
    auto set = sys::PidfdSet::open();
    if (!set) return Failure(set.error());
    Deaths deaths(detect, poll, std::move(handlers), *std::move(set));
    if (!poll) deaths.open_sources();
    return deaths;
}

void Deaths::open_sources() {
    const bool kernel_tells = detect_.pidfd && sys::kernel_tells_exit_status();
    pidfd_found_ = kernel_tells ? "yes" : "no: this kernel does not tell (6.15 and later do)";
    connector_found_ = "not needed: the kernel tells by pidfd";
    if (detect_.connector && !connector_ && (detect_.connector_always || !kernel_tells)) {
        auto connector = sys::ExitConnector::open();
        const auto added = connector ? set_.add_readable(connector->fd(), connector_token) : Result<>(Failure(connector.error()));
        connector_found_ = added ? "yes" : fmt::format("no: {}", added.error().text);
        if (added) connector_.emplace(*std::move(connector));
    }
    if (detect_.oom && !kmsg_) {
        auto kmsg = sys::Kmsg::open();
        oom_found_ = kmsg ? "yes" : fmt::format("no: {}", kmsg.error().text);
        if (kmsg) kmsg_.emplace(*std::move(kmsg));
    }
}

std::string Deaths::capabilities() const {
    constexpr std::string_view off = "off in banken.conf";
    const auto found = [&](bool wanted, const std::string& what) -> std::string_view {
        return !wanted ? off : poll_ ? "not asked: DETECT poll" : std::string_view(what);
    };
    return fmt::format("detect = {}\ncause_stat = {}\ncause_pidfd = {}\ncause_connector = {}\ncause_oom = {}\n", poll_ ? "sweep" : "pidfd",
                       found(detect_.stat, "yes"), found(detect_.pidfd, pidfd_found_), found(detect_.connector, connector_found_),
                       found(detect_.oom, oom_found_));
}

void Deaths::set_poll(bool poll) {
    if (poll == poll_) return;
    poll_ = poll;
    if (!poll) open_sources();
    for (auto& [token, followed] : followed_) {
        if (followed.last_word) continue;
        if (followed.ref) set_.remove(followed.ref->fd());
        followed.ref.reset();
        if (!poll) watch(followed);
    }
}

bool Deaths::take(Instant now) {
    const auto ready = set_.take();
    for (const auto& one : ready) {
        if (one.token == connector_token) {
            connector_->drain();
        } else if (is_script(one.token)) {
            script_ended(script_of(one.token));
        } else if (Followed* followed = find(one.token)) {
            died(*followed, now);
        }
    }
    return ready.size() == batch;
}

std::optional<Instant> Deaths::next_deadline() {
    while (!waiting_.empty() && find(waiting_.front().second) == nullptr) waiting_.pop_front();
    if (waiting_.empty()) return std::nullopt;
    return waiting_.front().first;
}

void Deaths::tick(Instant now) {
    for (std::size_t told = 0; told < batch; ++told) {
        const auto deadline = next_deadline();
        if (!deadline || *deadline > now) return;
        const Token token = waiting_.front().second;
        waiting_.pop_front();
        tell(token, *find(token)->last_word);
    }
}

void Deaths::poll_unwatched() {
    std::vector<Token> polled;
    for (const auto& [token, followed] : followed_)
        if (!followed.ref && !followed.last_word) polled.push_back(token);
    for (const Token token : polled) poll_followed(token);
    std::vector<core::RunId> ended;
    for (const auto& [run, script] : scripts_)
        if (script.polled && !script.ended && script.child.exited()) ended.push_back(run);
    for (const core::RunId run : ended) script_ended(run);
}

void Deaths::poll_followed(Token token) {
    Followed* const followed = find(token);
    if (followed == nullptr || followed->ref || followed->last_word) return;  // a handler has ended it meanwhile
    const auto stat = sys::read_stat(followed->process.pid);
    if (!stat && !sys::is_gone(stat.error())) return;  // out of descriptors again: nothing is known
    if (stat && stat->id() == followed->process && !stat->dead()) {
        followed->shown = stat->fingerprint.start_stack != 0;
        return;
    }
    const Learned learned = learn_cause(*followed);
    tell(token, learned.cause.value_or(learned.otherwise));
}

void Deaths::follow(core::EntryKey entry, ProcessId process, bool beside) {
    if (!beside) unfollow(entry);
    const auto [place, is_new] = places_.try_emplace({entry, process}, 0);
    if (!is_new) return;
    const Token token = token_of_follow(++follows_);
    place->second = token;
    Followed& followed = followed_[token];
    followed.token = token;
    followed.entry = entry;
    followed.process = process;
    if (!poll_) watch(followed);
}

void Deaths::unfollow(core::EntryKey entry) {
    for (auto place = places_.lower_bound({entry, {}}); place != places_.end() && place->first.first == entry;) {
        drop((place++)->second);
    }
}

void Deaths::drop(Token token) {
    const auto dropped = followed_.extract(token);
    const Followed& followed = dropped.mapped();
    if (followed.ref) set_.remove(followed.ref->fd());
    places_.erase({followed.entry, followed.process});
}

void Deaths::watch(Followed& followed) {
    auto ref = sys::PidRef::open(followed.process);
    if (!ref && sys::is_gone(ref.error())) {
        const Learned learned = learn_cause(followed);
        followed.last_word = learned.cause.value_or(learned.otherwise);
        waiting_.emplace_front(Instant{}, followed.token);
        return;
    }
    if (!ref) return fall_back(ref.error());
    followed.shown = ref->shown();
    if (is_reserved(ref->fd())) return fall_back(fail_errno("pidfd_open", EMFILE).value());
    if (auto added = set_.add(ref->fd(), followed.token); !added) return fall_back(added.error());
    if (kmsg_ && !ref->exited()) kmsg_->forget(followed.process.pid);
    followed.ref.emplace(*std::move(ref));
}

void Deaths::fall_back(const Error& why) {
    if (!std::exchange(polling_told_, true)) handlers_.on_polling(why.text);
}

Deaths::Followed* Deaths::find(Token token) {
    const auto found = followed_.find(token);
    return found != followed_.end() ? &found->second : nullptr;
}

// Comes a second time when the process is reaped while its cause is waited for.
void Deaths::died(Followed& followed, Instant now) {
    const Learned learned = learn_cause(followed);
    const Cause best = learned.cause.value_or(followed.last_word.value_or(learned.otherwise));
    if (learned.cause || followed.last_word || !learned.more_after_reap) return tell(followed.token, best);
    followed.last_word = best;
    waiting_.emplace_back(now + patience, followed.token);
    std::ignore = set_.await_reap(followed.ref->fd(), followed.token);  // refused: the deadline remains
}

// The sources in the order of spec/pcheck.md, the cycle, step 2.
Deaths::Learned Deaths::learn_cause(const Followed& followed) {
    if (poll_ || !(detect_.stat || detect_.pidfd || detect_.connector)) return {.cause = Cause{Cause::Kind::not_asked}, .otherwise = {}};
    const ProcessId process = followed.process;
    Learned learned;
    if (detect_.stat) {
        const auto stat = sys::read_stat(process.pid);
        if (stat && stat->id() == process && stat->dead()) {
            if (stat->exit_code != 0 || followed.shown == true) return {.cause = with_proof(stat->exit_code, process.pid), .otherwise = {}};
            if (followed.shown.has_value()) learned.otherwise.kind = Cause::Kind::not_permitted;
        }
    }
    if (detect_.pidfd && followed.ref) {
        const auto status = followed.ref->exit_status_from_kernel();
        if (status && *status) return {.cause = with_proof(**status, process.pid), .otherwise = {}};
        learned.more_after_reap = status.has_value();
    }
    if (connector_) {
        const auto status = connector_->status_of(process);
        if (status) learned.cause = with_proof(*status, process.pid);
    }
    return learned;
}

Cause Deaths::with_proof(int status, pid_t pid) {
    const bool proven = kmsg_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && kmsg_->was_oom_killed(pid);
    return {proven ? Cause::Kind::oom : Cause::Kind::status, status};
}

void Deaths::tell(Token token, Cause cause) {
    const core::EntryKey entry = find(token)->entry;
    const ProcessId process = find(token)->process;
    drop(token);
    handlers_.on_death(entry, process, cause);
}

void Deaths::watch_script(core::RunId run, sys::PidRef child) {
    const auto added = set_.add(child.fd(), token_of_script(run));
    scripts_.emplace(run, Script{.child = std::move(child), .polled = !added});
    if (!added) fall_back(added.error());
}

bool Deaths::signal_followed(ProcessId process, int signal) const {
    for (const auto& [token, followed] : followed_) {
        if (followed.process == process && followed.ref) return followed.ref->signal(signal).has_value();
    }
    return false;
}

Result<> Deaths::signal_script(core::RunId run, int signal) {
    const auto found = scripts_.find(run);
    if (found == scripts_.end()) return fail_errno("kill", ESRCH);
    const bool stranger = !found->second.child.peek_child();  // its pid may be somebody else's once it has ended
    if (stranger && found->second.child.exited()) return fail_errno("kill", ESRCH);
    return found->second.child.signal_group(signal);
}

void Deaths::release(core::RunId run) {
    const auto found = scripts_.find(run);
    if (found == scripts_.end()) return;
    found->second.released = true;
    if (found->second.ended) reap(run);
}

// A script that a pcheck which was killed had begun is somebody else's child: what its zombie or the kernel tells.
std::optional<int> Deaths::status_of_stranger(const sys::PidRef& script) {
    const auto stat = sys::read_stat(script.process().pid);
    if (stat && stat->id() == script.process() && stat->dead()) return stat->exit_code;
    const auto told = script.exit_status_from_kernel();
    return told ? *told : std::nullopt;
}

void Deaths::script_ended(core::RunId run) {
    const auto found = scripts_.find(run);
    if (found == scripts_.end()) return;
    Script& script = found->second;
    script.ended = true;
    if (script.released) return reap(run);
    const auto status = script.child.peek_child();
    handlers_.on_script_end(run, status && *status ? *status : status_of_stranger(script.child));
}

void Deaths::reap(core::RunId run) {
    auto script = scripts_.extract(run);
    const sys::PidRef& child = script.mapped().child;
    std::vector<Token> followers;
    for (const auto& [token, followed] : followed_)
        if (!poll_ && followed.process == child.process()) followers.push_back(token);
    for (const Token token : followers) {
        const Followed* followed = find(token);
        if (followed == nullptr) continue;
        if (const Learned learned = learn_cause(*followed); learned.cause) tell(token, *learned.cause);
    }
    set_.remove(child.fd());
    std::ignore = child.reap_child();
}

}  // namespace banken
