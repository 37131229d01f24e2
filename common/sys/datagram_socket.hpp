// SPDX-License-Identifier: Apache-2.0
// A connected Unix datagram socket that never blocks: for the log daemon and for sd_notify. The peer may be away, stuck or restarted.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/sys/unique_fd.hpp"
#include "common/time.hpp"

namespace banken::sys {

enum class Sent {
    yes,
    full,     // the peer takes no more: again when fd() is writable
    broken,   // no peer: disconnect(), and again at retry_at()
    refused,  // this datagram will never pass
};

class DatagramSocket {
public:
    // A path, or an abstract name after '@'; one longer than an address holds is an error. Connects at the first send.
    [[nodiscard]] static Result<DatagramSocket> open(std::string path);

    // Connects at need, but not within a second of the last failure.
    [[nodiscard]] Sent send(std::string_view datagram, Instant now);
    // Without a datagram: is the peer there?
    [[nodiscard]] bool connect();
    void disconnect(Instant now);

    [[nodiscard]] const std::string& path() const { return path_; }

    [[nodiscard]] int fd() const { return fd_.get(); }  // -1: not connected
    [[nodiscard]] std::optional<Instant> retry_at() const { return retry_at_; }

private:
    explicit DatagramSocket(std::string path) : path_(std::move(path)) {}
    std::string path_;
    UniqueFd fd_;
    std::optional<Instant> retry_at_;
};

}  // namespace banken::sys
