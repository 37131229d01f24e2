// SPDX-License-Identifier: Apache-2.0
#include "common/pfile_difference.hpp"

#include <doctest/doctest.h>

#include "common/schema.hpp"

namespace banken {
namespace {

Pfile pfile(std::string_view pents, std::string_view params = {}) {
    auto parsed = parse_pfile(fmt::format("[PARAM]\nIPCKEY 1\nSHM_DUMP_FILE /d\n{}\n[PENT]\n{}\n", params, pents));
    for (const auto& d : parsed.diagnostics) {
        if (d.severity == Diagnostic::Severity::error) FAIL_CHECK(text_of(d, "F"));
    }
    return std::move(parsed.pfile);
}
std::string told(std::string_view before, std::string_view after, std::string_view params_before = {}, std::string_view params_after = {}) {
    const Pfile old = pfile(before, params_before), wanted = pfile(after, params_after);
    return text_of(difference(old, wanted), old, wanted);
}

TEST_CASE("a file that says the same in other words has no difference") {
    const Pfile before = pfile("a:/r:60:3:exit\nb:-:0:0:exit"),
                after = pfile("\n# moved\n a : /r : 60 : 3 : EXIT : delay = 10\n\nb:-:0:0:exit");
    const auto found = difference(before, after);
    CHECK(found.none());
    CHECK(text_of(found, before, after) == "0 added, 0 removed, 0 changed, 2 unchanged\n");
}

TEST_CASE("added, removed and changed entries are told, each with what changes in it") {
    CHECK(told("a:/r:60:3:exit\ngone:/r:60:3:exit\nc:/r:60:3:exit", "a:/r:60:unlimited:hold:delay=5-60\nc:/r:60:3:exit\nnew:-:0:0:exit") ==
          "changed: a (line 6): retries 3 -> unlimited, action exit -> hold, delay 10 -> 5-60\n"
          "added: new (line 8)\n"
          "removed: gone (was line 7)\n"
          "1 added, 1 removed, 1 changed, 1 unchanged\n");
}

TEST_CASE("entries are compared by name and filters") {
    const Pfile before = pfile("a:/r:60:3:exit:args=^x\na:/r:60:3:exit:args=^y");
    const Pfile after = pfile("a:/r:60:3:exit:args=^z\na:/r:60:4:exit:args=^y");
    const auto found = difference(before, after);
    REQUIRE(found.entries.size() == 3);
    CHECK(found.entries[0].added());
    CHECK(found.entries[1].changed());
    CHECK(found.entries[1].before == 1U);
    CHECK(found.entries[1].changes == std::vector<FieldChange>{{"retries", "3", "4"}});
    CHECK(found.entries[2].removed());
    CHECK(found.entries[2].before == 0U);
    CHECK_FALSE(found.reordered);
    CHECK_FALSE(found.none());
}

TEST_CASE("another order is told, entries that come or go alone are none") {
    CHECK(difference(pfile("a:-:0:0:exit\nb:-:0:0:exit"), pfile("b:-:0:0:exit\na:-:0:0:exit")).reordered);
    CHECK_FALSE(difference(pfile("a:-:0:0:exit\nb:-:0:0:exit"), pfile("b:-:0:0:exit")).reordered);
    CHECK_FALSE(difference(pfile("b:-:0:0:exit"), pfile("a:-:0:0:exit\nb:-:0:0:exit")).reordered);
    CHECK(told("a:-:0:0:exit\nb:-:0:0:exit", "b:-:0:0:exit\na:-:0:0:exit") ==
          "the order of the entries changes, and so do their ids\n0 added, 0 removed, 0 changed, 2 unchanged\n");
}

TEST_CASE("a group's members and their order are told") {
    CHECK(told("a:/r:1:1:exit:group=g\nb:/r:1:1:exit:group=g\nc:/r:1:1:exit:group=h",
               "b:/r:1:1:exit:group=g\na:/r:1:1:exit:group=g\nc:/r:1:1:exit") ==
          "changed: c (line 8): group h -> off\n"
          "group g: a, b -> b, a\n"
          "group h: c -> none\n"
          "the order of the entries changes, and so do their ids\n"
          "0 added, 0 removed, 1 changed, 2 unchanged\n");
    CHECK(difference(pfile("a:/r:1:1:exit:group=g\nx:-:0:0:exit"), pfile("a:/r:1:1:exit:group=g")).groups.empty());
}

TEST_CASE("a PARAM key is told, and so is every entry that takes its default from it") {
    CHECK(told("a:/r:60:3:exit\nb:/r:60:3:exit:delay=1:start_timeout=9", "a:/r:60:3:exit\nb:/r:60:3:exit:delay=1:start_timeout=9", "",
               "MONITOR_INTERVAL 20\nSCRIPT_OUTPUT /var/log/x") ==
          "PARAM MONITOR_INTERVAL: 10 -> 20\n"
          "PARAM SCRIPT_OUTPUT: inherit -> /var/log/x\n"
          "changed: a (line 7): delay 10 -> 20, start_timeout 20 -> 40\n"
          "0 added, 0 removed, 1 changed, 1 unchanged\n");
}

TEST_CASE("every field of an entry and every PARAM key is compared, and reads back as a pfile would say it") {
    const auto text = [](const std::vector<FieldText>& fields) {
        std::string all;
        for (const auto& field : fields) all += fmt::format("{}={}\n", field.name, field.text);
        return all;
    };
    CHECK(
        text(fields_of(
            pfile("a:/r x:60:3:exit:group=g:confirm=0.5/always:delay=5-600:stable=60:script_timeout=7:start_timeout=8:"
                  "success_exit=0,3:run_as=root:check=/c d:check_interval=4:check_timeout=5:check_failures=6:heartbeat=9,/hb:hung=10:"
                  "cpu=90%/60:rss=1536M/30:fds=1000/10:on_limit=restart:stop=/s/5:monitor=off:events=a/b,c/d:user=7")
                .pents[0])) ==
        "script=/r x\ngrace=60\nretries=3\naction=exit\nmin=off\nmax=off\ngroup=g\nafter=off\nconfirm=0.5/always\ndelay=5-600\nstable=60\n"
        "script_timeout=7\nstart_timeout=8\nsuccess_exit=0,3\nrun_as=root\ncheck=/c "
        "d\ncheck_interval=4\ncheck_timeout=5\ncheck_failures=6\n"
        "heartbeat=9,/hb\nhung=10\ncpu=90%/60\nrss=1536M/30\nfds=1000/10\non_limit=restart\nstop=/s/5\nmonitor=off\nevents=a/b,c/d\nuser=7 "
        "(uid 7)\n");
    const auto fields = fields_of(pfile("a:-:0:0:exit:min=2").pents[0]);
    CHECK(fields.size() == pent_fields - 1 + pent_options - 7 + 1);  // no name, no filters; and the uid
    const auto keys = keys_of(pfile("a:-:0:0:exit").param);
    REQUIRE(keys.size() == param_keys);
    for (std::size_t i = 0; i < param_keys; ++i) CHECK(keys[i].name == param_rules[i].name);
}

TEST_CASE("a user whose ids have changed is a change") {
    Pfile before = pfile("a:/r:60:3:exit:user=app:run_as=app"), after = before;
    before.pents[0].uid = 7;
    after.pents[0].uid = 8;
    before.pents[0].runner = RunAs{7, 7, {7}, "/"};
    after.pents[0].runner = RunAs{7, 7, {7, 9}, "/"};
    CHECK(difference(before, after).entries[0].changes ==
          std::vector<FieldChange>{{"run_as", "app (uid 7, gid 7, groups 7)", "app (uid 7, gid 7, groups 7,9)"},
                                   {"user", "app (uid 7)", "app (uid 8)"}});
}

}  // namespace
}  // namespace banken
