// SPDX-License-Identifier: Apache-2.0
#include "pcheck/heartbeat_files.hpp"

#include <sys/stat.h>

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "common/sys/clock.hpp"

namespace banken {

std::optional<HeartbeatFiles::Mtime> HeartbeatFiles::mtime_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return {};
    const WallTime modified(std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec));
    return Mtime{modified, std::max(sys::read_now().wall - modified, Duration{})};
}

void HeartbeatFiles::read(core::EntryKey entry, const std::string& path, Instant now) {
    File& file = files_[entry];
    if (file.path != path) {
        file.path = path;
        file.read.reset();
    }
    if (!std::exchange(file.asked, true)) waiting_.push_back({entry, now});
    send_out();
}

void HeartbeatFiles::keep_only(std::span<const core::EntryKey> entries) {
    const std::unordered_set<core::EntryKey> kept(entries.begin(), entries.end());
    std::erase_if(files_, [&](const auto& file) { return !kept.contains(file.first); });
    std::erase_if(waiting_, [&](const Waiting& waiting) { return !kept.contains(waiting.entry); });
}

void HeartbeatFiles::send_out() {
    while (out_ < threads && !waiting_.empty()) {
        const core::EntryKey entry = waiting_.front().entry;
        const auto sent = worker_.submit([this, entry, path = files_.at(entry).path] {
            return [this, entry, path, mtime = mtime_of(path)] { returned(entry, path, mtime); };
        });
        if (!sent) return;  // no thread can be had now: the next question or answer of any entry tries again
        waiting_.pop_front();
        ++out_;
    }
}

void HeartbeatFiles::drain(Instant now) {
    now_ = now;
    const std::size_t out = out_;
    worker_.drain();
    if (out_ < out) told_stuck_ = false;
    send_out();
}

std::optional<Instant> HeartbeatFiles::next_deadline() const {
    return waiting_.empty() ? std::nullopt : std::optional(waiting_.front().since + patience);
}

void HeartbeatFiles::tick(Instant now) {
    while (!waiting_.empty() && waiting_.front().since + patience <= now) {
        const core::EntryKey entry = waiting_.front().entry;
        waiting_.pop_front();
        files_.at(entry).asked = false;
        if (!std::exchange(told_stuck_, true))
            handlers_.on_stuck(
                fmt::format("heartbeat paths cannot be read, {} readings hang: entries that wait for one are taken for alive", out_));
        handlers_.on_read({entry, Duration{}});
    }
}

void HeartbeatFiles::returned(core::EntryKey entry, const std::string& path, const std::optional<Mtime>& mtime) {
    --out_;
    const auto found = files_.find(entry);
    if (found == files_.end()) return;
    File& file = found->second;
    file.asked = false;
    if (file.path != path) return;
    if (!mtime) file.read.reset();
    handlers_.on_read({entry, mtime ? std::optional(age_of(file, *mtime, now_)) : std::nullopt});
}

// A path that was touched since the last reading was touched after it, whatever the wall clock says.
Duration HeartbeatFiles::age_of(File& file, const Mtime& mtime, Instant now) {
    if (!file.read || mtime.modified != file.modified) file.beat = std::max(now - mtime.age, file.read.value_or(Instant::min()));
    file.modified = mtime.modified;
    file.read = now;
    return now - file.beat;
}

}  // namespace banken
