// SPDX-License-Identifier: Apache-2.0
#include "common/sys/clock.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <ctime>

#include "common/text.hpp"

namespace banken::sys {
namespace {

// USER_HZ, in which /proc counts on every architecture that we know, whatever the kernel's own tick is.
constexpr Duration tick = std::chrono::milliseconds(10);

Duration read_clock(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);  // cannot fail for these clocks
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::tm local_time(WallTime time) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return local;
}

}  // namespace

Now read_now() { return {read_instant(), WallTime(read_clock(CLOCK_REALTIME)), static_cast<BootTicks>(read_clock(CLOCK_BOOTTIME) / tick)}; }

Instant read_instant() { return Instant(read_clock(CLOCK_MONOTONIC)); }

void sleep_for(Duration duration) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
    const timespec time{.tv_sec = seconds.count(), .tv_nsec = (duration - seconds).count()};
    ::nanosleep(&time, nullptr);
}

std::string local_time_text(WallTime time) {
    const std::tm local = local_time(time);
    std::array<char, 64> text{};
    ::asctime_r(&local, text.data());  // unlike strftime it knows no locale; it ends with a newline
    std::string line(text.data());
    if (line.ends_with('\n')) line.pop_back();
    return line;
}

Result<WallTime> time_of_digits(const std::string& digits) {
    std::tm local{};
    local.tm_isdst = -1;
    const bool all_digits = digits.size() == 12 && digits.find_first_not_of("0123456789") == std::string::npos;
    const char* const end = all_digits ? ::strptime(digits.c_str(), "%y%m%d%H%M%S", &local) : nullptr;
    const std::tm read = local;
    const std::time_t seconds = std::mktime(&local);  // of the 30th of February it makes the 2nd of March
    if (end == nullptr || *end != '\0' || local.tm_mday != read.tm_mday)
        return fail("{} is no time, YYMMDDHHMMSS expected", quoted(digits));
    return WallTime(std::chrono::seconds(seconds));
}

std::string rfc3339_text(WallTime time) {
    const std::tm local = local_time(time);
    const long minutes = std::labs(local.tm_gmtoff) / 60;
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                       local.tm_hour, local.tm_min, local.tm_sec, local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

}  // namespace banken::sys
