// SPDX-License-Identifier: Apache-2.0
// As root: files are given to other users.
#include "common/sys/trust.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/temporary_directory.hpp"

using namespace banken::sys;
using banken::test::TemporaryDirectory;

namespace {

constexpr uid_t root = 0, oracle = 54321;
constexpr gid_t staff = 54322;

struct Tree : TemporaryDirectory {
    std::string directory(const std::string& name, mode_t mode = 0755) const {
        const auto path = *this / name;
        REQUIRE(::mkdir(path.c_str(), 0700) == 0);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }
    std::string file(const std::string& name, mode_t mode = 0755, const std::string& text = "") const {
        const auto path = *this / name;
        std::ofstream(path) << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }
    std::string link(const std::string& name, const std::string& target) const {
        const auto path = *this / name;
        REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
        return path;
    }
    static void give(const std::string& path, uid_t user, gid_t group) { REQUIRE(::lchown(path.c_str(), user, group) == 0); }
};

std::string refusal(const std::string& path, TrustKind kind = TrustKind::script, uid_t user = root) {
    const auto checked = check_trust(path, kind, user);
    return checked ? "" : checked.error().text;
}

}  // namespace

TEST_CASE("root's own script below root's own directories passes, through /tmp too") {
    const Tree tree;
    tree.directory("bin");
    CHECK(refusal(tree.file("bin/start", 0755, "#!/bin/sh\n")) == "");
    CHECK(refusal(tree / "./bin//../bin/start") == "");
    CHECK(refusal(tree.file("bin/program", 0700,
                            "\x7f"
                            "ELF")) == "");
    CHECK(refusal(tree.file("bin/empty")) == "");
    CHECK(refusal("/bin/sh") == "");
    CHECK(refusal(tree.path(), TrustKind::directory) == "");
    CHECK(refusal(tree.file("pfile", 0644), TrustKind::file) == "");
}

TEST_CASE("whoever may write a script or a directory above it is named") {
    const Tree tree;
    const auto bin = tree.directory("bin"), script = tree.file("bin/start");
    ::chmod(script.c_str(), 0757);
    CHECK(refusal(script) == script + " is writable by others");
    ::chmod(script.c_str(), 0775);
    CHECK(refusal(script) == "");
    tree.give(script, root, staff);
    CHECK(refusal(script) == script + " is writable by group 54322");
    ::chmod(script.c_str(), 0755);
    CHECK(refusal(script) == "");
    ::chmod(bin.c_str(), 0777);
    CHECK(refusal(script) == bin + " is writable by others");
    ::chmod(bin.c_str(), 0775);
    tree.give(bin, root, staff);
    CHECK(refusal(script) == bin + " is writable by group 54322");
}

TEST_CASE("another owner is refused, of a script, of a directory, and of a link on the way") {
    const Tree tree;
    const auto bin = tree.directory("bin"), script = tree.file("bin/start"), link = tree.link("link", "bin");
    tree.give(script, oracle, 0);
    CHECK(refusal(script) == script + " is owned by uid 54321");
    CHECK(refusal(script, TrustKind::script, oracle) == "");
    tree.give(script, root, 0);
    tree.give(bin, oracle, 0);
    CHECK(refusal(script) == bin + " is owned by uid 54321");
    tree.give(bin, root, 0);
    CHECK(refusal(link + "/start") == "");
    tree.give(link, oracle, 0);
    CHECK(refusal(link + "/start") == link + " is owned by uid 54321");
}

TEST_CASE("a sticky directory passes when what follows belongs to the trusted") {
    const Tree tree;
    const auto spool = tree.directory("spool", 01777), script = tree.file("spool/start");
    CHECK(refusal(script) == "");
    tree.give(script, oracle, 0);
    CHECK(refusal(script) == script + " is owned by uid 54321");
    CHECK(refusal(spool, TrustKind::directory) == spool + " is writable by others");
    CHECK(refusal(spool + "/.", TrustKind::directory) == spool + " is writable by others");
    tree.give(spool, oracle, 0);
    CHECK(refusal(script) == spool + " is owned by uid 54321");
}

