// YAML as JSON, without templates: `json:` of respond, a default, a schema. By YAML's core schema as far as JSON
// follows it: plain true, false, null and what is a number in JSON's grammar are what they look like, and everything
// else is text; so is everything in quotes. Numbers keep the form they were written in.
#pragma once
#include <string>

#include "config/node.h"

namespace vg::tmpl {

/// Appends the whole value.
void append_plain_json(const config::Node& node, std::string& out);

}  // namespace vg::tmpl
