// The hash of the router's literals: routes are numbered, dated, named alike, and each chain of neighbours in the table
// is a cache miss a step for every request.
#include "gateway/router_tables.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace vg::gateway::trie {
namespace {

/// How many slots a lookup looks at on average, in a table that is at most two thirds full.
double mean_probes(const std::vector<std::string>& names) {
  size_t size = 64;
  while (size * 2 < names.size() * 3) size *= 2;
  std::vector<bool> used(size);
  size_t probes = 0;
  for (const std::string& name : names) {
    size_t i = hash_edge(3, name) & (size - 1);
    for (++probes; used[i]; i = (i + 1) & (size - 1)) ++probes;
    used[i] = true;
  }
  return static_cast<double>(probes) / static_cast<double>(names.size());
}

TEST(HashEdge, SpreadsNamesThatDifferInAFewPlaces) {
  // A random function takes 1.8: the table is full to six tenths.
  for (const char* format : {"%05u", "svc%05u", "%05u-v", "service-%05u", "a-longer-name-of-service-%05u", "%05u-items",
                             "orders-%05u-of-2024", "x%u", "%u"}) {
    std::vector<std::string> names;
    for (unsigned i = 0; i < 10000; ++i) {
      char name[64];
      snprintf(name, sizeof name, format, i);
      names.emplace_back(name);
    }
    EXPECT_LT(mean_probes(names), 2.1) << format;
  }
}

TEST(HashEdge, TellsParentsApart) {
  const size_t mask = (1 << 15) - 1;
  std::vector<bool> used(mask + 1);
  size_t places = 0;
  for (NodeIndex parent = 1; parent <= 10000; ++parent) {
    const size_t i = hash_edge(parent, "items") & mask;
    places += used[i] ? 0 : 1;
    used[i] = true;
  }
  EXPECT_GT(places, 8400u) << "a random function takes 8,600 places";
}

}  // namespace
}  // namespace vg::gateway::trie
