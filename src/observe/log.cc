#include "observe/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "observe/escape.h"
#include "observe/log_writer.h"

namespace vg::log {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

spdlog::level::level_enum to_spdlog(Level level) {
  constexpr std::array kLevels = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};
  return kLevels[static_cast<size_t>(level)];
}

/// Our own name of a level: spdlog says "warning" where the configuration says "warn".
class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    std::string_view name = kLevelNames.back();
    for (size_t i = 0; i < kLevelNames.size(); ++i) {
      if (to_spdlog(static_cast<Level>(i)) == message.level) name = kLevelNames[i];
    }
    out.append(name.data(), name.data() + name.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<LevelFlag>(); }
};

using Escape = void (*)(std::string&, std::string_view);

class MessageFlag final : public spdlog::custom_flag_formatter {
 public:
  explicit MessageFlag(Escape escape) : escape_(escape) {}
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    std::string text;
    escape_(text, {message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<MessageFlag>(escape_); }

 private:
  Escape escape_;
};

std::unique_ptr<spdlog::formatter> make_formatter(Format format) {
  auto out = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
  const bool json = format == Format::kJson;
  out->add_flag<LevelFlag>('K').add_flag<MessageFlag>('J', json ? observe::append_json : observe::append_message);
  out->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%K","message":"%J"})"
                        : "%Y-%m-%dT%H:%M:%S.%eZ %K %J");
  return out;
}

void write_to_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nowhere is left to say so
    line.remove_prefix(static_cast<size_t>(n));
  }
}

class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// The writer that stood before, for the caller to let go of outside the lock: its end may take a second.
  std::shared_ptr<observe::LogWriter> exchange(std::shared_ptr<observe::LogWriter> writer) {
    const std::lock_guard lock(mutex_);
    return std::exchange(writer_, std::move(writer));
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    const std::string_view text(line.data(), line.size());
    if (writer_) {
      writer_->append_error(text);
    } else {
      write_to_stderr(text);
    }
  }
  void flush_() override {}

 private:
  std::shared_ptr<observe::LogWriter> writer_;
};

struct Logger {
  std::shared_ptr<LineSink> sink = std::make_shared<LineSink>();
  spdlog::logger logger{"viewgate", sink};
  std::atomic<Level> level{Level::kInfo};

  Logger() {
    sink->set_formatter(make_formatter(Format::kText));
    logger.set_level(spdlog::level::trace);  // enabled() has decided
  }
};

/// Never destroyed: threads may log until the very end of the process.
Logger& instance() {
  static Logger& logger = *new Logger;
  return logger;
}

template <typename T>
void append_number(std::string& out, T value) {
  std::array<char, 32> buffer;
  const auto [end, ec] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end);
}

}  // namespace

std::string_view to_string(Level level) { return kLevelNames[static_cast<size_t>(level)]; }

std::optional<Level> parse_level(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<Level>(i);
  }
  return std::nullopt;
}

std::optional<Format> parse_format(std::string_view name) {
  if (name == "text") return Format::kText;
  if (name == "json") return Format::kJson;
  return std::nullopt;
}

void configure(Level level, Format format) {
  instance().level.store(level, std::memory_order_relaxed);
  instance().sink->set_formatter(make_formatter(format));
}

void attach(std::shared_ptr<observe::LogWriter> writer) { instance().sink->exchange(std::move(writer)); }

bool enabled(Level level) { return level >= instance().level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view message) {
  if (!enabled(level)) return;
  instance().logger.log(to_spdlog(level), spdlog::string_view_t(message.data(), message.size()));
}

namespace detail {

void append_part(std::string& out, std::string_view text) { out += text; }
void append_part(std::string& out, bool value) { out += value ? "true" : "false"; }
void append_part(std::string& out, char value) { out += value; }
void append_part(std::string& out, int64_t value) { append_number(out, value); }
void append_part(std::string& out, uint64_t value) { append_number(out, value); }
void append_part(std::string& out, double value) { append_number(out, value); }

void append_part(std::string& out, const Error& error) {
  out += to_string(error.kind);
  if (!error.detail.empty()) out.append(": ").append(error.detail);
  if (!error.internal.empty()) out.append(" (").append(error.internal).append(")");
}

}  // namespace detail
}  // namespace vg::log
