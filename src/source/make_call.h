// The steps of fetch() that a kept call takes too. Internal to this room.
#pragma once
#include "source/fetch.h"

namespace vg::source {

class DeclaredRequest;

/// Makes a prepared call and fills `answer`, as fetch() says. `tells`: a cache around the view learns of the answer
/// here.
coro::Task<void> make_call(const CallDef& def, Caller caller, DeclaredRequest& request, Answer* answer, bool tells);

/// A 2xx in answer->call: its content is JSON or nothing, and `select` finds something in it; else it has failed.
void accept(const CallDef& def, Answer& answer);

}  // namespace vg::source
