#include "http/head.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/strings.h"
#include "http/chars.h"
#include "http/scan.h"
#include "unit/http/head_feed.h"

namespace vg::http {
namespace {

const std::map<std::string, FieldId> kNames = {
    {"accept", FieldId::kAccept},
    {"accept-encoding", FieldId::kAcceptEncoding},
    {"authorization", FieldId::kAuthorization},
    {"cache-control", FieldId::kCacheControl},
    {"connection", FieldId::kConnection},
    {"content-encoding", FieldId::kContentEncoding},
    {"content-length", FieldId::kContentLength},
    {"content-type", FieldId::kContentType},
    {"cookie", FieldId::kCookie},
    {"date", FieldId::kDate},
    {"etag", FieldId::kEtag},
    {"expect", FieldId::kExpect},
    {"forwarded", FieldId::kForwarded},
    {"host", FieldId::kHost},
    {"if-match", FieldId::kIfMatch},
    {"if-none-match", FieldId::kIfNoneMatch},
    {"keep-alive", FieldId::kKeepAlive},
    {"location", FieldId::kLocation},
    {"origin", FieldId::kOrigin},
    {"proxy-authenticate", FieldId::kProxyAuthenticate},
    {"proxy-authorization", FieldId::kProxyAuthorization},
    {"proxy-connection", FieldId::kProxyConnection},
    {"retry-after", FieldId::kRetryAfter},
    {"server", FieldId::kServer},
    {"set-cookie", FieldId::kSetCookie},
    {"te", FieldId::kTe},
    {"traceparent", FieldId::kTraceparent},
    {"trailer", FieldId::kTrailer},
    {"transfer-encoding", FieldId::kTransferEncoding},
    {"upgrade", FieldId::kUpgrade},
    {"user-agent", FieldId::kUserAgent},
    {"vary", FieldId::kVary},
    {"via", FieldId::kVia},
    {"www-authenticate", FieldId::kWwwAuthenticate},
    {"x-forwarded-for", FieldId::kXForwardedFor},
    {"x-forwarded-host", FieldId::kXForwardedHost},
    {"x-forwarded-proto", FieldId::kXForwardedProto},
    {"age", FieldId::kAge},
    {"cache-status", FieldId::kCacheStatus},
    {"cdn-cache-control", FieldId::kCdnCacheControl},
    {"content-range", FieldId::kContentRange},
    {"expires", FieldId::kExpires},
    {"if-modified-since", FieldId::kIfModifiedSince},
    {"if-range", FieldId::kIfRange},
    {"if-unmodified-since", FieldId::kIfUnmodifiedSince},
    {"last-modified", FieldId::kLastModified},
    {"pragma", FieldId::kPragma},
    {"range", FieldId::kRange},
    {"x-request-id", FieldId::kXRequestId},
};

TEST(FieldIdOf, EveryIdHasItsNameInAnyCase) {
  std::set<FieldId> seen;
  for (const auto& [name, id] : kNames) {
    std::string upper = name;
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    EXPECT_EQ(field_id(name), id) << name;
    EXPECT_EQ(field_id(upper), id) << upper;
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(FieldId::kCount) - 1);
}

TEST(FieldIdOf, NoOtherByteInAnyPlaceIsTakenForANamesOwn) {
  for (const auto& [name, id] : kNames) {
    for (size_t i = 0; i < name.size(); ++i) {
      for (unsigned c = 0; c < 256; ++c) {
        std::string other = name;
        other[i] = static_cast<char>(c);
        const FieldId expected = iequals(other, name) ? id : FieldId::kOther;
        if (kNames.contains(lower(other)) && expected == FieldId::kOther) continue;  // another name
        EXPECT_EQ(field_id(other), expected) << other;
      }
    }
  }
}

TEST(FieldIdOf, UnknownNamesOfEveryLengthAreOther) {
  for (size_t n = 0; n < 40; ++n) EXPECT_EQ(field_id(std::string(n, 'q')), FieldId::kOther) << n;
}

TEST(MethodOf, KnowsTheMethodsInTheirOwnCaseAlone) {
  EXPECT_EQ(method_of("GET"), Method::kGet);
  EXPECT_EQ(method_of("HEAD"), Method::kHead);
  EXPECT_EQ(method_of("POST"), Method::kPost);
  EXPECT_EQ(method_of("PUT"), Method::kPut);
  EXPECT_EQ(method_of("PATCH"), Method::kPatch);
  EXPECT_EQ(method_of("DELETE"), Method::kDelete);
  EXPECT_EQ(method_of("OPTIONS"), Method::kOptions);
  EXPECT_EQ(method_of("TRACE"), Method::kTrace);
  EXPECT_EQ(method_of("CONNECT"), Method::kConnect);
  for (const char* text : {"", "get", "Get", "GETS", "PURGE", "QUERY", "OPTION", "DELETED"}) {
    EXPECT_EQ(method_of(text), Method::kOther) << text;
  }
}

class ParsedHead : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(
        test::feed_request(test::with_fields("X-One: first\r\nx-one: second\r\nAccept: a/b\r\nVary: a\r\nVary: b, "
                                             "C ,d\r\n"),
                           test::whole(), {}, &head_)
            .status,
        ParseStatus::kDone);
  }
  RequestHead head_;
};

