// SPDX-License-Identifier: Apache-2.0
// padmin's side against a message box that a child serves: the child plays pcheck, with this test's own executable.
#include <doctest/doctest.h>
#include <sys/ipc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "common/order.hpp"
#include "common/segment_codec.hpp"
#include "common/segment_layout.hpp"
#include "common/sys/futex.hpp"
#include "common/sys/identity.hpp"
#include "common/sys/order_channel.hpp"
#include "common/sys/pid_ref.hpp"

using namespace banken;
using namespace banken::sys;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

// A segment with a header and a message box; removed at the end.
struct Box {
    Segment segment;
    TablePlaces places = live_places(64);

    static Segment make() {
        auto segment = Segment::create(IPC_PRIVATE, end_of(live_places(64)) * 8, {});
        REQUIRE(segment);
        return *std::move(segment);
    }
    Box() : segment(make()) {
        const auto words = segment.words();
        words[preamble::magic] = segment_magic;
        words[preamble::version] = std::uint64_t{layout_major} << 32;
        words[preamble::size] = words.size();
        write_places(words, places);
        write_record(record(Table::heartbeat), 7, encode(HeartbeatRecord{}), store);
    }
    ~Box() { (void)segment.remove(); }
    Box(const Box&) = delete;
    Box& operator=(const Box&) = delete;

    std::span<std::uint64_t> record(Table table, std::size_t index = 0) const {
        return record_at(segment.words(), places[static_cast<std::size_t>(table)], index);
    }
    std::span<std::uint64_t> slot_at(std::size_t index) const { return record(Table::slots, index); }
    void publish_owner(const OwnerRecord& owner) const {
        HeaderRecord header;
        header.owner = owner;
        write_record(record(Table::header), places[0].copy, encode(header), store);
    }
};

using Serve = std::function<void(Box&)>;

// A child that owns the box and does `serve` for every SIGUSR1.
struct Pcheck {
    pid_t pid = -1;

    Pcheck(Box& box, const Serve& serve) {
        sigset_t signals, before;
        sigemptyset(&signals);
        sigaddset(&signals, SIGUSR1);
        sigprocmask(SIG_BLOCK, &signals, &before);
        pid = fork();
        if (pid == 0) {
            for (int signal = 0; sigwait(&signals, &signal) == 0;) serve(box);
            _exit(1);
        }
        sigprocmask(SIG_SETMASK, &before, nullptr);
        OwnerRecord owner = own_identity().value();
        owner.id = read_stat(pid)->id();
        box.publish_owner(owner);
    }
    ~Pcheck() {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
    }
    Pcheck(const Pcheck&) = delete;
    Pcheck& operator=(const Pcheck&) = delete;
};

void answer(std::span<std::uint64_t> slot, int status, std::string_view text) {
    store(slot[slot::answer_status], static_cast<std::uint64_t>(status));
    store(slot[slot::answer_length], text.size());
    store_text(slot.subspan(slot::answer), text);
    store(slot[slot::state], with_state(load(slot[slot::state]), SlotState::done));
    futex_wake(slot[slot::state]);
}

// Answers every posted order with its own words.
void echo(Box& box) {
    for (std::size_t index = 0; index < slot::count; ++index) {
        const auto slot = box.slot_at(index);
        if (state_of(load(slot[slot::state])) != SlotState::posted) continue;
        const auto words = unpack_words(load_text(slot.subspan(slot::order), load(slot[slot::order_length])));
        answer(slot, words ? 4 : 1, words ? words->back() : "");
    }
}

