// Checks of single values: is this text a duration, is it within its range; and the words for it when it is not.
#pragma once
#include <string>

#include "config/node.h"
#include "config/spec.h"

namespace vg::config {

/// What is wrong with a scalar as a value of `spec`; empty if nothing is.
std::string check_scalar(const Node& node, const Spec& spec);

/// "a map was found where a duration is expected; write for example 3s".
std::string wrong_kind(const Node& node, const Spec& spec);

/// "a duration", "true or false", "a list": what a message calls a value of `spec`.
std::string what_is(const Spec& spec);
std::string example_of(const Spec& spec);

}  // namespace vg::config
