// The error log: what the gateway has to say about itself. A thin front over spdlog, which stays out of this header.
// Lines are `2026-11-22T18:54:27.123Z info message`, or one JSON object a line; whatever a message contains, it stays
// one line. Until a LogWriter is attached (commands, early start) lines go straight to stderr; from then on they go
// through the writer's bounded queue, so that a full pipe never blocks an event loop.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace vg {
struct Error;
}

namespace vg::observe {
class LogWriter;
}

namespace vg::log {

enum class Level : uint8_t { kDebug, kInfo, kWarn, kError };
enum class Format : uint8_t { kText, kJson };

std::string_view to_string(Level level);
/// The names of the configuration: debug, info, warn, error; text, json.
std::optional<Level> parse_level(std::string_view name);
std::optional<Format> parse_format(std::string_view name);

/// Sets what is logged, and how. Thread: any; takes effect on the next line. Defaults: info, text.
void configure(Level level, Format format);
/// Sends lines through `writer` from now on; nullptr: straight to stderr again. Thread: any.
void attach(std::shared_ptr<observe::LogWriter> writer);

bool enabled(Level level);
/// Writes one line. Control characters are escaped. Thread: any; never blocks once a writer is attached.
void write(Level level, std::string_view message);

namespace detail {
void append_part(std::string& out, std::string_view text);
void append_part(std::string& out, bool value);
void append_part(std::string& out, char value);
void append_part(std::string& out, int64_t value);
void append_part(std::string& out, uint64_t value);
void append_part(std::string& out, double value);
void append_part(std::string& out, const Error& error);

template <typename T>
void append_any(std::string& out, const T& part) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, char> || std::is_same_v<T, Error>) {
    append_part(out, part);
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    append_part(out, static_cast<int64_t>(part));
  } else if constexpr (std::is_integral_v<T>) {
    append_part(out, static_cast<uint64_t>(part));
  } else if constexpr (std::is_floating_point_v<T>) {
    append_part(out, static_cast<double>(part));
  } else {
    append_part(out, std::string_view(part));
  }
}
}  // namespace detail

/// Joins text, numbers, booleans and Errors (kind, detail and internal) into one string.
template <typename... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (detail::append_any(out, parts), ...);
  return out;
}

/// log::info("listening on ", address, " with ", workers, " workers"): the parts are only joined if the level is on.
template <typename... Parts>
void debug(const Parts&... parts) {
  if (enabled(Level::kDebug)) write(Level::kDebug, cat(parts...));
}
template <typename... Parts>
void info(const Parts&... parts) {
  if (enabled(Level::kInfo)) write(Level::kInfo, cat(parts...));
}
template <typename... Parts>
[[gnu::cold]] void warn(const Parts&... parts) {
  if (enabled(Level::kWarn)) write(Level::kWarn, cat(parts...));
}
template <typename... Parts>
[[gnu::cold]] void error(const Parts&... parts) {
  if (enabled(Level::kError)) write(Level::kError, cat(parts...));
}

}  // namespace vg::log
