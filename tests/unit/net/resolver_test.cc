#include "net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>

#include "net/event_loop.h"
#include "support/dns_server.h"

namespace vg::net {
namespace {

using test::DnsQuestion;
using test::DnsReply;
using test::DnsServer;
using test::kA;
using test::kAaaa;
using test::TestLoop;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::vector<std::string> texts(const Resolution& r) {
  std::vector<std::string> out;
  for (const Address& a : r.addresses) out.push_back(a.text());
  return out;
}

// What a lookup that has ended said.
std::vector<std::string> texts(const std::optional<Result<Resolution>>& got) {
  if (!got) return {"nothing"};
  return got->ok() ? texts(got->value()) : std::vector<std::string>{got->error().internal};
}

// A file for one test, gone at its end.
class TempFile {
 public:
  explicit TempFile(const std::string& content) {
    const int fd = mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    close(fd);
    write(content);
  }
  ~TempFile() { unlink(path_.c_str()); }
  void write(const std::string& content) { std::ofstream(path_, std::ios::trunc) << content; }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = testing::TempDir() + "/resolver-XXXXXX";
};

class ResolverTest : public testing::Test {
 protected:
  ResolverOptions options() {
    ResolverOptions o;
    o.servers = server_.address();
    o.timeout = std::chrono::milliseconds(2000);
    o.hosts_file = false;
    return o;
  }
  void start(ResolverOptions o) { resolver_ = std::make_unique<Resolver>(loop_.get(), std::move(o)); }

  // Asks, runs until the loop has nothing more to do, and gives what came.
  std::optional<Result<Resolution>> ask(const std::string& name, uint16_t port = 80) {
    if (!resolver_) start(options());
    std::optional<Result<Resolution>> got;
    resolver_->resolve(name, port, [&](Result<Resolution> r) {
      EXPECT_FALSE(got) << "called twice";
      got = std::move(r);
    });
    EXPECT_FALSE(got) << "called from inside resolve()";
    loop_.run();
    EXPECT_TRUE(got) << "never called";
    EXPECT_EQ(resolver_->questions(), 0u);
    return got;
  }
  void expect_failure(const std::string& name, const std::string& why) {
    const auto got = ask(name);
    ASSERT_TRUE(got && !got->ok());
    EXPECT_EQ(got->error().kind, ErrorKind::kConnect);
    EXPECT_TRUE(got->error().retryable);
    EXPECT_EQ(got->error().detail, "name \"" + name + "\" does not resolve");
    EXPECT_THAT(got->error().internal, testing::HasSubstr(why));
  }

