#include "http/tunnel.h"

#include <gtest/gtest.h>

#include "support/loop.h"
#include "support/peer.h"

namespace vg::http {
namespace {

using namespace std::chrono_literals;
using vg::test::Loop;
using vg::test::Wire;

class TunnelTest : public testing::Test {
 protected:
  void start(Duration idle = Duration()) {
    scope_.spawn(
        vg::test::keep_result(run_tunnel(loop_.get(), client_.stream.get(), upstream_.stream.get(), idle), &bytes_));
  }
  void wait_for_the_end() {
    loop_.run_until([this] { return bytes_.has_value(); });
  }
  void TearDown() override {
    client_.stream->close();
    upstream_.stream->close();
    loop_.run_until([this] { return scope_.running() == 0; });
  }
  bool heard(Wire& wire, std::string_view text) {
    return loop_.run_until([&] { return wire.peer->received == text; });
  }

  Loop loop_;
  coro::Scope scope_;
  std::optional<TunnelBytes> bytes_;
  Wire client_ = vg::test::tcp_wire(loop_.get());
  Wire upstream_ = vg::test::tcp_wire(loop_.get());
};

TEST_F(TunnelTest, BytesPassBothWaysAsTheyCome) {
  start();
  client_.peer->send("ping");
  EXPECT_TRUE(heard(upstream_, "ping"));
  upstream_.peer->send("pong!");
  EXPECT_TRUE(heard(client_, "pong!"));
  client_.peer->send(" again");
  EXPECT_TRUE(heard(upstream_, "ping again"));
  EXPECT_FALSE(bytes_.has_value());
}

TEST_F(TunnelTest, WhatCameBeforeItBeganIsPassed) {
  upstream_.peer->send("early");
  loop_.run_until([this] { return !upstream_.stream->data().empty(); });
  start();
  EXPECT_TRUE(heard(client_, "early"));
}

TEST_F(TunnelTest, AnEndIsPassedOnAndTheOtherWayStaysOpen) {
  start();
  client_.peer->send("last words");
  client_.peer->end();
  loop_.run_until([this] { return upstream_.peer->eof; });
  EXPECT_EQ(upstream_.peer->received, "last words");
  EXPECT_FALSE(bytes_.has_value());
  upstream_.peer->send("answer");
  EXPECT_TRUE(heard(client_, "answer"));
  EXPECT_FALSE(client_.peer->eof);
  upstream_.peer->end();
  wait_for_the_end();
  EXPECT_EQ(bytes_->to_upstream, 10u);
  EXPECT_EQ(bytes_->to_client, 6u);
}

TEST_F(TunnelTest, ABrokenSideEndsIt) {
  start();
  client_.peer->send("x");
  EXPECT_TRUE(heard(upstream_, "x"));
  client_.peer->reset();
  wait_for_the_end();
}

TEST_F(TunnelTest, WithoutAByteItEnds) {
  start(20ms);
  client_.peer->send("x");
  wait_for_the_end();
  EXPECT_EQ(bytes_->to_upstream, 1u);
}

TEST_F(TunnelTest, ClosingAStreamEndsIt) {
  start();
  loop_.settle();
  client_.stream->close();
  wait_for_the_end();
}

TEST_F(TunnelTest, ASlowReaderStopsTheSender) {
  start();
  client_.peer->ignore();
  const std::string much(64 * 1024 * 1024, 'x');
  upstream_.peer->send(much);
  loop_.run_until([this] { return client_.stream->write_pending(); });
  EXPECT_GT(upstream_.peer->unsent_bytes(), much.size() / 4) << "the rest stays with who sends it";
  client_.peer->listen();
  loop_.run_until([&] { return client_.peer->received.size() == much.size(); });
  upstream_.peer->end();
  client_.peer->end();
  wait_for_the_end();
  EXPECT_EQ(bytes_->to_client, much.size());
}

}  // namespace
}  // namespace vg::http
