// SPDX-License-Identifier: Apache-2.0
#include "common/segment_codec.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "common/resource_record.hpp"

namespace banken {
namespace {

static_assert(std::endian::native == std::endian::little, "the segment is little-endian and copied as it is");

using Words = std::vector<std::uint64_t>;
constexpr std::uint64_t latest_time = (std::uint64_t{1} << 62) - 1;  // the sum of two does not overflow
constexpr std::uint64_t largest_pid = 1u << 22;                      // PID_MAX_LIMIT

// How many words a value takes, how it becomes words, and back. `from` returns whether the words can be such a value.
template <class T>
struct Coding;

constexpr std::uint64_t enumerators(EntryState) { return entry_states; }
constexpr std::uint64_t enumerators(EntryWait) { return entry_waits; }
constexpr std::uint64_t enumerators(EntryReason) { return entry_reasons; }
constexpr std::uint64_t enumerators(RetryOverAction) { return static_cast<std::uint64_t>(RetryOverAction::hold) + 1; }
constexpr std::uint64_t enumerators(Life) { return lives; }
constexpr std::uint64_t enumerators(Busy) { return busies; }
constexpr std::uint64_t enumerators(ScriptRecord::Kind) { return script_kinds; }
constexpr std::uint64_t enumerators(EndingPhase) { return endings; }
constexpr std::uint64_t enumerators(ResourceEnd) { return resource_ends; }
constexpr std::uint64_t enumerators(ResourceState) { return resource_states; }
constexpr std::uint64_t enumerators(Goal) { return static_cast<std::uint64_t>(Goal::recover) + 1; }
constexpr std::uint64_t enumerators(Report) { return reports; }

template <class T>
constexpr std::uint64_t most_of() {
    if constexpr (std::is_enum_v<T>) {
        return enumerators(T{}) - 1;
    } else if constexpr (std::is_same_v<T, pid_t>) {
        return largest_pid;
    } else {
        return std::numeric_limits<T>::max();
    }
}

template <class T>
requires(std::is_enum_v<T> || std::is_integral_v<T>) struct Coding<T> {
    static constexpr std::size_t width = 1;
    static void to(std::uint64_t* words, const T& value) { *words = static_cast<std::uint64_t>(value); }
    static bool from(const std::uint64_t* words, T& value) {
        value = static_cast<T>(*words);
        return *words <= most_of<T>();
    }
};

template <>
struct Coding<Duration> {
    static constexpr std::size_t width = 1;
    static void to(std::uint64_t* words, const Duration& value) {
        *words = static_cast<std::uint64_t>(std::clamp(value.count(), Duration::rep{0}, static_cast<Duration::rep>(latest_time)));
    }
    static bool from(const std::uint64_t* words, Duration& value) {
        value = Duration(*words & latest_time);
        return *words <= latest_time;
    }
};

template <class Clock>
struct Coding<std::chrono::time_point<Clock, Duration>> {
    using T = std::chrono::time_point<Clock, Duration>;
    static constexpr std::size_t width = 1;
    static void to(std::uint64_t* words, const T& value) { Coding<Duration>::to(words, value.time_since_epoch()); }
    static bool from(const std::uint64_t* words, T& value) {
        Duration since{};
        const bool good = Coding<Duration>::from(words, since);
        value = T(since);
        return good;
    }
};

template <class T>
struct Coding<std::optional<T>> {
    static constexpr std::size_t width = 1 + Coding<T>::width;
    static void to(std::uint64_t* words, const std::optional<T>& value) {
        words[0] = value ? 1 : 0;
        if (value) Coding<T>::to(words + 1, *value);
    }
    static bool from(const std::uint64_t* words, std::optional<T>& value) {
        value.reset();
        if (words[0] == 0) return true;
        return words[0] == 1 && Coding<T>::from(words + 1, value.emplace());
    }
};

template <>
struct Coding<std::array<std::uint64_t, 2>> {
    static constexpr std::size_t width = 2;
    static void to(std::uint64_t* words, const std::array<std::uint64_t, 2>& value) { std::copy(value.begin(), value.end(), words); }
    static bool from(const std::uint64_t* words, std::array<std::uint64_t, 2>& value) {
        std::copy_n(words, width, value.begin());
        return true;
    }
};

template <>
struct Coding<ProcessId> {
    static constexpr std::size_t width = 2;
    static void to(std::uint64_t* words, const ProcessId& value) {
        Coding<pid_t>::to(words, value.pid);
        words[1] = value.start;
    }
    static bool from(const std::uint64_t* words, ProcessId& value) {
        value.start = words[1];
        return Coding<pid_t>::from(words, value.pid);
    }
};

template <>
struct Coding<Cause> {
    static constexpr std::size_t width = 2;
    static void to(std::uint64_t* words, const Cause& value) {
        words[0] = static_cast<std::uint64_t>(value.kind);
        words[1] = static_cast<std::uint32_t>(value.status);
    }
    static bool from(const std::uint64_t* words, Cause& value) {
        if (words[0] > static_cast<std::uint64_t>(Cause::Kind::not_asked) || words[1] > 0xffff) return false;
        value = {static_cast<Cause::Kind>(words[0]), static_cast<int>(words[1])};
        return true;
    }
};

template <>
struct Coding<RetryWindow> {
    static constexpr std::size_t width = 4;
    static void to(std::uint64_t* words, const RetryWindow& value) {
        Coding<std::optional<Instant>>::to(words, value.first);
        Coding<WallTime>::to(words + 2, value.first_wall);
        words[3] = value.count;
    }
    static bool from(const std::uint64_t* words, RetryWindow& value) {
        return Coding<std::optional<Instant>>::from(words, value.first) && Coding<WallTime>::from(words + 2, value.first_wall) &&
               Coding<unsigned>::from(words + 3, value.count);
    }
};

template <class Record, class Value>
constexpr std::size_t width_of(const Field<Record, Value>&) {
    return Coding<Value>::width;
}

// Where the last field ends when each begins where the one before ends; 0 when one does not.
template <class Record>
constexpr std::size_t end_of_fields(std::size_t first) {
    return std::apply(
        [first](const auto&... field) {
            std::size_t next = first;
            bool good = true;
            ((good = good && field.word == next, next += width_of(field)), ...);
            return good ? next : 0;
        },
        Form<Record>::fields);
}

// A part of a record that is a form of its own, without texts.
template <class Part>
requires requires { Form<Part>::fields; }
struct Coding<Part> {
    static constexpr std::size_t width = end_of_fields<Part>(0);
    static void to(std::uint64_t* words, const Part& value) {
        std::apply([&](const auto&... field) { (put(words + field.word, value.*field.member), ...); }, Form<Part>::fields);
    }
    static bool from(const std::uint64_t* words, Part& value) {
        return std::apply([&](const auto&... field) { return (get(words + field.word, value.*field.member) && ...); }, Form<Part>::fields);
    }

private:
    template <class T>
    static void put(std::uint64_t* words, const T& value) {
        Coding<T>::to(words, value);
    }
    template <class T>
    static bool get(const std::uint64_t* words, T& value) {
        return Coding<T>::from(words, value);
    }
};

// The format as released; a number may only grow, with the minor version.
static_assert(Coding<OwnerRecord>::width == 8);
static_assert(Coding<ScriptRecord>::width == 7);
static_assert(Coding<FileStamp>::width == 3);
static_assert(end_of_fields<HeaderRecord>(1) == 20);
static_assert(end_of_fields<HeartbeatRecord>(1) == 3);
static_assert(end_of_fields<ParamRecord>(1) == 11);
static_assert(end_of_fields<EntryRecord>(1) == 99);
static_assert(Coding<ResourceRunRecord>::width == 11);
static_assert(end_of_fields<ResourceRecord>(1) == 70);
static_assert(end_of_fields<TraceRecord>(1) == 6);

constexpr std::size_t words_for(std::size_t bytes) { return (bytes + 7) / 8; }

void append(Words& words, std::string_view text, std::size_t most) {
    text = text.substr(0, most);
    const std::size_t place = words.size();
    words.resize(place + 1 + words_for(text.size()));
    words[place] = text.size();
    if (!text.empty()) std::memcpy(&words[place + 1], text.data(), text.size());
}

void append(Words& words, const std::vector<ProcessId>& processes, std::size_t most) {
    const std::size_t count = std::min(processes.size(), most / 16);
    std::size_t place = words.size();
    words.resize(place + 1 + 2 * count);
    words[place++] = 16 * count;
    for (std::size_t i = 0; i < count; ++i, place += 2) Coding<ProcessId>::to(&words[place], processes[i]);
}

void append(Words& words, const std::vector<Instant>& instants, std::size_t most) {
    const std::size_t count = std::min(instants.size(), most / 8);
    words.push_back(8 * count);
    for (std::size_t i = 0; i < count; ++i) Coding<Instant>::to(&words.emplace_back(), instants[i]);
}

void take(std::span<const std::uint64_t> words, std::size_t bytes, std::string& text) {
    text.assign(reinterpret_cast<const char*>(words.data()), bytes);
}

bool take(std::span<const std::uint64_t> words, std::size_t bytes, std::vector<ProcessId>& processes) {
    for (std::size_t place = 0; place + 1 < bytes / 8; place += 2) {
        if (!Coding<ProcessId>::from(&words[place], processes.emplace_back())) return false;
    }
    return bytes % 16 == 0;
}

bool take(std::span<const std::uint64_t> words, std::size_t bytes, std::vector<Instant>& instants) {
    for (std::size_t place = 0; place < bytes / 8; ++place) {
        if (!Coding<Instant>::from(&words[place], instants.emplace_back())) return false;
    }
    return bytes % 8 == 0;
}

// Reads one record from its first word to its last. Remembers the first word that cannot be.
class Decoder {
public:
    explicit Decoder(std::span<const std::uint64_t> words) : words_(words) {
        const std::size_t used = words.empty() ? 0 : words[0] >> 32;
        fixed_ = words.empty() ? 0 : words[0] & 0xffffffff;
        if (fixed_ == 0 || used < fixed_ || used > words.size()) {
            fail_at(0);
            return;
        }
        words_ = words.first(used);
        next_ = fixed_;
    }

