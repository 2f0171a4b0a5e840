#include "observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <thread>

#include "observe/prometheus.h"

namespace vg::observe {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST(Histogram, CountsIntoTheBucketWhoseBoundItDoesNotExceed) {
  Histogram h;
  h.observe(0ns);
  h.observe(500us);
  h.observe(501us);
  h.observe(31s);
  h.observe(-1ns);
  EXPECT_EQ(h.bucket(0), 3u);
  EXPECT_EQ(h.bucket(1), 1u);
  EXPECT_EQ(h.bucket(Histogram::kBoundsMicros.size()), 1u);
  EXPECT_EQ(h.sum_ns(), 31'001'001'000u);
}

TEST(Metrics, SumsTheLoops) {
  Metrics metrics(2);
  const auto ids = metrics.use_routes({"a", "b"});
  metrics.shard(0).routes.at(ids[0]).done(200, 10, 100, 1ms);
  metrics.shard(1).routes.at(ids[0]).done(204, 1, 2, 2ms);
  metrics.shard(1).routes.at(ids[0]).done(503, 0, 0, 2ms);
  metrics.shard(1).routes.at(ids[1]).in_flight.add();
  metrics.shard(0).loop.connections.add(3);
  metrics.shard(1).loop.connections.sub(1);
  const std::string page = metrics.render();
  EXPECT_THAT(page, HasSubstr("viewgate_requests_total{route=\"a\",status=\"2xx\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_requests_total{route=\"a\",status=\"5xx\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_request_bytes_total{route=\"a\"} 11\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_response_bytes_total{route=\"a\"} 102\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_requests_in_flight{route=\"b\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_request_duration_seconds_bucket{route=\"a\",le=\"0.001\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_request_duration_seconds_bucket{route=\"a\",le=\"0.0025\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_request_duration_seconds_bucket{route=\"a\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_request_duration_seconds_sum{route=\"a\"} 0.005\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_request_duration_seconds_count{route=\"a\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_connections 2\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_workers 2\n"));
}

TEST(Metrics, CountersSurviveAReloadByName) {
  Metrics metrics(1);
  const auto before = metrics.use_routes({"a", "b"});
  metrics.shard(0).routes.at(before[1]).done(200, 0, 0, 1ms);
  const auto after = metrics.use_routes({"b", "c"});
  EXPECT_EQ(after[0], before[1]);
  EXPECT_NE(after[1], before[0]);
  const std::string page = metrics.render();
  EXPECT_THAT(page, HasSubstr("viewgate_requests_total{route=\"b\",status=\"2xx\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("route=\"a\""))) << "a is no longer configured";
}

TEST(Metrics, RequestsWithoutARouteCountAsIdZero) {
  Metrics metrics(1);
  metrics.use_routes({"a"});
  metrics.shard(0).routes.at(0).done(404, 0, 10, 1ms);
  EXPECT_THAT(metrics.render(), HasSubstr("viewgate_requests_total{route=\"\",status=\"4xx\"} 1\n"));
}

TEST(Metrics, StatusesOutOfRangeCountAsNone) {
  Metrics metrics(1);
  RouteMetrics& m = metrics.shard(0).routes.at(0);
  for (const unsigned status : {0u, 99u, 600u}) m.done(status, 0, 0, 1ms);
  EXPECT_EQ(m.responses[RouteMetrics::class_of(0)].value(), 3u);
  EXPECT_THAT(metrics.render(), HasSubstr("viewgate_requests_total{route=\"\",status=\"none\"} 3\n"));
}

TEST(Metrics, ShowsWhatUpstreamsDid) {
  Metrics metrics(1);
  const auto ids = metrics.use_upstreams({"catalog"});
  UpstreamMetrics& m = metrics.shard(0).upstreams.at(ids[0]);
  m.attempts.add(3);
  m.retries.add();
  m.retries_refused.add(2);
  m.errors[static_cast<size_t>(ErrorKind::kTimeout)].add();
  m.responses[5].add();
  const std::string page = metrics.render();
  EXPECT_THAT(page, HasSubstr("viewgate_upstream_attempts_total{upstream=\"catalog\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_upstream_retries_total{upstream=\"catalog\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_upstream_retries_refused_total{upstream=\"catalog\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_upstream_errors_total{upstream=\"catalog\",reason=\"timeout\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_upstream_responses_total{upstream=\"catalog\",status=\"5xx\"} 1\n"));
}

TEST(Metrics, CountsReloads) {
  Metrics metrics(1);
  metrics.config_reloads.add(2);
  metrics.config_reload_failures.add();
  metrics.set_config_loaded(WallTime(1500ms));
  const std::string page = metrics.render();
  EXPECT_THAT(page, HasSubstr("viewgate_config_reloads_total 2\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_config_reload_failures_total 1\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_config_loaded_timestamp_seconds 1.5\n"));
}

TEST(Metrics, OtherRoomsAddTheirFamilies) {
  Metrics metrics(1);
  metrics.add_collector([](PrometheusText& out) {
    out.family("viewgate_log_dropped_total", "Lines dropped.", PrometheusText::Type::kCounter);
    out.sample({}, uint64_t{7});
  });
  EXPECT_THAT(metrics.render(),
              HasSubstr("# HELP viewgate_log_dropped_total Lines dropped.\n# TYPE viewgate_log_dropped_total counter\n"
                        "viewgate_log_dropped_total 7\n"));
}

TEST(Metrics, EveryFamilyIsDeclaredOnceAndItsSamplesStandTogether) {
  Metrics metrics(2);
  metrics.use_routes({"a", "b"});
  metrics.shard(0).routes.at(1).done(200, 0, 0, 1ms);
  metrics.shard(0).upstreams.at(metrics.use_upstreams({"u"})[0]).duration.observe(1ms);
  std::istringstream page(metrics.render());
  std::set<std::string> declared;
  std::string family;
  int samples = 0;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(declared.insert(family).second) << line;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + family + " ")) << line;
    } else {
      EXPECT_TRUE(line.starts_with(family)) << line;
      ++samples;
    }
  }
  EXPECT_GT(samples, 30);
}

