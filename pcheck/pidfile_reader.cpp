// SPDX-License-Identifier: Apache-2.0
#include "pcheck/pidfile_reader.hpp"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

#include "common/process.hpp"
#include "common/sys/file.hpp"

namespace banken {
namespace {

constexpr std::size_t longest_file = 4096;  // some servers write more than their pid into it

}  // namespace

// What the loop's thread and the helper share. The helper may come back when all else is gone.
struct PidfileReader::Batch {
    explicit Batch(std::vector<File> all) : files(std::move(all)) {}

    const std::vector<File> files;

    std::mutex mutex;  // guards the rest
    std::vector<Naming> named;
    bool given_up = false;
};

void PidfileReader::read_all(Batch& batch) {
    for (const File& file : batch.files) {
        const auto text = sys::read_file(file.path, longest_file);
        const std::lock_guard lock(batch.mutex);
        if (batch.given_up) return;
        batch.named.push_back({file.entry, text ? parse_pidfile(*text) : std::nullopt});
    }
}

void PidfileReader::read(std::vector<File> files, Instant now) {
    std::erase_if(files, [this](const File& file) { return is_stuck(file.path); });
    if (files.empty() || stuck_.size() == threads) return;
    const auto batch = std::make_shared<Batch>(std::move(files));
    const auto sent = worker_.submit([batch, this] {
        read_all(*batch);
        return [batch, this] { returned(batch); };  // called only while this reader lives
    });
    if (!sent) return;
    batch_ = batch;
    deadline_ = now + patience;
}

bool PidfileReader::is_stuck(const std::string& path) const {
    return std::ranges::any_of(stuck_, [&](const auto& stuck) { return stuck.second == path; });
}

std::vector<PidfileReader::Naming> PidfileReader::advance(Instant now) {
    if (batch_ && deadline_ <= now) give_up(now);
    return std::exchange(named_, {});
}

std::optional<Instant> PidfileReader::due() const {
    if (!named_.empty()) return Instant::min();
    return batch_ ? std::optional(deadline_) : std::nullopt;
}

// What is behind the file that the helper hangs at goes to another helper.
void PidfileReader::give_up(Instant now) {
    const auto batch = std::exchange(batch_, nullptr);
    std::vector<File> rest;
    {
        const std::lock_guard lock(batch->mutex);
        const auto stuck = batch->files.begin() + static_cast<std::ptrdiff_t>(batch->named.size());
        collect(*batch);
        if (stuck == batch->files.end()) return;  // just done
        batch->given_up = true;
        stuck_.emplace(batch.get(), stuck->path);
        rest.assign(stuck + 1, batch->files.end());
    }
    read(std::move(rest), now);
}

void PidfileReader::collect(Batch& batch) { std::ranges::move(batch.named, std::back_inserter(named_)); }

void PidfileReader::returned(const std::shared_ptr<Batch>& batch) {
    stuck_.erase(batch.get());
    if (batch_ != batch) return;
    batch_.reset();
    collect(*batch);  // the helper is done with it
}

}  // namespace banken
