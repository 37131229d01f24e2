// SPDX-License-Identifier: Apache-2.0
#include "padmin/target.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "common/pfile.hpp"
#include "common/sys/clock.hpp"
#include "common/sys/file.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/pcheck_segment.hpp"
#include "common/sys/pid_ref.hpp"

namespace banken {
namespace {

constexpr std::size_t largest_dump = 512u << 20;

tl::unexpected<Refusal> refuse(ExitCode code, std::string text) { return tl::unexpected(Refusal{code, std::move(text)}); }
tl::unexpected<Refusal> not_running(std::string_view what) {
    return refuse(ExitCode::not_running, fmt::format("pcheck is not running: {}", what));
}

std::string key_text(std::uint32_t key) { return fmt::format("IPCKEY 0x{:08x}", key); }

bool is_newer(const HeaderRecord& header) {
    const auto stamp = sys::stamp_of(header.pfile);
    return stamp && *stamp != header.file;
}

bool is_stopped(ProcessId owner) {
    const auto stat = sys::read_stat(owner.pid);
    return stat && stat->id() == owner && stat->state == 'T';
}

// A segment of ours, whether its owner lives or not.
Outcome<Target> look_at(const sys::SegmentStat& stat, std::optional<uid_t> pfile_owner, Traces traces) {
    const auto segment = sys::open_pcheck_segment(stat, pfile_owner);
    if (!segment) return tl::unexpected(segment.error());
    auto view = read_view(segment->reader, sys::read_now(), static_cast<std::size_t>(traces));
    if (!view) return refuse(ExitCode::unavailable, view.error().in(key_text(stat.key)).text);
    view->alive = segment->alive;
    view->stopped = view->alive && is_stopped(view->header.owner.id);
    view->user = stat.permissions.creator;
    view->file_is_newer = is_newer(view->header);
    return Target{stat, *std::move(view)};
}

Outcome<Target> look_at_key(std::uint32_t key, std::optional<uid_t> pfile_owner, Traces traces) {
    const auto stat = sys::find_segment(key);
    if (stat) return look_at(*stat, pfile_owner, traces);
    if (stat.error().number == ENOENT) return not_running(fmt::format("there is no segment at {}", key_text(key)));
    if (stat.error().number == EACCES) return refuse(ExitCode::not_permitted, fmt::format("not permitted to read {}", key_text(key)));
    return refuse(ExitCode::unavailable, fmt::format("the segment at {} cannot be looked at: {}", key_text(key), stat.error().reason()));
}

Outcome<Target> only_alive(Outcome<Target> target) {
    if (!target || target->view.alive) return target;
    return not_running(fmt::format("pid={} was killed; its state is kept at {}, the next pcheck goes on from it",
                                   target->view.header.owner.id.pid, key_text(target->stat.key)));
}

// All segments that could be ours by what the kernel says; the others are not attached. Those that this user may not read are counted.
std::vector<Target> all_targets(std::optional<uid_t> pfile_owner, Traces traces, std::size_t& unreadable) {
    std::vector<Target> targets;
    unreadable = 0;
    for (const sys::SegmentStat& stat : sys::possible_segments()) {
        auto target = look_at(stat, pfile_owner, traces);
        if (target)
            targets.push_back(*std::move(target));
        else if (target.error().code == ExitCode::not_permitted && stat.key != 0)
            ++unreadable;
    }
    std::ranges::sort(targets, {}, [](const Target& target) { return target.view.key; });
    return targets;
}

struct NamedPfile {
    std::string path;  // resolved
    FileStamp stamp;
    std::uint32_t key = 0;
    std::optional<uid_t> owner;
};

Outcome<NamedPfile> read_pfile(const std::string& named) {
    const auto unread = [](const Error& error) {
        return refuse(ExitCode::no_input, error.text + "; -k KEY needs no pfile, and padmin -l lists the keys");
    };
    auto path = sys::resolved_path(named);
    if (!path) return unread(path.error());
    const auto text = sys::read_file(*path, pfile_max_bytes);
    if (!text) return unread(text.error());
    const auto stamp = sys::stamp_of(*path);
    if (!stamp) return refuse(ExitCode::no_input, stamp.error().in(*path).text);
    const auto key = ipc_key_of(*text);
    if (!key) return refuse(ExitCode::config, key.error().in(*path).text);
    const auto owner = sys::owner_of(*path);
    if (!owner) return refuse(ExitCode::no_input, owner.error().text);
    return NamedPfile{*std::move(path), *stamp, *key, *owner};
}

// Editors replace the inode: it decides only when the paths differ.
bool names(const HeaderRecord& header, const NamedPfile& pfile) { return header.pfile == pfile.path || header.file.same_file(pfile.stamp); }

}  // namespace

Outcome<Target> find_by_pfile(const std::string& pfile, Traces traces, std::string& note) {
    const auto named = read_pfile(pfile);
    if (!named) return tl::unexpected(named.error());
    auto at_key = only_alive(look_at_key(named->key, named->owner, traces));
    if (at_key && names(at_key->view.header, *named)) return at_key;
    std::size_t unreadable = 0;
    for (Target& target : all_targets(named->owner, traces, unreadable)) {
        if (!target.view.alive || !names(target.view.header, *named)) continue;
        note = fmt::format("the pfile says {}, its running pcheck uses {}", key_text(named->key), key_text(target.view.key));
        return std::move(target);
    }
    if (!at_key) return at_key;
    return refuse(ExitCode::unavailable, fmt::format("{} is in use by pid={}, pfile={}", key_text(named->key),
                                                     at_key->view.header.owner.id.pid, at_key->view.header.pfile));
}

Outcome<Target> find_by_key(std::uint32_t key, Traces traces) { return only_alive(look_at_key(key, std::nullopt, traces)); }

Outcome<Target> find_target(const PadminOptions& options, Traces traces) {
    if (options.key) return find_by_key(*options.key, traces);
    std::string note;
    auto target = find_by_pfile(options.pfile, traces, note);
    if (!note.empty()) fmt::print(stderr, "padmin: {}\n", note);
    return target;
}

Outcome<View> find_left(const PadminOptions& options, Traces traces) {
    const auto named = options.key ? Outcome<NamedPfile>(NamedPfile{}) : read_pfile(options.pfile);
    if (!named) return tl::unexpected(named.error());
    auto target = look_at_key(options.key.value_or(named->key), options.key ? std::nullopt : named->owner, traces);
    if (!target) return tl::unexpected(target.error());
    const bool meant = options.key || names(target->view.header, *named);
    if (target->view.alive || !meant) return not_running("it has left nothing");
    return std::move(target->view);
}

Found find_all(bool dead) {
    Found found;
    for (Target& target : all_targets(std::nullopt, Traces::none, found.unreadable)) {
        if (dead || target.view.alive) found.views.push_back(std::move(target.view));
    }
    return found;
}

Outcome<View> read_dump(const std::string& path, Traces traces) {
    const auto bytes = sys::read_file(path, largest_dump);
    if (!bytes) return refuse(ExitCode::no_input, bytes.error().text);
    std::vector<std::uint64_t> words(bytes->size() / sizeof(std::uint64_t));
    if (!words.empty()) std::memcpy(words.data(), bytes->data(), words.size() * sizeof(std::uint64_t));
    const auto reader = SegmentReader::open(words);
    auto view = reader ? read_view(*reader, std::nullopt, static_cast<std::size_t>(traces)) : Result<View>(Failure(reader.error()));
    if (!view) return refuse(ExitCode::unavailable, view.error().in(path).text);
    return *std::move(view);
}

}  // namespace banken
