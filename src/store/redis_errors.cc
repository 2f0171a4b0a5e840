#include "store/redis_errors.h"

#include "base/strings.h"

namespace vg::store {

namespace {

struct Known {
  std::string_view code, words;
};

constexpr Known kRefusals[] = {
    {"NOAUTH", "it asks for a password, and redis.url has none"},
    {"WRONGPASS", "the user or the password in redis.url is wrong"},
    {"READONLY", "it is a read-only replica; redis.url must name the master"},
    {"LOADING", "it is still loading its data"},
    {"MASTERDOWN", "it is a replica that has lost its master"},
    {"OOM", "its memory is full (maxmemory), and it evicts nothing"},
    {"MISCONF", "it refuses writes because it can't save to disk"},
    {"NOREPLICAS", "it refuses writes because too few replicas follow it"},
    {"BUSY", "it is busy with a script that does not end"},
    {"DENIED", "it is in protected mode and takes connections of its own machine alone"},
    {"CLUSTERDOWN", "it belongs to a Redis Cluster, which is not supported"},
    {"MOVED", "it belongs to a Redis Cluster, which is not supported"},
    {"ASK", "it belongs to a Redis Cluster, which is not supported"},
};

// These have no code of their own.
constexpr Known kTexts[] = {
    {"max number of clients", "it has too many clients (maxclients)"},
    {"invalid password", "the password in redis.url is wrong"},
    {"no password is set", "redis.url has a password, and it has none"},
    {"without any password configured", "redis.url has a password, and it has none"},
    {"DB index is out of range", "it has no database of the number in redis.url"},
    {"invalid DB index", "it has no database of the number in redis.url"},
};

std::string_view first_word(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && ((text[end] >= 'A' && text[end] <= 'Z') || text[end] == '_')) ++end;
  return text.substr(0, end);
}

}  // namespace

std::string_view error_code(std::string_view error) {
  const std::string_view code = first_word(error);
  if (code != "ERR" || !error.starts_with("ERR Error running script")) return code;
  const size_t inner = error.find(": -");
  return inner == std::string_view::npos ? code : first_word(error.substr(inner + 3));
}

std::string refusal(std::string_view error) {
  const std::string_view code = error_code(error);
  for (const Known& known : kRefusals) {
    if (code == known.code) return std::string(known.words);
  }
  if (code == "NOPERM") return "its user lacks a permission: " + std::string(error);
  if (code != "ERR") return {};
  for (const Known& known : kTexts) {
    if (error.find(known.code) != std::string_view::npos) return std::string(known.words);
  }
  return {};
}

}  // namespace vg::store
