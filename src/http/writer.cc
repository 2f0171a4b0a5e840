#include "http/writer.h"

#include <array>
#include <charconv>
#include <cstring>
#include <ctime>

#include "base/strings.h"

namespace vg::http {
namespace {

constexpr size_t kDateSize = 29;

void put2(char* at, int value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
}

// Writes kDateSize bytes. Years of four digits; others can't be said in this form.
void format_date(char* out, int64_t unix_seconds) {
  constexpr char kDays[] = "SunMonTueWedThuFriSat";
  constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto t = static_cast<time_t>(unix_seconds);
  tm parts{};
  gmtime_r(&t, &parts);
  std::memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", kDateSize);
  std::memcpy(out, kDays + 3 * parts.tm_wday, 3);
  put2(out + 5, parts.tm_mday);
  std::memcpy(out + 8, kMonths + 3 * parts.tm_mon, 3);
  const int year = parts.tm_year + 1900;
  put2(out + 12, year / 100 % 100);
  put2(out + 14, year % 100);
  put2(out + 17, parts.tm_hour);
  put2(out + 20, parts.tm_min);
  put2(out + 23, parts.tm_sec);
}

struct Phrase {
  int status;
  std::string_view text;
};

constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

constexpr auto kPhraseTable = [] {
  std::array<std::string_view, 512> table{};
  for (const Phrase& p : kPhrases) table[static_cast<size_t>(p.status)] = p.text;
  return table;
}();

}  // namespace

std::string_view reason_phrase(int status) {
  if (status < 0 || static_cast<size_t>(status) >= kPhraseTable.size()) return "Unknown";
  const std::string_view text = kPhraseTable[static_cast<size_t>(status)];
  return text.empty() ? "Unknown" : text;
}

void append_status_line(std::string& out, int status) { append_status_line(out, status, reason_phrase(status)); }

void append_status_line(std::string& out, int status, std::string_view reason) {
  if (status == 200 && reason == "OK") {
    out.append(std::string_view("HTTP/1.1 200 OK\r\n"));
    return;
  }
  char line[] = "HTTP/1.1 200 ";
  line[9] = static_cast<char>('0' + status / 100 % 10);
  put2(line + 10, status % 100);
  append_all(out, {std::string_view(line, sizeof line - 1), reason, "\r\n"});
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  const size_t at = out.size();
  out.resize(at + name.size() + value.size() + 4);
  char* p = out.data() + at;
  std::memcpy(p, name.data(), name.size());
  p += name.size();
  *p++ = ':';
  *p++ = ' ';
  if (!value.empty()) std::memcpy(p, value.data(), value.size());
  p += value.size();
  *p++ = '\r';
  *p = '\n';
}

void append_field(std::string& out, std::string_view name, uint64_t value) {
  std::array<char, 20> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  append_field(out, name, std::string_view(digits.data(), static_cast<size_t>(end - digits.data())));
}

void append_imf_date(std::string& out, int64_t unix_seconds) {
  std::array<char, kDateSize> text{};
  format_date(text.data(), unix_seconds);
  out.append(text.data(), text.size());
}

std::string_view DateCache::get(int64_t unix_seconds) {
  struct Cached {
    int64_t second = -1;
    std::array<char, kDateSize> text{};
  };
  thread_local Cached cached;
  if (cached.second != unix_seconds) {
    format_date(cached.text.data(), unix_seconds);
    cached.second = unix_seconds;
  }
  return {cached.text.data(), cached.text.size()};
}

}  // namespace vg::http
