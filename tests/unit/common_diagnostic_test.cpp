// SPDX-License-Identifier: Apache-2.0
#include "common/diagnostic.hpp"

#include <doctest/doctest.h>

namespace banken {
namespace {

TEST_CASE("a diagnostic names file, line and column, as far as it has them") {
    CHECK(text_of({Diagnostic::Severity::error, 7, 12, "x"}, "/etc/pfile") == "/etc/pfile:7:12: error: x");
    CHECK(text_of({Diagnostic::Severity::error, 7, 0, "x"}, "pfile") == "pfile:7: error: x");
    CHECK(text_of({Diagnostic::Severity::error, 0, 0, "x"}, "pfile") == "pfile: error: x");
    CHECK(text_of({Diagnostic::Severity::warning, 1, 2, "x"}, "p\nfile") == "p\\nfile:1:2: warning: x");
}

TEST_CASE("warnings alone keep a text good") {
    Diagnostics diagnostics;
    diagnostics.warning(1, 1, "odd");
    CHECK(good(diagnostics.take()));
    diagnostics.warning(1, 1, "odd");
    diagnostics.error(2, 1, "wrong");
    CHECK_FALSE(good(diagnostics.take()));
    CHECK(diagnostics.take().empty());
}

TEST_CASE("diagnostics come in the order of the file, those without a place last") {
    Diagnostics diagnostics;
    diagnostics.error(0, 0, "missing");
    diagnostics.warning(2, 1, "odd");
    diagnostics.error(3, 9, "third");
    diagnostics.error(1, 5, "first");
    const auto all = diagnostics.take();
    REQUIRE(all.size() == 4);
    CHECK(all[0].text == "first");
    CHECK(all[1].text == "odd");
    CHECK(all[2].text == "third");
    CHECK(all[3].text == "missing");
}

TEST_CASE("the texts beyond the thousandth are counted, and not even made") {
    Diagnostics diagnostics;
    std::size_t made = 0;
    for (std::size_t i = 1; i <= 1500; ++i) {
        diagnostics.error(i, 1, [&made] {
            ++made;
            return std::string("x");
        });
    }
    const auto all = diagnostics.take();
    CHECK(made == 1000);
    REQUIRE(all.size() == 1001);
    CHECK(all.back().text == "500 more errors");
    CHECK_FALSE(good(all));
}

TEST_CASE("the mistakes of one line come in the order of their columns, those without a place last") {
    Diagnostics diagnostics;
    diagnostics.warning(0, 0, "no place");
    diagnostics.warning(7, 12, "behind");
    diagnostics.warning(7, 3, "ahead");
    diagnostics.warning(2, 40, "first");
    std::vector<std::string> texts;
    for (const Diagnostic& diagnostic : diagnostics.take()) texts.push_back(diagnostic.text);
    CHECK(texts == std::vector<std::string>{"first", "ahead", "behind", "no place"});
}

TEST_CASE("what is about another file names it, behind all that is about the one that is read") {
    using enum Diagnostic::Severity;
    std::vector<Diagnostic> all{
        {error, 2, 1, "b", "/b"}, {error, 0, 0, "none"}, {error, 7, 3, "own"}, {warning, 0, 0, "a", "/a"}, {error, 1, 1, "b1", "/b"}};
    sort_by_place(all);
    std::vector<std::string> texts;
    for (const Diagnostic& diagnostic : all) texts.push_back(text_of(diagnostic, "F"));
    CHECK(texts ==
          std::vector<std::string>{"F:7:3: error: own", "F: error: none", "/a: warning: a", "/b:1:1: error: b1", "/b:2:1: error: b"});
}

}  // namespace
}  // namespace banken