TEST_F(ParsedHead, GetGivesTheFirstValueByIdOrByNameInAnyCase) {
  EXPECT_EQ(head_.get(FieldId::kAccept), "a/b");
  EXPECT_EQ(head_.get("ACCEPT"), "a/b");
  EXPECT_EQ(head_.get("X-ONE"), "first");
  EXPECT_EQ(head_.get(FieldId::kVary), "a");
  EXPECT_EQ(head_.get("absent"), "");
  EXPECT_EQ(head_.get(FieldId::kCookie), "");
}

TEST_F(ParsedHead, FindTellsAbsentFromPresent) {
  EXPECT_TRUE(head_.has(FieldId::kVary));
  EXPECT_FALSE(head_.has(FieldId::kVia));
  EXPECT_EQ(head_.find(FieldId::kVia), nullptr);
  ASSERT_NE(head_.find(FieldId::kVary), nullptr);
  EXPECT_EQ(head_.value(*head_.find(FieldId::kVary)), "a");
}

TEST_F(ParsedHead, ListHasLooksThroughAllLinesOfTheList) {
  EXPECT_TRUE(head_.list_has(FieldId::kVary, "A"));
  EXPECT_TRUE(head_.list_has(FieldId::kVary, "b"));
  EXPECT_TRUE(head_.list_has(FieldId::kVary, "c"));
  EXPECT_TRUE(head_.list_has(FieldId::kVary, "d"));
  EXPECT_FALSE(head_.list_has(FieldId::kVary, "e"));
  EXPECT_FALSE(head_.list_has(FieldId::kVia, "a"));
}

TEST_F(ParsedHead, ClearEmptiesItAndTheMemoryServesTheNextHead) {
  const char* memory = head_.bytes().data();
  const Field* fields = head_.fields().data();
  head_.clear();
  EXPECT_TRUE(head_.bytes().empty());
  EXPECT_TRUE(head_.fields().empty());
  EXPECT_FALSE(head_.has(FieldId::kVary));
  EXPECT_EQ(head_.method, Method::kOther);
  ASSERT_EQ(test::feed_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", test::whole(), {}, &head_).status,
            ParseStatus::kDone);
  EXPECT_EQ(head_.bytes().data(), memory);
  EXPECT_EQ(head_.fields().data(), fields);
}

// What a scan from `from` gives, as offsets.
std::vector<size_t> controls_of(const std::string& text, size_t from) {
  std::vector<size_t> found;
  ControlScan scan;
  const char* end = text.data() + text.size();
  scan.start(text.data(), text.data() + from, end);
  for (const char* hit = scan.next(); hit != end; hit = scan.next()) {
    found.push_back(static_cast<size_t>(hit - text.data()));
  }
  return found;
}

std::vector<size_t> expected_controls(const std::string& text, size_t from) {
  std::vector<size_t> found;
  for (size_t i = from; i < text.size(); ++i) {
    if (!is_class(text[i], kFieldChar)) found.push_back(i);
  }
  return found;
}

TEST(ControlScan, AgreesWithTheTableForEveryByteAtEveryOffsetAndLength) {
  for (size_t size = 1; size < 150; size += size < 34 ? 1 : 7) {
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      for (unsigned c = 0; c < 256; ++c) {
        text[at] = static_cast<char>(c);
        ASSERT_EQ(controls_of(text, 0), expected_controls(text, 0)) << size << " " << at << " " << c;
      }
    }
  }
}

TEST(ControlScan, FindsAllOfManyFromWhereverItBegins) {
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string text(random() % 300, ' ');
    for (char& c : text) c = random() % 12 == 0 ? static_cast<char>(random() % 256) : 'x';
    const size_t from = text.empty() ? 0 : random() % text.size();
    ASSERT_EQ(controls_of(text, from), expected_controls(text, from));
  }
}

TEST(FindNear, FindsTheFirstWhereverItStands) {
  for (size_t size = 0; size < 60; ++size) {
    const std::string none(size, 'a');
    EXPECT_EQ(find_near(none.data(), none.data() + size, ':'), none.data() + size);
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = text.back() = ':';
      EXPECT_EQ(find_near(text.data(), text.data() + size, ':'), text.data() + at);
    }
  }
}

}  // namespace
}  // namespace vg::http
