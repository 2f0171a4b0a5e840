// What RedisCacheStore has Redis do: one script an operation, each atomic. Keys: `value` holds a value with what it
// depends on; `drops` is one hash of all drops, `older` the generation before it.
//
// Time is a count of drops, kept in drops.seq: no clock takes part, so none can go wrong. get() hands it out as the
// mark; a drop increments it and writes it down at its fields; a value is dead if one of its fields was written after
// its mark. When drops has too many fields it becomes `older`, and what was older is forgotten: drops.floor kills what
// began before that. drops.turned is the count at which `older` ended: if Redis lost `older` (evicted it), that is the
// floor. If drops itself is lost, it begins anew at the time in microseconds, greater than any count before, with all
// that floored. So nothing that is lost brings a dropped value back.
//
// A value is 16 digits of its mark, 4 digits: how many fields, the fields (8 bytes each), and the bytes.
#pragma once
#include "store/redis.h"

namespace vg::store {

/// value, drops, older -> {mark} or {mark, value, milliseconds to live}.
const Script& cache_get_script();
/// value, drops, older; value, milliseconds to live, channel, news of a replacement -> the mark. Keeps nothing that is
/// dead.
const Script& cache_put_script();
/// value; channel, news -> how many went.
const Script& cache_remove_script();
/// drops, older; most fields of a generation, fields (8 bytes each), channel, news -> the mark. No fields: everything.
const Script& cache_drop_script();

}  // namespace vg::store
