// The cache policy around a view that answers as the test says. The clock is moved: lifetimes pass in no time.
#include "policy/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/read.h"
#include "config/settings_spec.h"
#include "http/writer.h"
#include "pipeline/learned.h"
#include "support/build.h"
#include "support/loop.h"
#include "support/request.h"

namespace vg::policy {
namespace {

using namespace std::chrono_literals;
using pipeline::Context;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Fields = std::initializer_list<std::string_view>;

struct Answer {
  uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string text;
};

Answer fresh(const std::string& text, const std::string& cache_control = "max-age=60",
             std::vector<std::pair<std::string, std::string>> more = {}) {
  more.emplace_back("Cache-Control", cache_control);
  return {200, std::move(more), text};
}

// An upstream's answers, passed through; status 0: it can't be reached.
class Origin final : public pipeline::View {
 public:
  coro::Task<Result<void>> run(Context& ctx) const override {
    conditions.push_back(ctx.learned != nullptr ? ctx.learned->conditions : std::string());
    const WallTime requested = Clock::wall();
    if (holds) {
      coro::Event& open = held_.emplace_back();
      const bool opened = co_await open.wait(&ctx.cancel);
      if (!opened) co_return Error(ctx.cancel.reason(), "gone");
    }
    const Answer answer = script.front();
    if (script.size() > 1) script.pop_front();
    if (answer.status == 0) co_return Error(ErrorKind::kConnect, "nobody is there");
    ctx.response.status = ctx.response.own.status = answer.status;
    for (const auto& [name, value] : answer.fields) ctx.response.own.add(name, value);
    ctx.response.text = answer.text;
    if (ctx.learned != nullptr) {
      ctx.learned->passed_through = true;
      const cache::Received received{requested, Clock::wall()};
      ctx.learned->add_answer("shop", "/a", ctx.response.own, received);
    }
    co_return Result<void>();
  }
  mutable std::deque<Answer> script;
  mutable std::vector<std::string> conditions;  // of each call
  bool holds = false;                           // calls wait for open()
  void open() {
    holds = false;
    for (coro::Event& e : held_) e.set();
  }

 private:
  mutable std::deque<coro::Event> held_;
};

// A request on its way, and what it came to.
struct Asked {
  Context ctx;
  std::optional<Result<void>> result;
  bool ok() const { return result && result->ok(); }
  std::string content() const { return std::string(ctx.response.content()); }
  std::string field(std::string_view name) const { return std::string(ctx.response.head->get(name)); }
  bool is_hit() const { return field("cache-status").starts_with("viewgate; hit"); }
};

class CacheTest : public testing::Test {
 protected:
  CacheTest() { services_.loop = loop_.get(); }
  void TearDown() override {
    services_.background.cancel_all();
    loop_.run_until([&] { return scope_.running() == 0 && services_.background.running() == 0; });
  }
  void make(const std::string& settings) {
    schema_ = config::base_schema();
    schema_.add_view({"respond", {}, {}, false});
    schema_.add_policy(describe_cache());
    loaded_ = config::load_text("v.yaml", "routes: [{path: /a, view: respond, cache: " + settings + "}]", schema_);
    ASSERT_TRUE(loaded_.ok()) << loaded_.errors.text();
    build_.emplace(loaded_, scope_of_route_, &origin_);
    policy_ = create_cache(*config::child(build_->settings(), "cache"), *build_);
  }
  /// A request, which may still be waiting.
  std::shared_ptr<Asked> ask(Fields fields = {}, std::optional<Duration> time = std::nullopt) {
    auto asked = std::make_shared<Asked>();
    Context& ctx = asked->ctx;
    ctx.loop = loop_.get();
    ctx.services = &services_;
    ctx.pinned = table_;
    vg::test::parse_get(ctx.request, "/a", fields);
    ctx.head_done = loop_.get()->now();
    if (time) ctx.cancel.arm(loop_.get(), loop_.get()->now() + *time);
    const pipeline::Next next({}, &origin_);
    scope_.spawn(vg::test::keep_result(policy_->run(ctx, next), &asked->result));
    loop_.settle();
    return asked;
  }
  std::shared_ptr<Asked> get(Fields fields = {}) {
    std::shared_ptr<Asked> asked = ask(fields);
    loop_.run_until([&] { return asked->result.has_value() && services_.background.running() == 0; });
    return asked;
  }
  size_t calls() const { return origin_.conditions.size(); }

