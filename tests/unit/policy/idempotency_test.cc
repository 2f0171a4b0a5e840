#include <gtest/gtest.h>

#include "policy/idempotency_key.h"
#include "policy/idempotency_record.h"
#include "support/request.h"

namespace vg::policy {
namespace {

std::string parsed(std::string_view field) {
  const Result<std::string> key = parse_idempotency_key(field);
  return key ? *key : "!";
}

TEST(IdempotencyKey, quoted_and_bare_are_the_same_key) {
  for (const std::string_view key : {"a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "x;y=z", "a/b+c==", "~!#$%&'()*"}) {
    EXPECT_EQ(parsed(key), key);
    EXPECT_EQ(parsed('"' + std::string(key) + '"'), key);
  }
  EXPECT_EQ(parsed(R"("with space, comma")"), "with space, comma");
  EXPECT_EQ(parsed(R"("a\"b\\c")"), R"(a"b\c)");
}

TEST(IdempotencyKey, what_is_no_key_is_refused) {
  for (const std::string_view wrong :
       {"", "\"\"", "\"", "\"a", "a\"", "\"a\"b", "\"a\";x=1", "\"a\" ", "a b", "a,b", "\"a\", \"b\"", "\"a\\n\"",
        "\"a\\", "\"a\\\"", "a\tb", "\"a\tb\"", "\xc3\xa9", "\"\xc3\xa9\"", "a\x7f"}) {
    EXPECT_EQ(parsed(wrong), "!") << wrong;
  }
}

TEST(IdempotencyKey, its_length_is_bounded_without_quotes) {
  const std::string most(255, 'k');
  EXPECT_EQ(parsed(most), most);
  EXPECT_EQ(parsed('"' + most + '"'), most);
  EXPECT_EQ(parsed(most + "k"), "!");
  EXPECT_EQ(parsed('"' + most + "k\""), "!");
}

TEST(IdempotencyKey, a_request_has_one_none_or_too_many) {
  http::Head head;
  EXPECT_EQ(*idempotency_key(head), std::nullopt);
  head.add("X-Idempotency-Key", "no");
  EXPECT_EQ(*idempotency_key(head), std::nullopt);
  head.add("idempotency-KEY", "yes");
  EXPECT_EQ(*idempotency_key(head), "yes");
  head.add("Idempotency-Key", "yes");
  const Result<std::optional<std::string>> twice = idempotency_key(head);
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().status, 400);
}

TEST(IdempotencyFingerprint, says_whether_two_requests_ask_the_same) {
  const auto of = [](std::string target, std::string host, std::string type, std::string_view content) {
    http::RequestHead head;
    test::parse_head(head, "POST " + target + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: " + type +
                               "\r\nContent-Length: 0\r\n\r\n");
    return fingerprint_of(head, content);
  };
  const std::string base = of("/a?b", "h", "t/x", "body");
  EXPECT_EQ(base.size(), 32U);
  EXPECT_EQ(base, of("/a?b", "H", "t/x", "body"));
  for (const std::string& other :
       {of("/a?c", "h", "t/x", "body"), of("/a", "h", "t/x", "body"), of("/b?b", "h", "t/x", "body"),
        of("/a?b", "i", "t/x", "body"), of("/a?b", "h", "t/y", "body"), of("/a?b", "h", "t/x", "bodx"),
        of("/a?b", "h", "t/x", "")}) {
    EXPECT_NE(base, other);
  }
  EXPECT_NE(of("/a?", "h", "t/x", ""), of("/a", "h", "t/x", ""));
  EXPECT_NE(of("/a", "h", "t/x", "yz"), of("/a", "h", "t/xy", "z")) << "parts do not run into each other";
}

class ClaimKey : public testing::Test {
 protected:
  ClaimKey() { route_.name = "orders"; }
  std::string of(const std::string& fields, std::string_view key, const std::string& ip = "192.0.2.1",
                 const std::string& method = "POST") {
    pipeline::Context ctx;
    test::parse_head(ctx.request, method + " / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n");
    ctx.set_client_ip(ip);
    ctx.route = &route_;
    std::string out = claim_key(ctx, key);
    ctx.route = nullptr;
    return out;
  }
  pipeline::Route route_;
};

TEST_F(ClaimKey, names_route_and_method_and_hides_the_rest) {
  const std::string key = of("Authorization: Bearer secret\r\n", "key-1");
  EXPECT_TRUE(key.starts_with("idempotency:orders:POST:")) << key;
  EXPECT_EQ(key.size(), std::string("idempotency:orders:POST:").size() + 64);
  EXPECT_EQ(key.find("secret"), std::string::npos);
  EXPECT_EQ(key.find("key-1"), std::string::npos);
}

TEST_F(ClaimKey, is_of_the_credential_and_else_of_the_address) {
  const std::string bearer = "Authorization: Bearer a\r\n";
  EXPECT_EQ(of(bearer, "k"), of(bearer, "k", "192.0.2.2"));
  EXPECT_NE(of(bearer, "k"), of("Authorization: Bearer b\r\n", "k"));
  EXPECT_NE(of(bearer, "k"), of("", "k"));
  EXPECT_NE(of("", "k"), of("", "k", "192.0.2.2"));
  EXPECT_NE(of("", "k"), of("", "l"));
  EXPECT_NE(of("", "k"), of("", "k", "192.0.2.1", "PUT"));
  EXPECT_NE(of("Authorization: 192.0.2.1\r\n", "k"), of("", "k"));
  EXPECT_EQ(of("", "k", "2001:db8::1"), of("", "k", "2001:db8::ffff")) << "as limits count it";
}

TEST(IdempotencyRecord, comes_back_as_it_was_packed) {
  IdempotencyRecord r;
  r.kind = IdempotencyRecord::Kind::kAnswer;
  r.status = 201;
  const std::string fingerprint(32, 'f'), owner(16, 'o');
  r.fingerprint = fingerprint;
  r.owner = owner;
  r.fields = "Content-Type: a/b\r\nDate: now\r\n";
  r.content = std::string_view("a\0b", 3);
  const store::Blob block = r.pack();
  const std::optional<IdempotencyRecord> back = IdempotencyRecord::of(*block);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->kind, r.kind);
  EXPECT_EQ(back->status, 201);
  EXPECT_EQ(back->fingerprint, fingerprint);
  EXPECT_EQ(back->owner, owner);
  EXPECT_EQ(back->fields, r.fields);
  EXPECT_EQ(back->content, r.content);
}

TEST(IdempotencyRecord, foreign_bytes_are_none) {
  IdempotencyRecord r;
  r.kind = IdempotencyRecord::Kind::kAnswer;
  r.status = 200;
  const std::string fingerprint(32, 'f'), owner(16, 'o');
  r.fingerprint = fingerprint;
  r.owner = owner;
  r.fields = "A: b\r\n";
  const std::string good = *r.pack();
  EXPECT_TRUE(IdempotencyRecord::of(good));
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(IdempotencyRecord::of(good.substr(0, size))) << size;
  for (const size_t at : {0, 3, 4, 7, 8, 11}) {
    std::string bad = good;
    bad[at] = '\x7f';
    EXPECT_FALSE(IdempotencyRecord::of(bad)) << at;
  }
  EXPECT_FALSE(IdempotencyRecord::of(std::string(500, '\0')));
}

}  // namespace
}  // namespace vg::policy
