// SPDX-License-Identifier: Apache-2.0
// A directory of a test's own, removed with all in it.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace banken::test {

class TemporaryDirectory {
public:
    TemporaryDirectory() { REQUIRE(::mkdtemp(path_.data())); }
    TemporaryDirectory(TemporaryDirectory&&) = delete;
    TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + '/' + name; }

private:
    std::string path_ = (std::filesystem::temp_directory_path() / "banken.XXXXXX").string();
};

}  // namespace banken::test