  vg::test::Loop loop_;
  pipeline::LoopServices services_;
  pipeline::LoopTablePtr table_ = [] {
    auto* table = new pipeline::LoopTable;
    table->caches[0] = std::make_shared<store::MemoryCacheStore>(uint64_t{1} << 24);
    return pipeline::LoopTablePtr(table);
  }();
  config::Schema schema_;
  config::LoadResult loaded_;
  tmpl::Scope scope_of_route_ = tmpl::request_scope({});
  Origin origin_;
  std::optional<vg::test::TestBuild> build_;
  std::unique_ptr<pipeline::Policy> policy_;
  coro::Scope scope_;
};

TEST_F(CacheTest, AnAnswerIsGivenForAsLongAsItsUpstreamSaysThatItIsFresh) {
  make("{}");
  origin_.script = {fresh("one"), fresh("two")};
  EXPECT_FALSE(get()->is_hit());
  loop_.advance(58s);
  const auto hit = get();
  EXPECT_TRUE(hit->is_hit());
  EXPECT_EQ(hit->content(), "one");
  EXPECT_EQ(hit->field("age"), "58");
  EXPECT_THAT(hit->field("cache-status"), HasSubstr("ttl=1"));
  loop_.advance(3s);
  EXPECT_EQ(get()->content(), "two");
  EXPECT_EQ(calls(), 2u);
}

TEST_F(CacheTest, ASettingsTtlTakesThePlaceOfTheUpstreams) {
  make("5m");
  origin_.script = {fresh("one", "max-age=1"), fresh("two")};
  get();
  loop_.advance(298s);
  EXPECT_TRUE(get()->is_hit());
  loop_.advance(3s);
  EXPECT_EQ(get()->content(), "two");
}

TEST_F(CacheTest, TheAgeThatItCameWithCounts) {
  make("{}");
  origin_.script = {fresh("one", "max-age=60", {{"Age", "50"}}), fresh("two")};
  get();
  loop_.advance(8s);
  EXPECT_EQ(get()->field("age"), "58");
  loop_.advance(3s);
  EXPECT_EQ(get()->content(), "two");
}

TEST_F(CacheTest, ExpiresCountsFromItsDate) {
  make("{}");
  std::string date, expires;
  http::append_imf_date(date, std::chrono::system_clock::to_time_t(Clock::wall()));
  http::append_imf_date(expires, std::chrono::system_clock::to_time_t(Clock::wall() + 100s));
  origin_.script = {{200, {{"Date", date}, {"Expires", expires}}, "one"}, fresh("two")};
  get();
  loop_.advance(97s);
  EXPECT_TRUE(get()->is_hit());
  loop_.advance(5s);
  EXPECT_EQ(get()->content(), "two");
}

TEST_F(CacheTest, WhatIsStaleIsGivenWhileItIsRenewedForAsLongAsAllowed) {
  make("{stale_while_revalidate: 30s}");
  origin_.script = {fresh("one"), fresh("two"), fresh("three")};
  get();
  loop_.advance(61s);
  const auto stale = get();
  EXPECT_EQ(stale->content(), "one");
  EXPECT_TRUE(stale->is_hit());
  EXPECT_EQ(stale->field("age"), "61");
  EXPECT_EQ(get()->content(), "two") << "renewed beside";
  EXPECT_EQ(calls(), 2u);
  loop_.advance(91s);
  EXPECT_EQ(get()->content(), "three") << "too old to be given";
}

TEST_F(CacheTest, WhatIsStaleStandsInForAnUpstreamThatFailsForAsLongAsAllowed) {
  make("{stale_if_error: 10m}");
  origin_.script = {fresh("one"), {0, {}, ""}, {503, {}, "down"}};
  get();
  loop_.advance(60s + 590s);
  for (int i = 0; i < 2; ++i) {
    const auto stale = get();
    ASSERT_TRUE(stale->ok());
    EXPECT_EQ(stale->content(), "one");
    EXPECT_EQ(stale->ctx.cache_result, observe::CacheResult::kStale);
  }
  loop_.advance(20s);
  EXPECT_EQ(get()->ctx.response.status, 503);
}

TEST_F(CacheTest, WhatIsValidatedIsFreshAgainAndAnHourLaterForgotten) {
  make("{}");
  const Answer same{304, {{"ETag", "\"v1\""}, {"Cache-Control", "max-age=60"}}, ""};
  origin_.script = {fresh("one", "max-age=60", {{"ETag", "\"v1\""}}), same, fresh("two")};
  get();
  loop_.advance(61s);
  EXPECT_EQ(get()->content(), "one");
  loop_.advance(58s);
  const auto hit = get();
  EXPECT_TRUE(hit->is_hit());
  EXPECT_EQ(hit->field("age"), "58");
  loop_.advance(1h + 10s);
  EXPECT_EQ(get()->content(), "two");
  EXPECT_THAT(origin_.conditions, ElementsAre("", StartsWith("If-None-Match: \"v1\""), ""));
}

TEST_F(CacheTest, AnErrorIsKeptForErrorsTtl) {
  make("{ttl: 1h, errors_ttl: 30s}");
  origin_.script = {{404, {}, "none"}, fresh("there")};
  get();
  loop_.advance(29s);
  EXPECT_EQ(get()->ctx.response.status, 404);
  loop_.advance(2s);
  EXPECT_EQ(get()->content(), "there");
}

TEST_F(CacheTest, AClientsOwnAgesCountUnderClientRefresh) {
  make("{client_refresh: true}");
  origin_.script = {fresh("one", "max-age=100"), fresh("two", "max-age=100"), fresh("three", "max-age=100")};
  get();
  loop_.advance(50s);
  EXPECT_EQ(get({"Cache-Control: max-age=55"})->content(), "one");
  EXPECT_EQ(get({"Cache-Control: max-age=45"})->content(), "two");
  loop_.advance(50s);
  EXPECT_EQ(get({"Cache-Control: min-fresh=40"})->content(), "two");
  EXPECT_EQ(get({"Cache-Control: min-fresh=60"})->content(), "three");
}

TEST_F(CacheTest, WhoWaitsForAnothersAnswerDoesSoWithinItsOwnTime) {
  make("{}");
  origin_.holds = true;
  origin_.script = {fresh("one")};
  const auto leader = ask();
  const auto short_of_time = ask({}, 400ms), patient = ask();
  loop_.advance(401ms);
  ASSERT_TRUE(loop_.run_until([&] { return short_of_time->result.has_value(); }));
  EXPECT_EQ(short_of_time->result->error().kind, ErrorKind::kTimeout);
  EXPECT_FALSE(patient->result.has_value());
  origin_.open();
  loop_.run_until([&] { return leader->result && patient->result; });
  EXPECT_EQ(patient->content(), "one");
  EXPECT_EQ(patient->ctx.cache_result, observe::CacheResult::kCollapsed);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(CacheTest, ForTenSecondsNobodyWaitsForWhatCouldNotBeKept) {
  make("{}");
  origin_.script = {fresh("mine", "private")};
  get();
  origin_.holds = true;
  loop_.advance(9s);
  std::vector<std::shared_ptr<Asked>> all{ask(), ask()};
  EXPECT_EQ(calls(), 3u) << "at once";
  loop_.advance(2s);
  all.push_back(ask()), all.push_back(ask());
  EXPECT_EQ(calls(), 4u) << "one asks, the other waits again";
  origin_.open();
  loop_.run_until([&] { return std::all_of(all.begin(), all.end(), [](const auto& a) { return a->ok(); }); });
  EXPECT_EQ(calls(), 5u);
}

}  // namespace
}  // namespace vg::policy