    template <class T>
    void field(std::size_t word, T& value) {
        if (bad_ || word + Coding<T>::width > fixed_) return;  // an older writer does not know it
        if (!Coding<T>::from(&words_[word], value)) fail_at(word);
    }

    template <class T>
    void text(std::size_t most, T& value) {
        if (bad_ || next_ >= words_.size()) return;
        const std::uint64_t bytes = words_[next_];
        const std::size_t place = next_ + 1;
        if (bytes > most || words_for(bytes) > words_.size() - place) return fail_at(next_);
        if constexpr (std::is_same_v<T, std::string>) {
            take(words_.subspan(place), bytes, value);
        } else if (!take(words_.subspan(place), bytes, value)) {
            return fail_at(place);
        }
        next_ = place + words_for(bytes);
    }

    [[nodiscard]] std::optional<std::size_t> bad() const { return bad_; }

private:
    void fail_at(std::size_t word) { bad_ = word; }

    std::span<const std::uint64_t> words_;
    std::size_t fixed_ = 0, next_ = 0;
    std::optional<std::size_t> bad_;
};

}  // namespace

template <class Record>
std::vector<std::uint64_t> encode(const Record& record) {
    constexpr std::size_t fixed = end_of_fields<Record>(1);
    Words words(fixed);
    std::apply(
        [&](const auto&... field) {
            ((Coding<std::remove_cvref_t<decltype(record.*field.member)>>::to(&words[field.word], record.*field.member)), ...);
        },
        Form<Record>::fields);
    std::apply([&](const auto&... text) { (append(words, record.*text.member, text.most), ...); }, Form<Record>::texts);
    words[0] = fixed | std::uint64_t{words.size()} << 32;
    return words;
}

template <class Record>
Result<Record> decode(std::span<const std::uint64_t> words) {
    Record record;
    Decoder decoder(words);
    std::apply([&](const auto&... field) { (decoder.field(field.word, record.*field.member), ...); }, Form<Record>::fields);
    std::apply([&](const auto&... text) { (decoder.text(text.most, record.*text.member), ...); }, Form<Record>::texts);
    if (decoder.bad()) return fail("word {} of the record is damaged", *decoder.bad());
    return record;
}

template <class Record>
std::size_t longest() {
    return std::apply([](const auto&... text) { return (end_of_fields<Record>(1) + ... + (1 + words_for(text.most))); },
                      Form<Record>::texts);
}

template std::vector<std::uint64_t> encode(const HeaderRecord&);
template std::vector<std::uint64_t> encode(const HeartbeatRecord&);
template std::vector<std::uint64_t> encode(const ParamRecord&);
template std::vector<std::uint64_t> encode(const EntryRecord&);
template std::vector<std::uint64_t> encode(const ResourceRecord&);
template std::vector<std::uint64_t> encode(const TraceRecord&);
template Result<HeaderRecord> decode(std::span<const std::uint64_t>);
template Result<HeartbeatRecord> decode(std::span<const std::uint64_t>);
template Result<ParamRecord> decode(std::span<const std::uint64_t>);
template Result<EntryRecord> decode(std::span<const std::uint64_t>);
template Result<ResourceRecord> decode(std::span<const std::uint64_t>);
template Result<TraceRecord> decode(std::span<const std::uint64_t>);
template std::size_t longest<HeaderRecord>();
template std::size_t longest<HeartbeatRecord>();
template std::size_t longest<ParamRecord>();
template std::size_t longest<EntryRecord>();
template std::size_t longest<ResourceRecord>();
template std::size_t longest<TraceRecord>();

}  // namespace banken
