// SPDX-License-Identifier: Apache-2.0
#include "common/sys/notify_receiver.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>

#include "common/sys/clock.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace banken::sys;

namespace {

// A directory that passes Trust: none below /tmp does.
struct Place {
    std::string directory = fmt::format("/run/banken-test-{}", ::getpid());
    std::string path = directory + "/0x1f000501.notify";

    ~Place() {
        ::unlink(path.c_str());
        ::rmdir(directory.c_str());
    }
    [[nodiscard]] mode_t mode(const std::string& of) const {
        struct stat status {};
        REQUIRE(::lstat(of.c_str(), &status) == 0);
        return status.st_mode & 07777;
    }
};

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

UniqueFd bound_to(const std::string& path) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto address = address_of(path);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
}

bool send_to(const std::string& path, std::string_view text) {
    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto address = address_of(path);
    return ::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) >= 0;
}

}  // namespace

TEST_CASE("a notification comes with its sender and its time") {
    const Place place;
    auto receiver = NotifyReceiver::open(place.path);
    REQUIRE(receiver);
    CHECK(place.mode(place.directory) == 0755);
    CHECK(place.mode(place.path) == 0622);
    CHECK_FALSE(receiver->receive());
    REQUIRE(send_to(place.path, "WATCHDOG=1\n"));
    const auto notification = receiver->receive();
    REQUIRE(notification);
    CHECK(notification->pid == ::getpid());
    CHECK(notification->user == ::getuid());
    CHECK(notification->text == "WATCHDOG=1\n");
    const BootTicks now = read_now().ticks;
    CHECK(notification->sent <= now);
    CHECK(notification->sent + 3000 > now);
    CHECK_FALSE(receiver->receive());
}

TEST_CASE("the path goes with its receiver, unless it is somebody else's by then") {
    const Place place;
    CHECK(NotifyReceiver::open(place.path));
    CHECK(::access(place.path.c_str(), F_OK) != 0);
    UniqueFd successor;
    {
        const auto receiver = NotifyReceiver::open(place.path);
        REQUIRE(receiver);
        REQUIRE(::unlink(place.path.c_str()) == 0);
        successor = bound_to(place.path);
    }
    CHECK(::access(place.path.c_str(), F_OK) == 0);
}

TEST_CASE("a socket that nobody listens to is replaced, one in use is not") {
    const Place place;
    REQUIRE(::mkdir(place.directory.c_str(), 0755) == 0);
    bound_to(place.path).reset();
    auto receiver = NotifyReceiver::open(place.path);
    REQUIRE(receiver);
    REQUIRE(send_to(place.path, "x"));
    CHECK(receiver->receive());
    const auto second = NotifyReceiver::open(place.path);
    REQUIRE_FALSE(second);
    CHECK(second.error().text == place.path + ": is in use by another process");
    CHECK(send_to(place.path, "x"));
}

TEST_CASE("what is no socket of ours stays") {
    const Place place;
    REQUIRE(::mkdir(place.directory.c_str(), 0755) == 0);
    SUBCASE("a file") { std::ofstream(place.path) << "precious"; }
    SUBCASE("a link, even to a stale socket") {
        bound_to(place.directory + "/other").reset();
        REQUIRE(::symlink("other", place.path.c_str()) == 0);
    }
    SUBCASE("another user's socket") {
        bound_to(place.path).reset();
        REQUIRE(::lchown(place.path.c_str(), 65534, 65534) == 0);
    }
    const auto receiver = NotifyReceiver::open(place.path);
    REQUIRE_FALSE(receiver);
    CHECK(receiver.error().text == place.path + ": is there already, and no socket of ours");
    CHECK(::faccessat(-1, place.path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    ::unlink((place.directory + "/other").c_str());
}

TEST_CASE("a directory that others can write is refused") {
    const Place place;
    REQUIRE(::mkdir(place.directory.c_str(), 0777) == 0);
    REQUIRE(::chmod(place.directory.c_str(), 0777) == 0);
    const auto receiver = NotifyReceiver::open(place.path);
    REQUIRE_FALSE(receiver);
    CHECK(receiver.error().text == fmt::format("{}: {} is writable by others", place.path, place.directory));
}

TEST_CASE("a path that no socket can have is refused") {
    const auto receiver = NotifyReceiver::open("/run/" + std::string(200, 'x') + "/socket");
    REQUIRE_FALSE(receiver);
    CHECK(receiver.error().number == ENAMETOOLONG);
}

TEST_CASE("descriptors that are sent along are closed, and a long text is cut off") {
    const Place place;
    auto receiver = NotifyReceiver::open(place.path);
    REQUIRE(receiver);
    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto address = address_of(place.path);
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    std::string text(2 * NotifyReceiver::max_text, 'x');
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = socket.get();
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    const UniqueFd before(::dup(0));
    REQUIRE(::sendmsg(socket.get(), &message, 0) > 0);
    const auto notification = receiver->receive();
    REQUIRE(notification);
    CHECK(notification->text.size() == NotifyReceiver::max_text);
    CHECK(notification->pid == ::getpid());
    const UniqueFd after(::dup(0));
    CHECK(after.get() == before.get() + 1);
}
