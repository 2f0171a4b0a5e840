// Listening sockets over reloads, with a worker that serves them. What a client sees of it is in tests/integration.
#include "server/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>

namespace vg::server {
namespace {

using config::ListenerSettings;
using testing::ElementsAre;
using testing::IsEmpty;

ListenerSettings tcp(std::string name) {
  ListenerSettings l;
  l.address = "127.0.0.1:0";
  l.host = "127.0.0.1";
  l.name = std::move(name);
  return l;
}

std::filesystem::path socket_path(const std::string& name) {
  return std::filesystem::path(testing::TempDir()) / (name + '.' + std::to_string(getpid()));
}

ListenerSettings unix_socket(const std::filesystem::path& path) {
  ListenerSettings l;
  l.address = "unix:" + path.string();
  l.kind = ListenerSettings::Kind::kUnix;
  l.path = path.string();
  return l;
}

class ListenersTest : public testing::Test {
 protected:
  ListenersTest() {
    shared_.publish(std::make_shared<gateway::RouteTable>());
    workers_.push_back(std::make_unique<Worker>(0, &shared_, [] {}));
    workers_[0]->start();
  }
  ~ListenersTest() override {
    workers_[0]->post([worker = workers_[0].get()] { worker->finish(); });
    workers_[0]->join();
  }
  // The names by number that `wanted` leads to, in force.
  std::vector<std::string> change_to(const std::vector<ListenerSettings>& wanted) {
    Result<Listeners::Change> change = listeners_.prepare(wanted);
    if (!change) return {change.error().detail};
    std::vector<gateway::ServedListener> served;
    for (const ListenerSettings& l : wanted) served.push_back({l.name, {}});
    const std::vector<gateway::ServedListener> numbered = listeners_.number(change.value(), served);
    listeners_.commit(std::move(change.value()), numbered);
    std::vector<std::string> names;
    for (const gateway::ServedListener& l : numbered) names.push_back(l.name);
    return names;
  }

  Systemd systemd_;
  Shared shared_{1, 100, 1 << 20};
  std::vector<std::unique_ptr<Worker>> workers_;
  Listeners listeners_{&workers_, &systemd_};
};

TEST_F(ListenersTest, NumbersFollowTheOrderOfOpening) {
  EXPECT_THAT(change_to({tcp("a"), tcp("b")}), ElementsAre("a", "b"));
  EXPECT_THAT(change_to({tcp("a"), tcp("b"), tcp("c")}), ElementsAre("a", "b", "c"));
}

TEST_F(ListenersTest, ListenersOfOneAddressKeepTheirNamesInAnyOrder) {
  change_to({tcp("a"), tcp("b"), tcp("")});
  EXPECT_THAT(change_to({tcp("a"), tcp("b"), tcp("")}), ElementsAre("a", "b", ""));
  EXPECT_THAT(change_to({tcp(""), tcp("b"), tcp("a")}), ElementsAre("a", "b", ""));
}

TEST_F(ListenersTest, ANewNameGoesToTheListenerOfItsAddressThatNothingElseIs) {
  change_to({tcp("a"), tcp("b")});
  EXPECT_THAT(change_to({tcp("c"), tcp("a")}), ElementsAre("a", "c"));
}

TEST_F(ListenersTest, OfTwoListenersOfOneAddressTheOneWhoseNameIsGoneStops) {
  change_to({tcp("a"), tcp("b")});
  const Result<Listeners::Change> change = listeners_.prepare({tcp("b")});
  ASSERT_TRUE(change);
  EXPECT_THAT(change.value().removed, ElementsAre(0));
  EXPECT_THAT(change.value().opened, IsEmpty());
}

TEST_F(ListenersTest, TheNumberOfAListenerThatIsGoneIsNotGivenAgain) {
  change_to({tcp("a"), tcp("b")});
  change_to({tcp("a")});
  EXPECT_THAT(change_to({tcp("a"), tcp("c")}), ElementsAre("a", "b", "c"));
}

TEST_F(ListenersTest, ADroppedChangeUsesUpNoNumbers) {
  change_to({tcp("a")});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(listeners_.prepare({tcp("a"), tcp("x"), tcp("y")}));
  EXPECT_THAT(change_to({tcp("a"), tcp("b")}), ElementsAre("a", "b"));
}

TEST_F(ListenersTest, ADroppedChangeLeavesNoSocketFile) {
  const auto path = socket_path("dropped");
  {
    const Result<Listeners::Change> change = listeners_.prepare({unix_socket(path)});
    EXPECT_TRUE(change);
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ListenersTest, AChangeThatCannotOpenAllLeavesNoSocketFile) {
  const auto path = socket_path("refused");
  EXPECT_FALSE(listeners_.prepare({unix_socket(path), unix_socket("/nowhere/at/all.sock")}));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ListenersTest, ASocketFileStaysWhileItIsListenedOnAndGoesWithItsListener) {
  const auto path = socket_path("served");
  change_to({tcp("a"), unix_socket(path)});
  change_to({unix_socket(path), tcp("a")});
  EXPECT_TRUE(std::filesystem::exists(path));
  change_to({tcp("a")});
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ListenersTest, SocketFilesGoAtTheEndOfTheProcess) {
  const auto path = socket_path("ended");
  change_to({unix_socket(path)});
  listeners_.remove_socket_files();
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace vg::server
