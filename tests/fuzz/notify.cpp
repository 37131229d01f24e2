// SPDX-License-Identifier: Apache-2.0
// Datagrams at the heartbeat socket, cut at lines `%%`. The first byte of each says whom the sender claims to be, as far as the kernel lets it.
// What counts is compared with the rules told in other words.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "common/sys/clock.hpp"
#include "common/sys/pid_ref.hpp"
#include "common/text.hpp"
#include "pcheck/heartbeats.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace banken::fuzz {
namespace {

using Entries = std::set<core::EntryKey>;

constexpr std::size_t most_datagrams = 8;
constexpr std::array<uid_t, 4> claims{0, 1, 1000, 65534};

struct Expected {
    core::EntryKey key;
    std::string name;
    ProcessId main;
};

ProcessId process(pid_t pid) {
    const auto stat = sys::read_stat(pid);
    return stat ? stat->id() : ProcessId{pid, 1};
}

// One receiver for the whole run; what it has told since the last datagram.
class Receiver {
public:
    Receiver() {
        std::string pattern = (std::filesystem::temp_directory_path() / "banken-fuzz.XXXXXX").string();
        require(::mkdtemp(pattern.data()) != nullptr, "a temporary directory");
        directory_ = pattern;
        auto opened = Heartbeats::open(directory_ / "notify", {.on_heartbeat = [this](core::EntryKey key) { told_.insert(key); },
                                                               .on_ignored = [](const std::string& line) { require_printable(line); }});
        require(opened.has_value(), "a socket", opened ? "" : opened.error().text);
        heartbeats_.emplace(*std::move(opened));
        for (const Expected& one : expected) heartbeats_->expect(one.key, one.name, one.main);
        socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
    ~Receiver() {
        heartbeats_.reset();
        ::close(socket_);
        std::filesystem::remove_all(directory_);
    }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    Entries send(std::string_view text, uid_t user) {
        told_.clear();
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, heartbeats_->path().c_str(), sizeof address.sun_path - 1);
        ucred sender{.pid = ::getpid(), .uid = user, .gid = ::getgid()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
        iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
        msghdr message{};
        message.msg_name = &address;
        message.msg_namelen = sizeof address;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* const head = CMSG_FIRSTHDR(&message);
        *head = {.cmsg_len = CMSG_LEN(sizeof sender), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS};
        std::memcpy(CMSG_DATA(head), &sender, sizeof sender);
        require(::sendmsg(socket_, &message, 0) == static_cast<ssize_t>(text.size()), "a datagram that is sent", std::strerror(errno));
        while (heartbeats_->take(sys::read_now())) {}
        return std::exchange(told_, {});
    }

    const std::vector<Expected> expected{
        {1, "self", process(::getpid())}, {2, "parent", process(::getppid())}, {3, "gone", {4194303, 1}}, {4, "self", {4194303, 2}}};

private:
    std::filesystem::path directory_;
    std::optional<Heartbeats> heartbeats_;
    Entries told_;
    int socket_ = -1;
};

std::optional<uid_t> user_of(ProcessId main) {
    if (main.pid == ::getpid()) return ::getuid();
    if (process(main.pid).start != main.start || main.pid > 4'000'000) return std::nullopt;
    return ::getuid();  // the parent's, as that of everything that a test runs
}

Entries rules(const Receiver& receiver, std::string_view text, uid_t user) {
    bool alive = false;
    std::string_view name;
    for (const std::string_view line : split(text.substr(0, sys::NotifyReceiver::max_text), '\n')) {
        if (line == "WATCHDOG=1") alive = true;
        if (line.starts_with("BANKEN_ENTRY=")) name = line.substr(13);
    }
    Entries entries;
    for (const Expected& one : receiver.expected) {
        const bool above = one.main.pid == ::getpid() || one.main.pid == ::getppid();
        const bool entitled = user == 0 || user == ::geteuid() || user == user_of(one.main);
        if (alive && (name.empty() ? above : name == one.name && (entitled || above))) entries.insert(one.key);
    }
    return entries;
}

}  // namespace

const bool repeatable = false;

void test_one(std::string_view input) {
    static Receiver receiver;
    for (std::string_view text : parts(input, most_datagrams)) {
        text = text.substr(0, 2 * sys::NotifyReceiver::max_text);
        const uid_t claimed = text.empty() ? 0 : claims[static_cast<unsigned char>(text.front()) % claims.size()];
        if (!text.empty()) text.remove_prefix(1);
        const uid_t user = ::geteuid() == 0 ? claimed : ::getuid();
        require(receiver.send(text, user) == rules(receiver, text, user), "the heartbeats that the rules give", text);
    }
}

}  // namespace banken::fuzz
