// SPDX-License-Identifier: Apache-2.0
// The files that a pfile names are read with it: definitions of resources and DEFAULTS_FILE.
#include "pcheck/loader.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "pcheck/lint.hpp"
#include "tests/unit/temporary_directory.hpp"

using namespace banken;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

// A pfile with resources. In what is told the directory is `D`.
struct Files {
    test::TemporaryDirectory dir;

    void write(const std::string& name, std::string_view text, mode_t mode = 0644) const {
        std::ofstream(dir / name) << text;
        REQUIRE(::chmod((dir / name).c_str(), mode) == 0);
    }
    // RESOURCE lines, from line 6; `D` in them is the directory.
    void pfile(const std::string& resources, const std::string& param = "# none") const {
        write("pfile", in_place(fmt::format("[PARAM]\nIPCKEY 0x7f3a51d9\nSHM_DUMP_FILE D/dump\n{}\n[RESOURCE]\n{}", param, resources)));
    }
    void script(const std::string& name) const { write(name, "#!/bin/sh\n", 0755); }
    // A good generic definition.
    void definition(const std::string& name, const std::string& more = "") const {
        script("script");
        write(name, in_place(fmt::format("[generic]\nrestore=D/script\nremove=D/script\n{}\n", more)));
    }

    [[nodiscard]] LoadedPfile examine() const {
        auto loaded = examine_pfile(dir / "pfile");
        REQUIRE(loaded);
        return *std::move(loaded);
    }
    [[nodiscard]] Texts told(const std::vector<Diagnostic>& diagnostics) const {
        Texts texts;
        for (const Diagnostic& diagnostic : diagnostics) texts.push_back(with_letter(text_of(diagnostic, "F")));
        return texts;
    }
    [[nodiscard]] Texts told() const { return told(examine().diagnostics); }
    [[nodiscard]] Texts linted() const { return told(lint(examine())); }

private:
    static std::string replaced(std::string text, const std::string& from, const std::string& to) {
        for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
        return text;
    }
    [[nodiscard]] std::string in_place(const std::string& text) const { return replaced(text, "D/", dir.path() + "/"); }
    [[nodiscard]] std::string with_letter(const std::string& text) const { return replaced(text, dir.path() + "/", "D/"); }
};

}  // namespace

TEST_CASE("the definitions of all resources are read, with the limits of DEFAULTS_FILE") {
    const Files files;
    files.definition("web", "depends=vip\nquickCheck=D/script -q");
    files.definition("vip", "remove_timeout=9");
    files.write("defaults", "LKCHECKINTERVAL=30\nGENAPP_vip_RESTORE_TIMEOUT=7\n");
    files.pfile("web:generic:D/web\nvip:generic:D/vip\n", "DEFAULTS_FILE D/defaults");
    CHECK(files.told().empty());
    const auto resources = files.examine().pfile.resources;
    REQUIRE(resources.size() == 2);
    CHECK(resources[0].tag == "web");
    CHECK(resources[0].depends == Texts{"vip"});
    CHECK(resources[0].quick_interval == 30s);
    CHECK(resources[1].limit(ResourceScript::restore) == 7s);
    CHECK(resources[1].limit(ResourceScript::remove) == 9s);
    CHECK(files.linted().empty());
}

TEST_CASE("the mistakes of all files are told at once, each with its file, and a shared file's once") {
    const Files files;
    files.definition("a", "depends=b,storage\nbad\nrestore_timeout=x");
    files.definition("b", "depends=a");
    files.write("defaults", "\nLKCHECKINTERVAL=x\n");
    files.pfile("a:generic:D/a\nb:generic:D/b\nc:generic:D/missing\na2:generic:D/a\ne:none:D/e\n", "DEFAULTS_FILE D/defaults");
    const Texts wanted{
        "F:8:11: error: c, field 3 (file): D/missing: No such file or directory",
        "F:10:3: error: e, field 2 (kind): \"none\" is not one of generic, cmdline",
        "D/a:4:9: error: depends: there is no resource \"storage\"",
        "D/a:5:1: error: \"bad\" is not key = value",
        "D/a:6:17: error: restore_timeout: \"x\" is not a number, 0..86400 expected",
        "D/b:4:9: error: depends: goes in a circle: a -> b -> a",
        "D/defaults:2:17: error: LKCHECKINTERVAL: \"x\" is not a number, 0..86400 expected",
    };
    CHECK(files.told() == wanted);
    const auto loaded = load_pfile(files.dir / "pfile");
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code == ExitCode::config);
    CHECK(loaded.error().lines.back().starts_with(files.dir / "defaults:2:17: error: "));
}

