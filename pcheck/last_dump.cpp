// SPDX-License-Identifier: Apache-2.0
#include "pcheck/last_dump.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/segment_reader.hpp"
#include "common/sys/file.hpp"
#include "common/sys/trust.hpp"
#include "pcheck/resource_records.hpp"

namespace banken {

Result<core::RecordedStates> last_dump(const std::string& path, const std::string& pfile) {
    constexpr std::size_t largest = 512u << 20;
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return core::RecordedStates();
    if (auto trusted = sys::check_trust(path, sys::TrustKind::file, ::geteuid()); !trusted) return Failure(trusted.error());
    const auto bytes = sys::read_file(path, largest);
    if (!bytes) return Failure(bytes.error());
    std::vector<std::uint64_t> words(bytes->size() / sizeof(std::uint64_t));
    std::memcpy(words.data(), bytes->data(), words.size() * sizeof(std::uint64_t));
    const auto reader = SegmentReader::open(words);
    if (!reader) return Failure(reader.error().in(path));
    const auto header = reader->header();
    if (!header) return Failure(header.error().in(path));
    if (header->pfile != pfile) return core::RecordedStates();
    const auto resources = reader->resources();
    if (!resources) return Failure(resources.error().in(path));
    return recorded_states(*resources);
}

}  // namespace banken
