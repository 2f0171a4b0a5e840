// The forms around co_await that the source uses, each with values that own memory and across a real suspension.
#include <string>
#include <vector>

#include "probe.h"

using probe::Owner;
using probe::Park;
using probe::run;
using probe::Task;

namespace {

/// A type passed by value into a coroutine: it owns memory, so it has a constructor.
struct Call {
  Call(Owner o, int t) : owner(std::move(o)), times(t) {}
  Owner owner;
  int times;
};
struct Both {
  Owner first, second;
};

Task<int> use(Call call) {
  co_await Park();
  co_return call.owner.get() * call.times;
}
Task<Owner> make(int value) {
  co_await Park();
  co_return Owner(value);
}
Task<bool> yes() {
  co_await Park();
  co_return true;
}
Task<int> ready(int value) { co_return value; }

Task<int> named_argument() {
  Call call(Owner(7), 2);
  co_return co_await use(std::move(call));
}
Task<int> constructed_argument() { co_return co_await use(Call(Owner(7), 2)); }
Task<int> results_into_locals() {
  Owner a = co_await make(3);
  Owner b = co_await make(4);
  Both both{std::move(a), std::move(b)};
  co_return both.first.get() * 10 + both.second.get();
}
Task<int> branches_instead_of_a_conditional(bool first) {
  int got = 0;
  if (first) {
    got = co_await use(Call(Owner(1), 5));
  } else {
    got = co_await use(Call(Owner(1), 6));
  }
  co_return got;
}
Task<int> nested_conditions(bool outer) {
  if (outer) {
    const bool inner = co_await yes();
    if (inner) co_return 1;
  }
  co_return 0;
}
Task<int> named_lambda_without_captures() {
  auto body = [](Owner owner, int times) -> Task<int> {
    co_await Park();
    co_return owner.get() * times;
  };
  co_return co_await body(Owner(6), 7);
}
Task<int> plain_lambda_named_before() {
  Owner owner(8);
  auto add = [&owner](int more) { return owner.get() + more; };
  const int more = co_await ready(2);
  co_return add(more);
}
Task<int> vector_built_before() {
  std::vector<Owner> owners;
  owners.push_back(Owner(1));
  owners.push_back(co_await make(2));
  int sum = 0;
  for (const Owner& owner : owners) sum += owner.get() + co_await ready(1);
  co_return sum;
}
Task<int> initialiser_statement() {
  if (Owner owner = co_await make(4); owner.get() == 4) {
    co_await Park();
    co_return owner.get();
  }
  co_return 0;
}
Task<int> while_over_a_local() {
  int count = 0;
  for (;;) {
    const bool more = co_await yes();
    if (!more) break;
    if (++count == 5) break;
  }
  co_return count;
}
Task<int> switch_over_a_local() {
  Owner owner = co_await make(2);
  switch (owner.get()) {
    case 2: {
      Owner other = co_await make(9);
      co_return other.get();
    }
    default:
      break;
  }
  co_return 0;
}
Task<int> range_of_owners() {
  std::vector<Owner> owners;
  for (int i = 1; i < 4; ++i) owners.emplace_back(i);
  int sum = 0;
  for (const Owner& owner : owners) {
    Owner copy(owner);
    sum += co_await use(Call(std::move(copy), 1));
    if (sum == 6) co_return sum;
  }
  co_return 0;
}
Task<int> awaited_argument() {
  Call call(co_await make(3), 3);
  co_return co_await use(std::move(call));
}
Task<int> loop_over_awaited() {
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    Owner owner = co_await make(i);
    sum += owner.get();
  }
  co_return sum;
}
Task<int> two_million_ready_tasks() {
  int count = 0;
  for (int i = 0; i < 2000000; ++i) count += co_await ready(1);
  co_return count;
}
Task<int> destroyed_while_suspended() {
  {
    Task<int> task = use(Call(Owner(1), 1));
    task.start();
  }
  co_return Owner::alive().empty() ? 1 : 0;
}

int failures = 0;
void check(const char* name, Task<int> form, int wanted) {
  const int got = run(std::move(form));
  if (got == wanted && Owner::wrong() == 0 && Owner::alive().empty()) return;
  std::printf("%s: got %d, wanted %d; %d owners destroyed wrongly, %zu never\n", name, got, wanted, Owner::wrong(),
              Owner::alive().size());
  Owner::wrong() = 0;
  Owner::alive().clear();
  ++failures;
}

}  // namespace

int main() {
  check("named argument", named_argument(), 14);
  check("constructed argument", constructed_argument(), 14);
  check("results into locals", results_into_locals(), 34);
  check("branches, first", branches_instead_of_a_conditional(true), 5);
  check("branches, second", branches_instead_of_a_conditional(false), 6);
  check("nested conditions", nested_conditions(true), 1);
  check("nested conditions, not taken", nested_conditions(false), 0);
  check("named lambda without captures", named_lambda_without_captures(), 42);
  check("plain lambda named before", plain_lambda_named_before(), 10);
  check("vector built before", vector_built_before(), 5);
  check("initialiser statement", initialiser_statement(), 4);
  check("while over a local", while_over_a_local(), 5);
  check("switch over a local", switch_over_a_local(), 9);
  check("range of owners", range_of_owners(), 6);
  check("awaited argument", awaited_argument(), 9);
  check("loop over awaited", loop_over_awaited(), 3);
  check("two million ready tasks", two_million_ready_tasks(), 2000000);
  check("destroyed while suspended", destroyed_while_suspended(), 1);
  if (failures == 0) std::puts("all allowed forms work");
  return failures;
}
