// SPDX-License-Identifier: Apache-2.0
// Reads pidfiles in helper threads, since a file may lie on a dead mount. At most four reads may hang; their files, and when four do all files,
// are not read again until a read returns: they name what they named last.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/sys/worker.hpp"
#include "common/time.hpp"
#include "pcheck/core/types.hpp"

namespace banken {

class PidfileReader {
public:
    static constexpr unsigned threads = 4;
    static constexpr Duration patience = std::chrono::seconds(1);  // with all files asked for at once

    struct File {
        core::EntryKey entry = 0;
        std::string path;
    };
    struct Naming {
        core::EntryKey entry = 0;
        std::optional<pid_t> pid;  // unset: no file, or nothing in it that is a pid
    };

    // The worker outlives it, and has that many threads and requests to spare.
    explicit PidfileReader(sys::Worker& worker) : worker_(worker) {}
    PidfileReader(PidfileReader&&) = delete;  // the worker's answers find it by its address
    PidfileReader& operator=(PidfileReader&&) = delete;

    // All that were asked for are read, or given up.
    [[nodiscard]] bool idle() const { return !batch_; }
    // Only when idle.
    void read(std::vector<File> files, Instant now);
    // Gives up what is overdue; what has been read since the last call.
    [[nodiscard]] std::vector<Naming> advance(Instant now);
    // When advance() is due. Beside that, whenever the worker was drained.
    [[nodiscard]] std::optional<Instant> due() const;

    // A file that hangs now; null: none does.
    [[nodiscard]] const std::string* stuck() const { return stuck_.empty() ? nullptr : &stuck_.begin()->second; }

private:
    struct Batch;

    static void read_all(Batch& batch);
    [[nodiscard]] bool is_stuck(const std::string& path) const;
    void give_up(Instant now);
    void collect(Batch& batch);
    void returned(const std::shared_ptr<Batch>& batch);

    sys::Worker& worker_;
    std::shared_ptr<Batch> batch_;
    Instant deadline_{};                         // of batch_
    std::map<const Batch*, std::string> stuck_;  // the file that a batch given up hangs at
    std::vector<Naming> named_;
};

}  // namespace banken
