// SPDX-License-Identifier: Apache-2.0
// Real processes for tests: each waits to be let go and then ends as it was told to.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <tuple>

#include "common/process.hpp"
#include "common/sys/pid_ref.hpp"
#include "common/sys/unique_fd.hpp"

namespace banken::test {

using Ending = std::function<void()>;  // in the child; if it returns, the child exits with 0

inline Ending exits_with(int status) {
    return [status] { ::_exit(status); };
}

inline Ending dies_by(int signal) {
    return [signal] {
        ::signal(signal, SIG_DFL);
        ::kill(::getpid(), signal);
        ::pause();
    };
}

// Until `fd` is readable; a test that waits for 20 s has failed.
inline void await(int fd) {
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 20'000) == 1);
}

struct Pipe {
    sys::UniqueFd read_end, write_end;

    Pipe() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe(ends.data()) == 0);
        read_end.reset(ends[0]);
        write_end.reset(ends[1]);
    }
    // A byte, not the end of file: other children have copies of the write end.
    void put(char byte = '.') const { REQUIRE(::write(write_end.get(), &byte, 1) == 1); }
    template <class T>
    T take() const {
        T value{};
        REQUIRE(::read(read_end.get(), &value, sizeof value) == static_cast<ssize_t>(sizeof value));
        return value;
    }
};

// Leads a new session and ends, leaving a member of its process group behind whose pid it tells.
inline Ending leaves_a_member(const Pipe& born) {
    return [&born] {
        ::setsid();
        const pid_t member = ::fork();
        if (member != 0) return;
        const pid_t self = ::getpid();
        if (::write(born.write_end.get(), &self, sizeof self) == sizeof self) ::pause();
        ::_exit(1);
    };
}

// Our own child: a zombie after its end until it is reaped, at last by the destructor.
class Child {
public:
    explicit Child(const Ending& ending) : pid_(::fork()) {
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            char byte = 0;
            if (::read(go_.read_end.get(), &byte, 1) == 1) ending();
            ::_exit(0);
        }
        id_ = sys::read_stat(pid_).value().id();
    }
    Child(Child&&) = delete;
    Child& operator=(Child&&) = delete;
    ~Child() {
        if (const auto ref = sys::PidRef::open(id_)) std::ignore = ref->signal(SIGKILL);
        reap();
    }

    [[nodiscard]] ProcessId id() const { return id_; }
    void let_go() const { go_.put(); }
    // Returns when it is a zombie.
    void end() const {
        const auto ref = sys::PidRef::open(id_);
        let_go();
        await(ref->fd());
    }
    void reap() const { ::waitpid(pid_, nullptr, 0); }

private:
    Pipe go_;
    pid_t pid_;
    ProcessId id_;
};

// A process whose parent reaps it at once.
class Grandchild {
public:
    explicit Grandchild(const Ending& ending)
        : parent_([&] {
              const pid_t pid = ::fork();
              if (pid == 0) {
                  char byte = 0;
                  if (::read(go_.read_end.get(), &byte, 1) == 1) ending();
                  ::_exit(0);
              }
              if (::write(born_.write_end.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
              ::waitpid(pid, nullptr, 0);
          }) {
        parent_.let_go();
        id_ = sys::read_stat(born_.take<pid_t>()).value().id();
    }
    Grandchild(Grandchild&&) = delete;
    Grandchild& operator=(Grandchild&&) = delete;
    ~Grandchild() {
        if (const auto ref = sys::PidRef::open(id_)) std::ignore = ref->signal(SIGKILL);
    }

    [[nodiscard]] ProcessId id() const { return id_; }
    void let_go() const { go_.put(); }
    // Returns when it has been reaped.
    void end() const {
        const auto parent = sys::PidRef::open(parent_.id());
        let_go();
        await(parent->fd());
    }

private:
    Pipe go_, born_;
    Child parent_;
    ProcessId id_;
};

}  // namespace banken::test
