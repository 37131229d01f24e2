// SPDX-License-Identifier: Apache-2.0
#include "common/sys/file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/sys/unique_fd.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using sys::read_file;
using test::TemporaryDirectory;

namespace {

std::size_t files_in(const std::string& directory) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory), {}));
}

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a regular file is read whole, up to its limit") {
    const TemporaryDirectory dir;
    const std::string path = dir / "pfile";
    const std::string text = std::string(10'000, 'x') + std::string("\0y", 2);
    std::ofstream(path) << text;
    CHECK(read_file(path, text.size()).value() == text);
    CHECK(read_file(path, text.size() - 1).error().text == path + ": is larger than 10001 bytes");
    std::ofstream(path).flush();
    CHECK(read_file(path, 0).value().empty());
}

TEST_CASE("the end of a file is read, however long it is") {
    const TemporaryDirectory dir;
    const std::string path = dir / "scripts";
    std::ofstream(path) << std::string(10'000, 'x') + "end";
    CHECK(sys::read_end(path, 4).value() == "xend");
    CHECK(sys::read_end(path, 20'000)->size() == 10'003);
    CHECK_FALSE(sys::read_end(dir / "nothing", 4));
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    CHECK_FALSE(sys::read_end(dir / "fifo", 4));
}

TEST_CASE("what is no regular file is not even opened, since a device may act on that") {
    const TemporaryDirectory dir;
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    std::ofstream(dir / "file") << "text";
    const sys::UniqueFd opens(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    REQUIRE(::inotify_add_watch(opens.get(), dir.path().c_str(), IN_OPEN) >= 0);
    char event[4096];
    CHECK_FALSE(read_file(dir / "fifo", 100));
    CHECK(::read(opens.get(), event, sizeof event) < 0);
    CHECK(read_file(dir / "file", 100));
    CHECK(::read(opens.get(), event, sizeof event) > 0);
}

TEST_CASE("what is no regular file is refused, and nothing waits for a FIFO") {
    const TemporaryDirectory dir;
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    CHECK(read_file(dir / "fifo", 100).error().text == (dir / "fifo") + ": is a FIFO, not a regular file");
    CHECK(read_file(dir.path(), 100).error().text == dir.path() + ": cannot be opened: Is a directory");
    CHECK(read_file("/dev/null", 100).error().text == "/dev/null: is not a regular file");
    const auto missing = read_file(dir / "missing", 100);
    CHECK(missing.error().text == (dir / "missing") + ": cannot be opened: No such file or directory");
    CHECK(missing.error().number == ENOENT);
    std::filesystem::create_symlink("loop", dir / "loop");
    CHECK(read_file(dir / "loop", 100).error().number == ELOOP);
}

TEST_CASE("a file of /proc is read without knowing its size, and cut at the limit") {
    const sys::UniqueFd proc(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CHECK(sys::read_at(proc.get(), "comm", 100).value().size() > 1);
    CHECK(sys::read_at(proc.get(), "smaps", 5000).value().size() == 5000);
    CHECK(sys::read_at(proc.get(), "missing", 100).error().number == ENOENT);
}

TEST_CASE("a file is replaced as a whole, with its mode, and nothing is left beside it") {
    const TemporaryDirectory dir;
    const std::string path = dir / "dump";
    REQUIRE(sys::write_atomically(path, "first", 0640));
    CHECK(mode_of(path) == 0640);
    const std::string long_text(100'000, 'z');
    REQUIRE(sys::write_atomically(path, long_text, 0666));
    CHECK(read_file(path, 1'000'000).value() == long_text);
    CHECK(mode_of(path) == 0666);
    CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("a link is replaced, not followed") {
    const TemporaryDirectory dir;
    std::ofstream(dir / "target") << "old";
    std::filesystem::create_symlink("target", dir / "dump");
    REQUIRE(sys::write_atomically(dir / "dump", "new", 0600));
    CHECK(read_file(dir / "target", 10).value() == "old");
    CHECK(read_file(dir / "dump", 10).value() == "new");
}

TEST_CASE("a write that fails names the path and leaves nothing behind") {
    const TemporaryDirectory dir;
    std::filesystem::create_directories(dir / "dump/full");
    const auto onto_directory = sys::write_atomically(dir / "dump", "x", 0600);
    CHECK(onto_directory.error().text.starts_with((dir / "dump") + ": rename: "));
    CHECK(files_in(dir.path()) == 1);
    CHECK(sys::write_atomically(dir / "missing/dump", "x", 0600).error().number == ENOENT);
    const auto no_room = sys::write_atomically("/dev/full/dump", "x", 0600);
    CHECK(no_room.error().number == ENOTDIR);
}

TEST_CASE("a path is resolved through its links") {
    const TemporaryDirectory dir;
    std::ofstream(dir / "pfile") << "x";
    std::filesystem::create_symlink("pfile", dir / "link");
    CHECK(sys::resolved_path(dir / "./link").value() == std::filesystem::canonical(dir / "pfile").string());
    CHECK(sys::resolved_path(dir / "missing").error().number == ENOENT);
}
