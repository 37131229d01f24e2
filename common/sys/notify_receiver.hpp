// SPDX-License-Identifier: Apache-2.0
// A socket that takes sd_notify(3) datagrams from anybody, with the kernel's word on who sent them. Owns the socket and its path.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/result.hpp"
#include "common/sys/unique_fd.hpp"
#include "common/time.hpp"

namespace banken::sys {

struct Notification {
    pid_t pid = 0;                        // of the sender as we see it; 0: it is in no PID namespace of ours
    uid_t user = static_cast<uid_t>(-1);  // its real uid, or the one that it was entitled to name
    BootTicks sent = 0;                   // when: a process that started later has the pid by now, but did not send it
    std::string text;
};

class NotifyReceiver {
public:
    static constexpr std::size_t max_text = 4096;  // a longer datagram is cut off

    // The directory of `path` is made with mode 0755 if it is missing, and must pass Trust; the socket has mode 0622. A socket of ours
    // that nobody listens to any more is replaced; anything else that is there is an error and stays.
    [[nodiscard]] static Result<NotifyReceiver> open(const std::string& path);
    NotifyReceiver(NotifyReceiver&&) noexcept = default;
    NotifyReceiver& operator=(NotifyReceiver&&) = delete;
    // Takes the path away, unless it has come to be somebody else's.
    ~NotifyReceiver();

    [[nodiscard]] const std::string& path() const { return path_; }
    // Readable when there is something to receive.
    [[nodiscard]] int fd() const { return socket_.get(); }
    // Never blocks. Nothing: no more is there now.
    [[nodiscard]] std::optional<Notification> receive();

private:
    NotifyReceiver(UniqueFd socket, std::string path) : socket_(std::move(socket)), path_(std::move(path)) {}
    UniqueFd socket_;
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;  // of the path
};

}  // namespace banken::sys
