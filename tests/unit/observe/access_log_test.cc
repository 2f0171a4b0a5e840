#include "observe/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/observe/json_line.h"

namespace vg::observe {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kSomeMillis = 1795373667123;  // 2026-11-22T18:54:27.123Z

WallTime wall(int64_t millis) { return WallTime(std::chrono::milliseconds(millis)); }

AccessRecord small_record() {
  AccessRecord r;
  r.time = wall(kSomeMillis);
  r.client_ip = "127.0.0.1";
  r.method = "GET";
  r.target = "/small?page=2";
  r.protocol = "HTTP/1.1";
  r.status = 200;
  r.bytes_out = 312;
  r.duration = 1234567ns;
  r.route = "small";
  return r;
}

AccessRecord full_record() {
  AccessRecord r = small_record();
  r.bytes_in = 17;
  r.upstream = "catalog";
  r.upstream_connect = 0ns;
  r.upstream_first_byte = 1100us;
  r.attempts = 2;
  r.request_id = "0af7651916cd43dd";
  r.cache = "miss";
  r.degraded = "reviews;reason=timeout";
  r.error = "client_gone";
  r.user_agent = "curl/8 \"x\"";
  r.referer = "http://a/b";
  return r;
}

std::string line(const AccessRecord& r, log::Format format = log::Format::kText,
                 const std::vector<std::string>& redact = {}) {
  std::string out;
  AccessFormatter(format, redact).append(r, out);
  return out;
}

TEST(AccessFormatter, TextShowsRouteStatusSizeAndDuration) {
  EXPECT_EQ(line(small_record()),
            "2026-11-22T18:54:27.123Z 127.0.0.1 \"GET /small?page=2 HTTP/1.1\" 200 312B 1.234ms route=small\n");
}

TEST(AccessFormatter, TextShowsAllThatIsKnown) {
  EXPECT_EQ(
      line(full_record()),
      "2026-11-22T18:54:27.123Z 127.0.0.1 \"GET /small?page=2 HTTP/1.1\" 200 312B 1.234ms in=17 route=small "
      "upstream=catalog connect=0.000ms first_byte=1.100ms attempts=2 id=0af7651916cd43dd cache=miss "
      "degraded=\"reviews;reason=timeout\" error=client_gone referer=http://a/b user_agent=\"curl/8 \\\"x\\\"\"\n");
}

TEST(AccessFormatter, AnEmptyRecordKeepsItsColumns) {
  EXPECT_EQ(line(AccessRecord{}), "1970-01-01T00:00:00.000Z - \"- - -\" 0 0B 0.000ms\n");
}

TEST(AccessFormatter, JsonShowsAllThatIsKnown) {
  std::string text = line(full_record(), log::Format::kJson);
  EXPECT_EQ(text.back(), '\n');
  text.pop_back();
  const std::map<std::string, std::string> expected = {{"time", "2026-11-22T18:54:27.123Z"},
                                                       {"client_ip", "127.0.0.1"},
                                                       {"method", "GET"},
                                                       {"target", "/small?page=2"},
                                                       {"protocol", "HTTP/1.1"},
                                                       {"status", "200"},
                                                       {"bytes_in", "17"},
                                                       {"bytes_out", "312"},
                                                       {"duration_ms", "1.234"},
                                                       {"route", "small"},
                                                       {"upstream", "catalog"},
                                                       {"connect_ms", "0.000"},
                                                       {"first_byte_ms", "1.100"},
                                                       {"attempts", "2"},
                                                       {"request_id", "0af7651916cd43dd"},
                                                       {"cache", "miss"},
                                                       {"degraded", "reviews;reason=timeout"},
                                                       {"error", "client_gone"},
                                                       {"user_agent", "curl/8 \"x\""},
                                                       {"referer", "http://a/b"}};
  EXPECT_EQ(JsonLine::parse(text), expected) << text;
}

TEST(AccessFormatter, NoByteOfAClientBreaksTheLine) {
  for (int c = 0; c < 256; ++c) {
    const std::string hostile = "/a" + std::string(1, static_cast<char>(c)) + "\" 200 \"b";
    AccessRecord r = full_record();
    r.target = r.method = r.protocol = r.request_id = r.user_agent = r.referer = r.route = hostile;
    const std::string text = line(r);
    EXPECT_EQ(text.find('\n'), text.size() - 1) << "byte " << c;
    for (const char o : text.substr(0, text.size() - 1)) EXPECT_TRUE(o >= 0x20 && o < 0x7f) << "byte " << c;
    EXPECT_THAT(text, testing::HasSubstr("\\\" 200 \\\"b"));

    std::string json = line(r, log::Format::kJson);
    EXPECT_EQ(json.find('\n'), json.size() - 1) << "byte " << c;
    json.pop_back();
    const auto members = JsonLine::parse(json);
    EXPECT_TRUE(members.has_value()) << json;
    if (c < 0x80 && members) {
      EXPECT_EQ(members->at("target"), hostile);
    }
  }
}

TEST(AccessFormatter, RedactsTheHeadersThatAreLogged) {
  const std::vector<std::string> redact = {"authorization", "User-Agent", "referer"};
  const std::string text = line(full_record(), log::Format::kText, redact);
  EXPECT_THAT(text, testing::HasSubstr("referer=\"[redacted]\" user_agent=\"[redacted]\""));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("curl")));
  const std::string json = line(full_record(), log::Format::kJson, redact);
  EXPECT_THAT(json, testing::HasSubstr("\"user_agent\":\"[redacted]\""));
  EXPECT_THAT(line(small_record(), log::Format::kText, redact), testing::Not(testing::HasSubstr("redacted")));
}

TEST(AccessFormatter, TimestampsFollowTheClockBothWays) {
  AccessFormatter formatter(log::Format::kText, {});
  AccessRecord r;
  const auto at = [&](int64_t millis) {
    std::string out;
    r.time = wall(millis);
    formatter.append(r, out);
    return out.substr(0, 24);
  };
  EXPECT_EQ(at(kSomeMillis), "2026-11-22T18:54:27.123Z");
  EXPECT_EQ(at(kSomeMillis + 7), "2026-11-22T18:54:27.130Z");
  EXPECT_EQ(at(kSomeMillis + 877), "2026-11-22T18:54:28.000Z");
  EXPECT_EQ(at(kSomeMillis - 124), "2026-11-22T18:54:26.999Z");
  EXPECT_EQ(at(1709251199999), "2024-02-29T23:59:59.999Z");
  EXPECT_EQ(at(1709251200000), "2024-03-01T00:00:00.000Z");
  EXPECT_EQ(at(-1), "1969-12-31T23:59:59.999Z");
}

TEST(AccessLog, WritesLinesIntoItsRing) {
  const auto ring = std::make_shared<AccessRing>(256, std::make_shared<WakeSignal>());
  AccessLog log(ring, log::Format::kText, {});
  EXPECT_TRUE(log.write(small_record()));
  EXPECT_EQ(ring->peek().first, line(small_record()));
  EXPECT_TRUE(log.write(small_record()));
  EXPECT_FALSE(log.write(small_record())) << "the ring is full";
  EXPECT_EQ(ring->dropped(), 1u);
}

}  // namespace
}  // namespace vg::observe