TEST_CASE("links are followed by hand, and what they lead through is judged") {
    const Tree tree;
    const auto open = tree.directory("open", 0777), safe = tree.directory("safe");
    tree.file("open/start");
    tree.file("safe/start");
    CHECK(refusal(tree.link("absolute", safe + "/start")) == "");
    CHECK(refusal(tree.link("relative", "safe/../safe/start")) == "");
    CHECK(refusal(tree.link("chain", "relative")) == "");
    CHECK(refusal(tree.link("out", "open/start")) == open + " is writable by others");
    CHECK(refusal(tree.link("through", "open/../safe/start")) == open + " is writable by others");
    CHECK(refusal(tree.link("dangling", "safe/none")) == safe + "/none: No such file or directory");
}

TEST_CASE("a loop of links ends, and so does a chain of more than forty") {
    const Tree tree;
    CHECK(refusal(tree.link("self", "self")) == tree / "self: Too many levels of symbolic links");
    tree.link("a", "b");
    tree.link("b", "a");
    CHECK(refusal(tree / "a").ends_with(": Too many levels of symbolic links"));
    tree.file("0");
    for (int i = 1; i <= 41; ++i) tree.link(std::to_string(i), std::to_string(i - 1));
    CHECK(refusal(tree / "40") == "");
    CHECK(refusal(tree / "41") == tree / "1: Too many levels of symbolic links");
}

TEST_CASE("a script must be there, regular and executable") {
    const Tree tree;
    CHECK(refusal(tree / "none") == tree / "none: No such file or directory");
    CHECK(refusal(tree / "none/start") == tree / "none: No such file or directory");
    CHECK(refusal(tree.directory("bin")) == tree / "bin is a directory, not a file");
    CHECK(refusal(tree / "bin/..") == tree.path() + " is a directory, not a file");
    CHECK(refusal("/") == "/ is a directory, not a file");
    CHECK(refusal(tree.file("plain", 0644)) == tree / "plain is not executable");
    CHECK(refusal(tree / "plain/start") == tree / "plain: Not a directory");
    REQUIRE(::mkfifo((tree / "fifo").c_str(), 0700) == 0);
    CHECK(refusal(tree / "fifo") == tree / "fifo is no regular file");
    CHECK(refusal("bin/start") == "bin/start is no absolute path");
    CHECK(refusal('/' + std::string(3000, 'x')) == "/: File name too long");
    CHECK(refusal('/' + std::string(5000, 'x')) == "/: File name too long");
    CHECK(refusal(tree / "plain", TrustKind::directory) == tree / "plain is no directory");
    CHECK(refusal(tree / "bin", TrustKind::file) == tree / "bin is a directory, not a file");
}

TEST_CASE("the interpreter of a script is judged like the script") {
    const Tree tree;
    const auto shell = tree.file("shell"), script = tree.file("start", 0755, "#! \t" + shell + " -x\nexit\n");
    CHECK(refusal(script) == "");
    ::chmod(shell.c_str(), 0757);
    CHECK(refusal(script) == shell + " is writable by others");
    ::chmod(shell.c_str(), 0644);
    CHECK(refusal(script) == shell + " is not executable");
    ::unlink(shell.c_str());
    CHECK(refusal(script) == "its interpreter " + shell + ": No such file or directory");
    CHECK(refusal(tree.file("bare", 0755, "#!sh\n")) == "sh is no absolute path");
    CHECK(refusal(tree.file("without", 0755, "#!\n")) == "");
    CHECK(refusal(tree.file("endless", 0755, "#!/" + std::string(400, 'x'))) == "");
    CHECK(refusal(tree.file("ended", 0755, "#!" + tree / "no/such")) == "its interpreter " + tree / "no/such: No such file or directory");
}

TEST_CASE("interpreters that are scripts end somewhere") {
    const Tree tree;
    tree.file("0");
    for (int i = 1; i <= 6; ++i) tree.file(std::to_string(i), 0755, "#!" + tree / std::to_string(i - 1) + "\n");
    CHECK(refusal(tree / "5") == "");
    CHECK(refusal(tree / "6") == tree / "1: too many interpreters");
    const auto self = tree.file("self", 0755, "#!" + tree / "self" + "\n");
    CHECK(refusal(self) == self + ": too many interpreters");
}