TEST(Metrics, TenThousandRoutesHaveTheirOwnCounters) {
  Metrics metrics(1);
  std::vector<std::string> names;
  for (int i = 0; i < 10'000; ++i) names.push_back("r" + std::to_string(i));
  const auto ids = metrics.use_routes(names);
  EXPECT_EQ(std::set<uint32_t>(ids.begin(), ids.end()).size(), names.size());
  metrics.shard(0).routes.at(ids[9999]).done(200, 0, 0, 1ms);
  EXPECT_EQ(metrics.shard(0).routes.find(ids[9000]), nullptr) << "made at first use, with its neighbours alone";
  const std::string page = metrics.render();
  EXPECT_THAT(page, HasSubstr("viewgate_requests_total{route=\"r9999\",status=\"2xx\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("viewgate_request_duration_seconds_count{route=\"r9999\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("viewgate_request_duration_seconds_count{route=\"r9998\"}"))) << "never counted";
}

TEST(Metrics, NamesBeyondTheTableShareIdZero) {
  Metrics metrics(1);
  std::vector<std::string> names;
  for (size_t i = 0; i < ShardTable<RouteMetrics>::kMaxIds + 1; ++i) names.push_back(std::to_string(i));
  const auto ids = metrics.use_routes(names);
  EXPECT_EQ(ids[ids.size() - 3], ShardTable<RouteMetrics>::kMaxIds - 1);
  EXPECT_EQ(ids.back(), 0u);
  EXPECT_EQ(metrics.use_routes({"5"}), std::vector<uint32_t>{6});
}

TEST(Metrics, ScrapesWhileLoopsCount) {
  Metrics metrics(2);
  const auto ids = metrics.use_routes({"a", "b", "c"});
  std::vector<std::thread> loops;
  for (size_t loop = 0; loop < 2; ++loop) {
    loops.emplace_back([&, loop] {
      for (int i = 0; i < 3000; ++i)
        metrics.shard(loop).routes.at(ids[static_cast<size_t>(i) % 3]).done(200, 1, 1, 1ms);
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_THAT(metrics.render(), HasSubstr("viewgate_workers 2\n"));
  for (auto& t : loops) t.join();
  EXPECT_THAT(metrics.render(), HasSubstr("viewgate_requests_total{route=\"b\",status=\"2xx\"} 2000\n"));
}

TEST(PrometheusText, EscapesLabelsAndHelp) {
  PrometheusText out;
  out.family("f", "back\\slash\nand \"quotes\"", PrometheusText::Type::kGauge);
  out.sample({{"l", "a\"b\\c\nd"}, {"m", ""}}, int64_t{-3});
  out.sample({}, 0.25);
  EXPECT_EQ(out.take(),
            "# HELP f back\\\\slash\\nand \"quotes\"\n# TYPE f gauge\n"
            "f{l=\"a\\\"b\\\\c\\nd\",m=\"\"} -3\nf 0.25\n");
}

}  // namespace
}  // namespace vg::observe