  TestLoop loop_;
  DnsServer server_{loop_.get()};
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, GivesBothFamiliesInTurnWithThePortAndTheSmallestTtl) {
  server_.add("catalog.test", "192.0.2.1", 300);
  server_.add("catalog.test", "192.0.2.2", 60);
  server_.add("catalog.test", "2001:db8::1", 90);
  const auto got = ask("catalog.test", 8000);
  ASSERT_TRUE(got && got->ok());
  EXPECT_THAT(texts(got), UnorderedElementsAre("192.0.2.1:8000", "192.0.2.2:8000", "[2001:db8::1]:8000"));
  EXPECT_NE((*got)->addresses[0].family(), (*got)->addresses[1].family());
  EXPECT_EQ((*got)->ttl, std::chrono::seconds(60));
  EXPECT_EQ(server_.asked().size(), 2u);
}

TEST_F(ResolverTest, GivesOneFamilyWhenTheOtherHasNothing) {
  server_.add("v4.test", "192.0.2.1", 7);
  server_.add("v6.test", "2001:db8::1", 8);
  EXPECT_THAT(texts(ask("v4.test")), ElementsAre("192.0.2.1:80"));
  EXPECT_THAT(texts(ask("v6.test")), ElementsAre("[2001:db8::1]:80"));
}

TEST_F(ResolverTest, AnswersLiteralsWithoutAQuestion) {
  EXPECT_THAT(texts(ask("192.0.2.9", 81)), ElementsAre("192.0.2.9:81"));
  EXPECT_THAT(texts(ask("2001:db8::9", 82)), ElementsAre("[2001:db8::9]:82"));
  EXPECT_THAT(texts(ask("[2001:db8::9]", 83)), ElementsAre("[2001:db8::9]:83"));
  EXPECT_TRUE(server_.asked().empty());
}

TEST_F(ResolverTest, AnswersLocalhostWithLoopbackWithoutAQuestion) {
  for (const char* name : {"localhost", "LOCALHOST.", "api.localhost"}) {
    const auto got = ask(name, 8080);
    ASSERT_TRUE(got && got->ok()) << name;
    EXPECT_THAT(texts(got), testing::Contains("127.0.0.1:8080"));
    for (const Address& a : (*got)->addresses) EXPECT_TRUE(a.is_loopback()) << a.text();
  }
  EXPECT_TRUE(server_.asked().empty());
  expect_failure("notlocalhost", "");
  EXPECT_FALSE(server_.asked().empty());
}

TEST_F(ResolverTest, SaysThatANameDoesNotExist) { expect_failure("missing.test", "not found"); }

TEST_F(ResolverTest, SaysThatANameHasNoAddress) {
  server_.handle([](const DnsQuestion& q) { return std::vector<std::string>{DnsReply(q).bytes()}; });
  expect_failure("empty.test", "no data");
}

TEST_F(ResolverTest, SaysThatTheServerFailed) {
  server_.handle(
      [](const DnsQuestion& q) { return std::vector<std::string>{DnsReply(q).code(test::kServFail).bytes()}; });
  expect_failure("broken.test", "resolving broken.test: ");
}

TEST_F(ResolverTest, TakesOneFamilyWhenTheServerFailsForTheOther) {
  server_.add("half.test", "192.0.2.1", 30);
  server_.handle([this](const DnsQuestion& q) {
    return std::vector<std::string>{q.type == kA ? server_.from_zone(q).bytes() : DnsReply(q).code(2).bytes()};
  });
  const auto got = ask("half.test");
  ASSERT_TRUE(got && got->ok());
  EXPECT_THAT(texts(got), ElementsAre("192.0.2.1:80"));
}

TEST_F(ResolverTest, GivesUpOnASilentServerAfterItsTries) {
  server_.handle([](const DnsQuestion&) { return std::vector<std::string>{}; });
  ResolverOptions o = options();
  o.timeout = std::chrono::milliseconds(10);
  o.tries = 3;
  start(o);
  expect_failure("silent.test", "Timeout");
  EXPECT_EQ(server_.asked().size(), 2u * 3u);
}

TEST_F(ResolverTest, AsksAgainWhenADatagramIsLost) {
  server_.add("lossy.test", "192.0.2.1", 30);
  server_.handle([this](const DnsQuestion& q) {
    if (server_.asked().size() <= 2) return std::vector<std::string>{};
    return std::vector<std::string>{server_.from_zone(q).bytes()};
  });
  ResolverOptions o = options();
  o.timeout = std::chrono::milliseconds(20);
  start(o);
  EXPECT_THAT(texts(ask("lossy.test")), ElementsAre("192.0.2.1:80"));
}

TEST_F(ResolverTest, AsksByTcpWhenTheAnswerIsTruncated) {
  for (int i = 1; i <= 60; ++i) server_.add("large.test", "192.0.2." + std::to_string(i), 30);
  server_.handle([this](const DnsQuestion& q) {
    return std::vector<std::string>{q.tcp ? server_.from_zone(q).bytes() : DnsReply(q).truncated().bytes()};
  });
  const auto got = ask("large.test");
  ASSERT_TRUE(got && got->ok());
  EXPECT_EQ((*got)->addresses.size(), 60u);
  EXPECT_TRUE(server_.asked().back().tcp);
}

TEST_F(ResolverTest, FailsWhenTheTcpConnectionBreaks) {
  server_.handle([](const DnsQuestion& q) {
    return std::vector<std::string>{q.tcp ? std::string() : DnsReply(q).truncated().bytes()};
  });
  ResolverOptions o = options();
  o.timeout = std::chrono::milliseconds(20);
  start(o);
  expect_failure("cut.test", "");
}

TEST_F(ResolverTest, IgnoresAnswersThatAreNotItsOwn) {
  server_.add("honest.test", "192.0.2.1", 30);
  server_.handle([this](const DnsQuestion& q) {
    const auto forged = [&](DnsQuestion as) { return DnsReply(as).address(as.name, "203.0.113.66", 30); };
    DnsQuestion other = q;
    other.name = "other.test";
    return std::vector<std::string>{
        forged(q).id(static_cast<uint16_t>(q.id + 1)).bytes(),  // another id
        forged(other).bytes(),                                  // another question
        "",                                                     // nothing
        std::string("\x00\x01", 2),                             // no header
        server_.from_zone(q).bytes(),
    };
  });
  EXPECT_THAT(texts(ask("honest.test")), ElementsAre("192.0.2.1:80"));
}

TEST_F(ResolverTest, FailsOnAnAnswerThatCannotBeRead) {
  server_.handle([](const DnsQuestion& q) {
    std::string reply = DnsReply(q).address(q.name, "192.0.2.1", 30).bytes();
    reply.resize(reply.size() - 3);  // the record's data ends early
    return std::vector<std::string>{reply};
  });
  expect_failure("cut.test", "");
  server_.handle([](const DnsQuestion& q) {
    return std::vector<std::string>{DnsReply(q).record(q.name, q.type, 30, "xyz").bytes()};  // no address has 3 bytes
  });
  expect_failure("short.test", "");
}

TEST_F(ResolverTest, FollowsAliasesAndTakesTheSmallestTtlOfTheChain) {
  server_.add_alias("www.test", "cdn.test", 20);
  server_.add_alias("cdn.test", "edge.test", 5);
  server_.add("edge.test", "192.0.2.1", 600);
  const auto got = ask("www.test");
  ASSERT_TRUE(got && got->ok());
  EXPECT_THAT(texts(got), ElementsAre("192.0.2.1:80"));
  EXPECT_EQ((*got)->ttl, std::chrono::seconds(5));
}

TEST_F(ResolverTest, GivesAnAddressOnceThoughTheAnswerRepeatsIt) {
  for (int i = 0; i < 3; ++i) server_.add("twice.test", "192.0.2.1", 30);
  EXPECT_THAT(texts(ask("twice.test")), ElementsAre("192.0.2.1:80"));
}

TEST_F(ResolverTest, TakesATtlWithTheHighestBitForZero) {
  server_.add("odd.test", "192.0.2.1", 0x80000001u);
  EXPECT_EQ((*ask("odd.test"))->ttl, std::chrono::seconds(0));
}

TEST_F(ResolverTest, RefusesWhatCannotBeAName) {
  for (const std::string& name : {std::string(), std::string(255, 'a'), std::string("a b"), std::string("a\0b", 3),
                                  std::string("caf\xc3\xa9"), std::string(64, 'a') + ".test"}) {
    const auto got = ask(name);
    EXPECT_TRUE(got && !got->ok()) << name;
  }
  EXPECT_TRUE(server_.asked().empty());
}

TEST_F(ResolverTest, AsksOnceForEqualNamesAndAnswersEachWithItsPort) {
  server_.add("shared.test", "192.0.2.1", 30);
  start(options());
  std::vector<std::string> got;
  const auto note = [&](Result<Resolution> r) { got.push_back(texts(*r).at(0)); };
  resolver_->resolve("shared.test", 1, note);
  resolver_->resolve("SHARED.test", 2, note);
  EXPECT_EQ(resolver_->questions(), 1u);
  loop_.run();
  EXPECT_THAT(got, ElementsAre("192.0.2.1:1", "192.0.2.1:2"));
  EXPECT_EQ(server_.asked().size(), 2u);
}

TEST_F(ResolverTest, AnswersManyNamesAtOnce) {
  start(options());
  int right = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string name = "n" + std::to_string(i) + ".test";
    const std::string ip = "192.0.2." + std::to_string(i);
    server_.add(name, ip, 30);
    resolver_->resolve(name, 80,
                       [&right, ip](Result<Resolution> r) { right += r.ok() && texts(*r).at(0) == ip + ":80"; });
  }
  loop_.run();
  EXPECT_EQ(right, 60);
}

TEST_F(ResolverTest, LeavesTheLoopIdleOnceAnswered) {
  server_.add("catalog.test", "192.0.2.1", 1);
  ask("catalog.test");
  EXPECT_EQ(loop_.active_handles(), 0);
  EXPECT_TRUE(loop_.idle());
}

TEST_F(ResolverTest, CancelEndsOneWaiterAndNotTheOther) {
  server_.add("shared.test", "192.0.2.1", 30);
  start(options());
  std::vector<std::string> log;
  const auto note = [&](const char* who) {
    return [&log, who](Result<Resolution> r) {
      log.push_back(std::string(who) + (r.ok() ? " ok" : " " + std::string(to_string(r.error().kind))));
    };
  };
  LookupHandle first = resolver_->resolve("shared.test", 80, note("first"));
  resolver_->resolve("shared.test", 80, note("second"));
  first.cancel();
  EXPECT_TRUE(log.empty()) << "called from inside cancel()";
  first.cancel();
  loop_.run();
  EXPECT_THAT(log, ElementsAre("first cancelled", "second ok"));
  first.cancel();
  loop_.run();
  EXPECT_EQ(log.size(), 2u);
}

TEST_F(ResolverTest, CancelReachesAnAnswerThatWasNotYetDelivered) {
  start(options());
  ErrorKind kind = ErrorKind::kNone;
  LookupHandle handle = resolver_->resolve("127.0.0.1", 80, [&](Result<Resolution> r) { kind = r.error().kind; });
  handle.cancel();
  loop_.run();
  EXPECT_EQ(kind, ErrorKind::kCancelled);
}

TEST_F(ResolverTest, ACancelledQuestionCanBeAskedAgainAtOnce) {
  server_.add("catalog.test", "192.0.2.1", 30);
  start(options());
  int cancelled = 0, ok = 0;
  const auto note = [&](Result<Resolution> r) { ++(r.ok() ? ok : cancelled); };
  resolver_->resolve("catalog.test", 80, note).cancel();
  resolver_->resolve("catalog.test", 80, note);
  loop_.run();
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(ok, 1);
}

TEST_F(ResolverTest, CloseEndsEverythingInFlightAndLeavesNoHandle) {
  server_.handle([](const DnsQuestion& q) {  // one question hangs in UDP, one in TCP
    if (q.tcp || q.name == "udp.test") return std::vector<std::string>{};
    return std::vector<std::string>{DnsReply(q).truncated().bytes()};
  });
  start(options());
  int cancelled = 0;
  const auto note = [&](Result<Resolution> r) { cancelled += !r.ok() && r.error().kind == ErrorKind::kCancelled; };
  for (const char* name : {"udp.test", "tcp.test", "udp.test"}) resolver_->resolve(name, 80, note);
  const auto in_tcp = [this] { return !server_.asked().empty() && server_.asked().back().tcp; };
  while (!in_tcp()) loop_.turn();
  resolver_->close();
  EXPECT_EQ(cancelled, 0) << "called from inside close()";
  resolver_->close();
  server_.close();
  loop_.run();
  EXPECT_EQ(cancelled, 3);
  EXPECT_EQ(uv_loop_close(loop_.get()), 0);
  uv_loop_init(loop_.get());
}

TEST_F(ResolverTest, MayBeDestroyedWithQuestionsInFlight) {
  server_.handle([](const DnsQuestion&) { return std::vector<std::string>{}; });
  start(options());
  int cancelled = 0;
  LookupHandle handle = resolver_->resolve(
      "a.test", 80, [&](Result<Resolution> r) { cancelled += r.error().kind == ErrorKind::kCancelled; });
  while (server_.asked().empty()) loop_.turn();
  resolver_.reset();
  handle.cancel();
  loop_.run();
  handle.cancel();
  EXPECT_EQ(cancelled, 1);
}

TEST_F(ResolverTest, MayBeDestroyedFromInsideACallback) {
  server_.add("a.test", "192.0.2.1", 30);
  start(options());
  int ok = 0, cancelled = 0;
  const auto note = [&](Result<Resolution> r) {
    ++(r.ok() ? ok : cancelled);
    resolver_.reset();
  };
  resolver_->resolve("a.test", 1, note);
  resolver_->resolve("b.test", 2, note);
  loop_.run();
  EXPECT_EQ(ok + cancelled, 2);
  EXPECT_FALSE(resolver_);
}

TEST_F(ResolverTest, MayBeAskedFromInsideACallback) {
  server_.add("a.test", "192.0.2.1", 30);
  server_.add("b.test", "192.0.2.2", 30);
  start(options());
  std::vector<std::string> got;
  resolver_->resolve("a.test", 1, [&](Result<Resolution> a) {
    got.push_back(texts(*a).at(0));
    resolver_->resolve("b.test", 2, [&](Result<Resolution> b) {
      got.push_back(texts(*b).at(0));
      resolver_->resolve("127.0.0.1", 3, [&](Result<Resolution> c) { got.push_back(texts(*c).at(0)); });
      EXPECT_EQ(got.size(), 2u);
    });
  });
  loop_.run();
  EXPECT_THAT(got, ElementsAre("192.0.2.1:1", "192.0.2.2:2", "127.0.0.1:3"));
}

TEST_F(ResolverTest, SaysCancelledAfterClose) {
  start(options());
  resolver_->close();
  for (const char* name : {"a.test", "127.0.0.1"}) {
    const auto got = ask(name);
    ASSERT_TRUE(got && !got->ok());
    EXPECT_EQ(got->error().kind, ErrorKind::kCancelled);
  }
}

TEST_F(ResolverTest, HostsFileComesBeforeDns) {
  const TempFile hosts("192.0.2.77 catalog.test alias.test\n2001:db8::77 catalog.test\n# 192.0.2.1 comment.test\n");
  setenv("CARES_HOSTS", hosts.path().c_str(), 1);
  ResolverOptions o = options();
  o.hosts_file = true;
  start(o);
  const auto got = ask("catalog.test", 81);
  const auto alias = ask("alias.test", 82);
  EXPECT_TRUE(server_.asked().empty());
  const auto comment = ask("comment.test");
  unsetenv("CARES_HOSTS");
  ASSERT_TRUE(got && got->ok());
  EXPECT_THAT(texts(got), UnorderedElementsAre("192.0.2.77:81", "[2001:db8::77]:81"));
  EXPECT_EQ((*got)->ttl, std::chrono::seconds(10));
  EXPECT_THAT(texts(alias), ElementsAre("192.0.2.77:82"));
  EXPECT_FALSE(comment->ok());
}

TEST_F(ResolverTest, AMissingOrUnreadableResolvConfIsAnErrorOfTheLookup) {
  for (const std::string& path : {testing::TempDir() + "/no/such/file", testing::TempDir()}) {
    ResolverOptions o = options();
    o.servers.clear();
    o.resolv_conf = path;
    o.port = server_.port();  // c-ares then asks this machine, and the server there knows no such name
    start(o);
    expect_failure("catalog.test", "");
    resolver_.reset();
  }
}

TEST_F(ResolverTest, ABadListOfServersIsAnErrorOfTheLookup) {
  ResolverOptions o = options();
  o.servers = "not-an-address";
  start(o);
  expect_failure("catalog.test", "");
}

TEST_F(ResolverTest, TriesTheNextServerWhenOneIsUnreachable) {
  server_.add("catalog.test", "192.0.2.1", 30);
  ResolverOptions o = options();
  DnsServer dead(loop_.get());
  o.servers = dead.address() + "," + server_.address();
  o.timeout = std::chrono::milliseconds(200);
  dead.close();
  loop_.run();
  start(o);
  EXPECT_THAT(texts(ask("catalog.test")), ElementsAre("192.0.2.1:80"));
}

TEST_F(ResolverTest, FollowsTheSearchDomains) {
  const TempFile conf("search apps.test\nnameserver 127.0.0.1\n");
  server_.add("catalog.apps.test", "192.0.2.1", 30);
  ResolverOptions o = options();
  o.servers.clear();
  o.resolv_conf = conf.path();
  o.port = server_.port();
  start(o);
  EXPECT_THAT(texts(ask("catalog")), ElementsAre("192.0.2.1:80"));
}

TEST_F(ResolverTest, ReadsAChangedResolvConfWhenALookupFailsAtMostOnceAMinute) {
  DnsServer other(loop_.get(), "127.0.0.2", server_.port());
  other.add("catalog.test", "192.0.2.2", 30);
  TempFile conf("nameserver 127.0.0.1\n");
  TimePoint now{std::chrono::hours(1)};
  ResolverOptions o = options();
  o.servers.clear();
  o.resolv_conf = conf.path();
  o.port = server_.port();
  o.now = [&] { return now; };
  start(o);
  expect_failure("catalog.test", "");  // the first failure looks at the file: unchanged
  conf.write("nameserver 127.0.0.2 # moved\n");
  now += std::chrono::seconds(59);
  expect_failure("catalog.test", "");
  EXPECT_TRUE(other.asked().empty());
  now += std::chrono::seconds(1);
  const auto got = ask("catalog.test");  // fails, sees the change, asks the new server
  ASSERT_TRUE(got && got->ok());
  EXPECT_THAT(texts(got), ElementsAre("192.0.2.2:80"));
}

TEST_F(ResolverTest, AChangeOfServersCarriesTheOtherLookupsAlong) {
  DnsServer other(loop_.get(), "127.0.0.2", server_.port());
  other.add("hanging.test", "192.0.2.2", 30);
  server_.handle([this](const DnsQuestion& q) {
    if (q.name == "hanging.test") return std::vector<std::string>{};
    return std::vector<std::string>{server_.from_zone(q).bytes()};
  });
  TempFile conf("nameserver 127.0.0.1\n");
  ResolverOptions o = options();
  o.servers.clear();
  o.resolv_conf = conf.path();
  o.port = server_.port();
  o.timeout = std::chrono::seconds(60);
  start(o);
  std::optional<Result<Resolution>> hanging;
  resolver_->resolve("hanging.test", 80, [&](Result<Resolution> r) { hanging = std::move(r); });
  while (server_.asked_for("hanging.test") < 2) loop_.turn();
  conf.write("nameserver 127.0.0.2 # moved\n");
  expect_failure("missing.test", "");
  ASSERT_TRUE(hanging && hanging->ok());
  EXPECT_THAT(texts(hanging), ElementsAre("192.0.2.2:80"));
}

TEST_F(ResolverTest, PostedWorkRunsOnALaterTurnAndAfterClose) {
  start(options());
  int ran = 0;
  resolver_->post([&] { ++ran; });
  resolver_->close();
  resolver_->post([&] { ++ran; });
  EXPECT_EQ(ran, 0);
  loop_.run();
  EXPECT_EQ(ran, 2);
}

coro::Detached note_once_set(coro::Event* event, EventLoop* loop, bool* resumed) {
  co_await event->wait();
  *resumed = true;
  loop->close();
}

TEST(ResolverOnAnEventLoop, ACoroutineThatACallbackPostsGoesOnInTheSameTurn) {
  EventLoop loop;
  Resolver resolver(loop.uv());
  coro::Event answered;
  bool resumed = false;
  note_once_set(&answered, &loop, &resumed);
  resolver.resolve("127.0.0.1", 80, [&](Result<Resolution>) {
    answered.set();
    EXPECT_FALSE(resumed) << "resumed inside the callback";
  });
  loop.run();
  EXPECT_TRUE(resumed);
}

TEST(InterleaveFamilies, TakesTurnsFromTheBestFamilyOn) {
  const auto parse = [](std::initializer_list<const char*> texts) {
    std::vector<Address> out;
    for (const char* t : texts) out.push_back(*Address::parse(t, 0));
    return out;
  };
  EXPECT_EQ(interleave_families(parse({"::1", "::2", "::3", "10.0.0.1"})), parse({"::1", "10.0.0.1", "::2", "::3"}));
  EXPECT_EQ(interleave_families(parse({"10.0.0.1", "::1", "::1", "10.0.0.1"})), parse({"10.0.0.1", "::1"}));
  EXPECT_TRUE(interleave_families({}).empty());
}

}  // namespace
}  // namespace vg::net
