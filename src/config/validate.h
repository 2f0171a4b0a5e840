// Checks nodes against their Spec, and brings them into the one form that the rest of the program reads: short forms
// become maps, layers are merged, nulls taken out. Generic: everything it knows comes from the tables.
#pragma once
#include <string>

#include "config/errors.h"
#include "config/node.h"
#include "config/path.h"
#include "config/spec.h"

namespace vg::config {

struct ValidateOptions {
  bool required = true;       ///< missing required keys are errors; not so in a layer, which others complete
  bool null_removes = false;  ///< null is welcome everywhere, since it takes out what a weaker layer says
};

void validate(const Node& node, const Spec& spec, const Path& path, const ValidateOptions& options, Errors& errors);

/// Only what `required` asks for: of a node merged from layers that were validated each for itself.
void check_required(const Node& node, const Spec& spec, const Path& path, const Mark& mark, Errors& errors);

/// The same value with all short forms written out. Gives `node` itself where nothing changes.
const Node* normalize(Document& document, const Node* node, const Spec& spec);

/// `strong` over `weak`, both normalised: maps by key in the order of the weaker one, all else replaced. Either may be
/// nullptr. Nulls stay, so that they can remove: see without_nulls().
const Node* merge(Document& document, const Node* weak, const Node* strong, const Spec& spec);

/// Takes out the members that are null, but not inside JSON.
const Node* without_nulls(Document& document, const Node* node, const Spec& spec);

/// What is wrong with an unknown key: names the nearest known one, or all if they are few.
std::string unknown_key(std::string_view key, const Spec& spec);

/// The `required` error's message.
std::string missing_key(const Key& key);

}  // namespace vg::config