TEST_CASE("definition files and DEFAULTS_FILE must be safe from others, and there") {
    const Files files;
    files.definition("web");
    files.write("defaults", "");
    files.pfile("web:generic:D/web\n", "DEFAULTS_FILE D/defaults");
    CHECK(files.told().empty());
    files.write("web", "[generic]\n", 0666);
    files.write("defaults", "", 0666);
    CHECK(files.told() == Texts{"F:4:15: error: DEFAULTS_FILE: refused: D/defaults is writable by others",
                                "F:6:13: error: web, field 3 (file): refused: D/web is writable by others"});
    files.pfile("web:generic:D/\n", "DEFAULTS_FILE D/nothing");
    const auto told = files.told();
    REQUIRE(told.size() == 2);
    CHECK(told[0] == "F:4:15: error: DEFAULTS_FILE: D/nothing: No such file or directory");
    CHECK(told[1].starts_with("F:6:13: error: web, field 3 (file): "));
}

TEST_CASE("a definition of more than 64 KiB is not read") {
    const Files files;
    files.write("web", std::string(definition_max_bytes + 1, '#'));
    files.pfile("web:generic:D/web\n");
    REQUIRE(files.told().size() == 1);
    CHECK(files.told()[0].starts_with("F:6:13: error: web, field 3 (file): D/web: "));
}

TEST_CASE("a resource's scripts are refused and linted as an entry's are") {
    const Files files;
    files.definition("web", "quickCheck=D/open\nrecover=D/missing 1\ndeepCheck=D/plain");
    files.script("open");
    REQUIRE(::chmod((files.dir / "open").c_str(), 0777) == 0);
    files.write("plain", "exit 0\n", 0755);
    files.pfile("web:generic:D/web\n");
    CHECK(files.linted() ==
          Texts{"D/web:4:12: error: web, quickCheck: D/open is writable by others",
                "D/web:6:11: error: web, deepCheck: D/plain does not begin with #!, such as #!/bin/sh: the kernel cannot execute it",
                "D/web:5:9: error: web, recover: D/missing: No such file or directory"});
    const auto refused = refused_scripts(files.examine().pfile);
    REQUIRE(refused.size() == 2);
    CHECK(refused[0].name == "web");
    CHECK(refused[0].pent_id == 0);
    files.pfile("web:generic:D/web\n", "SCRIPT_CHECK off");
    CHECK(refused_scripts(files.examine().pfile).empty());
    CHECK(files.linted().size() == 2);
}

TEST_CASE("two tags that DEFAULTS_FILE cannot tell apart are a warning where there is one") {
    const Files files;
    files.definition("web");
    files.write("defaults", "");
    files.pfile("web-1:generic:D/web\nweb.1:generic:D/web\n", "DEFAULTS_FILE D/defaults");
    CHECK(files.linted() == Texts{"F:7: warning: web.1: its time limits in DEFAULTS_FILE are those of web-1 in line 6, too"});
    files.pfile("web-1:generic:D/web\nweb.1:generic:D/web\n");
    CHECK(files.linted().empty());
}

TEST_CASE("on_failure=exit without a supervisor is a warning") {
    const Files files;
    files.definition("web", "on_failure = exit");
    files.pfile("web:generic:D/web\n");
    const bool supervised = std::getenv("INVOCATION_ID") || std::getenv("NOTIFY_SOCKET");
    const Texts warning{
        "D/web:4:14: warning: web, on_failure: exit only ends pcheck: a cluster manager or supervisor must watch it and act"};
    CHECK(files.linted() == (supervised ? Texts{} : warning));
}