bool all_free(const Box& box) {
    for (std::size_t index = 0; index < slot::count; ++index) {
        const auto slot = box.slot_at(index);
        if (state_of(load(slot[slot::state])) != SlotState::free || load(slot[slot::claimant]) != 0) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("an order gets its answer and leaves its slot free") {
    Box box;
    const Pcheck pcheck(box, echo);
    const auto reply = send_order(box.segment, Words{"stop", "crond"}, {.wait = 30s});
    CHECK(reply.exit_status == 4);
    CHECK(reply.text == "crond");
    CHECK(all_free(box));
    CHECK(load(box.slot_at(0)[slot::state]) == 0x100);
}

TEST_CASE("orders at the same time, more than there are slots, each get their own answer") {
    Box box;
    const Pcheck pcheck(box, echo);
    std::vector<std::thread> threads;
    std::atomic<int> own = 0;
    constexpr int senders = static_cast<int>(slot::count) + 8, rounds = 20;
    for (int number = 0; number < senders; ++number) {
        threads.emplace_back([&, number] {
            for (int round = 0; round < rounds; ++round) {
                const std::string name = std::to_string(number * 1000 + round);
                if (send_order(box.segment, Words{"stop", name}, {.wait = 30s}).text == name) ++own;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(own == senders * rounds);
    CHECK(all_free(box));
}

TEST_CASE("an order that is not taken in time is withdrawn") {
    Box box;
    const Pcheck pcheck(box, [](Box&) {});
    const auto reply = send_order(box.segment, Words{"stop"}, {.wait = 0s});
    CHECK(reply.exit_status == 75);
    CHECK(reply.text.ends_with("the order was withdrawn"));
    CHECK(all_free(box));
    kill(pcheck.pid, SIGSTOP);
    waitpid(pcheck.pid, nullptr, WUNTRACED);
    CHECK(send_order(box.segment, Words{"stop"}, {.wait = 0s}).text.find(") is stopped") != std::string::npos);
}

TEST_CASE("a pcheck that ends before it answers is told, and a shutdown is answered by its end") {
    const auto take_and_end = [](Box& mine) {
        const auto slot = mine.slot_at(0);
        store(slot[slot::state], with_state(load(slot[slot::state]), SlotState::taken));
        _exit(0);
    };
    const auto remove_and_end = [](Box& mine) {
        (void)mine.segment.remove();
        _exit(0);
    };
    {
        Box box;
        const Pcheck pcheck(box, take_and_end);
        CHECK(send_order(box.segment, Words{"shutdown"}, {.wait = 30s, .until_end = true}).exit_status == 75);
        CHECK(state_of(load(box.slot_at(0)[slot::state])) == SlotState::taken);
    }
    Box box;
    const Pcheck pcheck(box, remove_and_end);
    CHECK(send_order(box.segment, Words{"shutdown"}, {.wait = 30s, .until_end = true}).exit_status == 0);
}

TEST_CASE("a process that is no pcheck is never signalled") {
    Box box;
    const Pcheck pcheck(box, echo);
    OwnerRecord owner = own_identity().value();
    owner.id = read_stat(pcheck.pid)->id();
    const auto status = [&](const OwnerRecord& forged) {
        box.publish_owner(forged);
        return send_order(box.segment, Words{"stop"}, {.wait = 30s}).exit_status;
    };
    OwnerRecord forged = owner;
    forged.exe_inode += 1;
    CHECK(status(forged) == 69);
    forged = owner;
    forged.id.start += 1;
    CHECK(status(forged) == 3);
    forged = owner;
    forged.pid_namespace += 1;
    CHECK(status(forged) == 69);
    CHECK(verify_pcheck(owner, geteuid()));
    CHECK_FALSE(verify_pcheck(owner, geteuid() + 1));
    CHECK(status(owner) == 4);
}

TEST_CASE("a full message box, a damaged one and an order that is too long are told") {
    Box box;
    const Pcheck pcheck(box, echo);
    for (std::size_t index = 0; index < slot::count; ++index) box.slot_at(index)[slot::claimant] = 1;
    CHECK(send_order(box.segment, Words{"stop"}, {.wait = 50ms}).exit_status == 75);
    CHECK(send_order(box.segment, Words{"stop", std::string(5000, 'x')}, {.wait = 30s}).exit_status == 64);
    box.segment.words()[preamble::magic] = 0;
    CHECK(send_order(box.segment, Words{"stop"}, {.wait = 30s}).exit_status == 69);
}
